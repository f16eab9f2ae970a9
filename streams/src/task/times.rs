//! Times that travel with every commit: the task's, its partitions' and its operators'. Without them a restart would
//! accept records that were late before.

use super::context::NO_TIME;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// A task's times as they stand in the committed offset's metadata, e.g. `1;p=17;s=20;w=15:totals`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SavedTimes {
    pub partition_ms: Option<i64>,
    pub stream_ms: Option<i64>,
    pub operators_ms: BTreeMap<String, i64>,
}

const VERSION: &str = "1";

impl SavedTimes {
    pub fn encode(&self) -> String {
        let mut out = VERSION.to_owned();
        let mut add = |field: &str, time: Option<i64>| {
            if let Some(time) = time {
                out.push_str(&format!(";{field}={time}"));
            }
        };
        add("p", self.partition_ms);
        add("s", self.stream_ms);
        for (name, time) in &self.operators_ms {
            out.push_str(&format!(";w={time}:{name}"));
        }
        out
    }

    /// Reads what `encode` wrote; metadata of somebody else's tells nothing.
    pub fn decode(text: &str) -> Self {
        let mut times = Self::default();
        let mut fields = text.split(';');
        if fields.next() != Some(VERSION) {
            return times;
        }
        for (field, value) in fields.filter_map(|field| field.split_once('=')) {
            match field {
                "p" => times.partition_ms = value.parse().ok(),
                "s" => times.stream_ms = value.parse().ok(),
                "w" => {
                    if let Some((Ok(time), name)) = value.split_once(':').map(|(t, name)| (t.parse(), name)) {
                        times.operators_ms.insert(name.to_owned(), time);
                    }
                }
                _ => {}
            }
        }
        times
    }
}

/// The operators' own times of one task.
#[derive(Default)]
pub(crate) struct OperatorTimes(pub Vec<(String, Rc<Cell<i64>>)>);

impl OperatorTimes {
    pub fn save(&self) -> BTreeMap<String, i64> {
        let seen = self.0.iter().filter(|(_, time)| time.get() != NO_TIME);
        seen.map(|(name, time)| (name.clone(), time.get())).collect()
    }

    /// Sets every time to the saved one, or to none.
    pub fn restore(&self, saved: &BTreeMap<String, i64>) {
        for (name, time) in &self.0 {
            time.set(saved.get(name).copied().unwrap_or(NO_TIME));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn saved_times_come_back_as_they_were() {
        let times = SavedTimes {
            partition_ms: Some(17),
            stream_ms: None,
            operators_ms: BTreeMap::from([("count.a-store".to_owned(), 15)]),
        };
        assert_eq!(times.encode(), "1;p=17;w=15:count.a-store");
        assert_eq!(SavedTimes::decode(&times.encode()), times);
    }

    #[test]
    fn metadata_of_other_programs_is_ignored() {
        assert_eq!(SavedTimes::decode("AgAAAA=="), SavedTimes::default());
        assert_eq!(SavedTimes::decode(""), SavedTimes::default());
    }
}
