//! The applications under test.

use crate::feed::Sequence;
use crate::fixture::{count, read_until, text};
use comanda_streams::broker::{Broker, RawRecord};
use comanda_streams::*;
use std::collections::BTreeMap;

/// Counts the records of each key in a store of some size: each update comes out, as wide as a real value.
pub fn counting(input: &str, output: &str) -> Topology {
    let builder = StreamsBuilder::new();
    let (text, store) = (Serdes::string, Materialized::with(Serdes::string(), Serdes::string()));
    builder
        .stream(input, Consumed::with(text(), text()))
        .group_by_key(Grouped::with(text(), text()))
        .aggregate(
            || Some(String::new()),
            |_, _, so_far: Option<String>| Some(format!("{:0>200}", number(&so_far.unwrap_or_default()) + 1)),
            store.named("counts").with_caching_disabled(),
        )
        .to_stream()
        .to(output, Produced::with(text(), text()));
    builder.build().unwrap()
}

pub fn number(padded: &str) -> u64 {
    padded.trim_start_matches('0').parse().unwrap_or(0)
}

fn sequence(records: &BTreeMap<i32, Vec<RawRecord>>) -> Sequence {
    let one = |record: &RawRecord| (text(&record.key), number(&text(&record.value)));
    records.iter().map(|(partition, records)| (*partition, records.iter().map(one).collect())).collect()
}

/// The counting application's output is that of a run without crashes, record by record in each partition.
pub fn assert_counted(broker: &dyn Broker, output: &str, expected: &Sequence) {
    let total: usize = expected.values().map(Vec::len).sum();
    let records = read_until(broker, output, "all is counted", |records| count(records) >= total);
    let found = sequence(&records);
    for (partition, expected) in expected {
        let found = &found[partition];
        let differs = found.iter().zip(expected).position(|(found, expected)| found != expected);
        assert_eq!(
            differs,
            None,
            "partition {partition}: {:?} instead of {:?}",
            differs.map(|d| &found[d]),
            differs.map(|d| &expected[d])
        );
        assert_eq!(found.len(), expected.len(), "partition {partition}");
    }
}

/// The last count of each key in the change log: what any new owner's state becomes.
pub fn assert_state(broker: &dyn Broker, application_id: &str, expected: &Sequence) {
    let changelog = crate::fixture::read_all(broker, &format!("{application_id}-counts-changelog"));
    let state: BTreeMap<String, u64> =
        crate::fixture::last_by_key(&changelog).into_iter().map(|(key, value)| (key, number(&value))).collect();
    let last: BTreeMap<String, u64> = expected.values().flatten().cloned().collect();
    assert_eq!(state.len(), last.len());
    assert!(state == last, "the change log's last values differ from the last counts");
}
