//! The applications under test.

use crate::feed::Sequence;
use crate::fixture::{count, last_by_key, read_until, text};
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

/// Counts the records of each key in hopping windows, behind a repartition topic: each update comes out.
pub fn windowing(input: &str, output: &str) -> Topology {
    let (text, number) = (Serdes::string, Serdes::long);
    let builder = StreamsBuilder::new();
    builder
        .stream(input, Consumed::with(text(), text()))
        .map(|key, value| (key.map(|key: String| format!("moved-{key}")), value))
        .repartition(Repartitioned::with(text(), text()).with_name("moved"))
        .group_by_key(Grouped::with(text(), text()))
        .windowed_by(TimeWindows::of_size_and_grace(60_000, 3_600_000).advance_by(30_000))
        .count(Materialized::with(text(), number()).named("windows").with_caching_disabled())
        .to_stream()
        .map(|key: Option<Windowed<String>>, count: Option<i64>| {
            (key.map(|key| key.to_string()), count.map(|count| count.to_string()))
        })
        .to(output, Produced::with(text(), text()));
    builder.build().unwrap()
}

/// The windowing application's output is that of a run without crashes, record by record of each window.
pub fn assert_windowed(broker: &dyn Broker, output: &str, expected: &Sequence) {
    let counts: BTreeMap<&str, u64> = expected.values().flatten().map(|(key, count)| (&**key, *count)).collect();
    // Each record lies in two windows.
    let total = 2 * counts.values().sum::<u64>() as usize;
    let records = read_until(broker, output, "all is counted", |records| count(records) >= total);
    let mut found: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for record in records.values().flatten() {
        found.entry(text(&record.key)).or_default().push(text(&record.value).parse().unwrap());
    }
    assert_eq!(found.len(), 2 * counts.len());
    for (window, found) in &found {
        let key = window.strip_prefix("moved-").unwrap().split('@').next().unwrap();
        assert!(found.iter().copied().eq(1..=counts[key]), "{window}: {found:?} instead of 1..={}", counts[key]);
    }
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

/// All is counted, some of it perhaps more than once.
pub fn assert_counted_at_least(broker: &dyn Broker, output: &str, expected: &Sequence) {
    let expected: BTreeMap<String, u64> = expected.values().flatten().cloned().collect();
    let reached = |records: &BTreeMap<_, _>| {
        let last = last_by_key(records);
        expected.iter().all(|(key, count)| last.get(key).is_some_and(|last| number(last) >= *count))
    };
    read_until(broker, output, "all is counted", reached);
}

/// The last count of each key in the change log: what any new owner's state becomes.
pub fn assert_state(broker: &dyn Broker, application_id: &str, expected: &Sequence) {
    let changelog = crate::fixture::read_all(broker, &format!("{application_id}-counts-changelog"));
    let state: BTreeMap<String, u64> =
        last_by_key(&changelog).into_iter().map(|(key, value)| (key, number(&value))).collect();
    let last: BTreeMap<String, u64> = expected.values().flatten().cloned().collect();
    assert_eq!(state.len(), last.len());
    assert!(state == last, "the change log's last values differ from the last counts");
}
