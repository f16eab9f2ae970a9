//! What has to be there before the sink joins its group: topics, dead-letter topics, and tables that fit.

use crate::client::ClickHouse;
use crate::config::SinkConfig;
use crate::dead_letter::dead_letter_topic;
use crate::error::SinkError;
use crate::lease::LEASE;
use crate::mapping::Mapping;
use crate::partition::MIN_INSERT_INTERVAL_MS;
use crate::request_builder::MAX_EXECUTION_S;
use crate::table::Table;
use comanda_streams::broker::{Admin, ErrorKind, NewTopic};
use std::sync::Arc;

/// How long ClickHouse waits for the rest of a request: its default `http_receive_timeout`.
const RECEIVE_TIMEOUT_S: u64 = 30;
const DEAD_LETTER_RETENTION: (&str, &str) = ("retention.ms", "2592000000"); // a month to look at it

/// Looks for all of it.
///
/// # Errors
/// What does not fit; see [`is_passing`] for what is worth waiting for.
pub(crate) fn check(
    config: &SinkConfig,
    client: &ClickHouse,
    admin: &mut dyn Admin,
    mappings: &[Mapping],
) -> Result<Vec<Arc<Table>>, SinkError> {
    let names: Vec<&str> = mappings.iter().map(|mapping| mapping.topic.as_str()).collect();
    let topics = admin.describe_topics(&names)?;
    let mut tables = Vec::new();
    let mut dead_letter_topics = Vec::new();
    for (mapping, topic) in mappings.iter().zip(topics) {
        let topic = topic.ok_or_else(|| missing(&mapping.topic))?;
        let table = Table::check(client, mapping)?;
        check_window(config, &table, topic.partitions)?;
        tables.push(Arc::new(table));
        dead_letter_topics.push(NewTopic {
            name: dead_letter_topic(&topic.name),
            partitions: topic.partitions,
            replication: -1,
            configs: vec![(DEAD_LETTER_RETENTION.0.to_owned(), DEAD_LETTER_RETENTION.1.to_owned())],
        });
    }
    admin.create_topics(&dead_letter_topics)?;
    Ok(tables)
}

/// Whether the same check may succeed later without anybody changing the sink.
pub(crate) fn is_passing(error: &SinkError) -> bool {
    match error {
        SinkError::ClickHouse { retriable, .. } => *retriable,
        SinkError::NoTable { .. } => true,
        SinkError::Kafka(error) => {
            matches!(error.kind, ErrorKind::Retriable | ErrorKind::UnknownTopic)
        }
        _ => false,
    }
}

fn missing(topic: &str) -> SinkError {
    let attempt = format!("look for topic {topic}");
    comanda_streams::broker::BrokerError::new(ErrorKind::UnknownTopic, attempt, "it does not exist").into()
}

/// The table must remember every token that an insert could still come late with: see the crate's documentation.
fn check_window(config: &SinkConfig, table: &Table, partitions: i32) -> Result<(), SinkError> {
    let needed = needed_window(config.session_timeout_ms, partitions);
    if table.deduplication_window >= needed {
        return Ok(());
    }
    Err(SinkError::DeduplicationWindow {
        table: table.name.clone(),
        found: table.deduplication_window,
        needed,
        partitions,
    })
}

/// Inserts that all partitions together can make while one insert may still be late.
fn needed_window(session_timeout_ms: i32, partitions: i32) -> u64 {
    let session_ms = u64::try_from(session_timeout_ms).unwrap_or(0);
    let late_ms = session_ms
        + u64::try_from(LEASE.as_millis()).unwrap_or(u64::MAX)
        + (RECEIVE_TIMEOUT_S + MAX_EXECUTION_S) * 1_000;
    let per_partition = late_ms / MIN_INSERT_INTERVAL_MS.unsigned_abs();
    per_partition * u64::try_from(partitions).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_migrations_window_is_enough_for_twenty_partitions() {
        assert_eq!(needed_window(10_000, 4), 4_000);
        assert!(needed_window(10_000, 20) <= 20_000);
    }

    #[test]
    fn servers_that_are_away_are_waited_for_and_tables_that_do_not_fit_are_not() {
        assert!(is_passing(&missing("order.events")));
        assert!(is_passing(&SinkError::NoTable { table: "etas".to_owned() }));
        let window =
            SinkError::DeduplicationWindow { table: "etas".to_owned(), found: 0, needed: 4_000, partitions: 4 };
        assert!(!is_passing(&window));
    }
}
