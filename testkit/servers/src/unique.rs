//! Names that no other test uses, so that tests share servers without seeing each other.

use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

static NAMES_MADE: AtomicU64 = AtomicU64::new(0);

/// A name for a topic, a group, an application or a database: `prefix`, then what makes it unique over
/// test processes and runs. Letters, digits and `_` are added only, which Kafka and ClickHouse both take.
pub fn unique_name(prefix: &str) -> String {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock stands after 1970");
    let count = NAMES_MADE.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}_{:x}_{:x}_{count:x}", since_epoch.as_millis(), process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_names_of_one_prefix_differ() {
        assert_ne!(unique_name("orders"), unique_name("orders"));
    }

    #[test]
    fn a_name_starts_with_its_prefix_and_suits_kafka_and_clickhouse() {
        let name = unique_name("orders");
        assert!(name.starts_with("orders_"));
        assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
    }
}
