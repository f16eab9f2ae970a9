//! An application behind another one: numbers the records of each key in what the other puts out.

use super::counting::verify_merged;
use super::{Logs, Part, Settings, includes, same_sequence};
use comanda_streams::{Consumed, Grouped, Materialized, Produced, Serdes, StreamsBuilder};
use std::collections::BTreeMap;

const RELAYED: &str = "relayed";

pub(super) struct Relaying {
    pub source: &'static str,
    pub partitions: i32,
}

impl Relaying {
    /// The numbers that must come out of a partition, in order, and the last of each key.
    fn expected(&self, logs: &Logs<'_>, partition: i32) -> (Vec<(String, i64)>, BTreeMap<String, i64>) {
        let mut counts: BTreeMap<String, i64> = BTreeMap::new();
        let mut number = |key: String| {
            let count = counts.entry(key.clone()).or_insert(0);
            *count += 1;
            (key, *count)
        };
        let expected = logs.keys(self.source, partition).into_iter().map(&mut number).collect();
        (expected, counts)
    }
}

impl Part for Relaying {
    fn draw(&self, builder: &StreamsBuilder, settings: Settings) {
        let (text, bytes, number) = (Serdes::string, Serdes::bytes, Serdes::long);
        let mut counts = Materialized::with(text(), number()).named("relayed");
        if settings.in_memory {
            counts = counts.with_store_type(comanda_streams::StoreType::InMemory);
        }
        builder
            .stream(self.source, Consumed::with(text(), bytes()))
            .group_by_key(Grouped::with(text(), bytes()))
            .count(counts)
            .to_stream()
            .to(RELAYED, Produced::with(text(), number()));
    }

    fn topics(&self) -> Vec<(&'static str, i32)> {
        vec![(RELAYED, self.partitions)]
    }

    fn verify(&self, logs: &Logs<'_>, settings: Settings) -> Result<(), String> {
        for partition in 0..self.partitions {
            let (expected, counts) = self.expected(logs, partition);
            let found = logs.longs(RELAYED, partition)?;
            if settings.caching {
                verify_merged(RELAYED, partition, &found, &counts)?;
            } else {
                same_sequence(format!("{RELAYED}-{partition}"), &found, &expected)?;
            }
        }
        Ok(())
    }

    fn verify_at_least_once(&self, logs: &Logs<'_>, _stateful: bool) -> Result<(), String> {
        for partition in 0..self.partitions {
            let found = logs.longs(RELAYED, partition)?.into_iter().map(|(key, _)| key);
            includes(format!("{RELAYED}-{partition}"), found, logs.keys(self.source, partition))?;
        }
        Ok(())
    }
}
