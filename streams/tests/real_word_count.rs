//! The example on a real broker: grouped through a repartition topic, each word counted once.
#![allow(clippy::unwrap_used)]

#[path = "real_engine/fixture.rs"]
#[allow(dead_code)] // what other tests need
mod fixture;
#[path = "../examples/word_count.rs"]
#[allow(dead_code)] // its `main`
mod word_count;

use comanda_servers::{Servers, unique_name};
use comanda_streams::broker::{Broker, Headers, RawRecord};
use comanda_streams::*;
use std::collections::BTreeMap;
use std::time::Duration;

/// Each word's counts in order.
fn counts(records: &BTreeMap<i32, Vec<RawRecord>>) -> BTreeMap<String, Vec<i64>> {
    let mut counts: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for record in records.values().flatten() {
        let count = i64::from_be_bytes(record.value.as_deref().unwrap().try_into().unwrap());
        counts.entry(fixture::text(&record.key)).or_default().push(count);
    }
    counts
}

/// Each word ends with its count, and none of its counts comes twice, or after a higher one.
fn assert_counts(found: &BTreeMap<String, Vec<i64>>, expected: &BTreeMap<String, i64>) {
    let last: BTreeMap<String, i64> =
        found.iter().map(|(word, counts)| (word.clone(), counts[counts.len() - 1])).collect();
    assert_eq!(last, *expected);
    for (word, counts) in found {
        assert!(counts.is_sorted_by(|one, next| one < next), "{word}: {counts:?}");
    }
}

#[test]
fn words_are_counted_once_each_over_a_stop_and_a_start() {
    let kafka = fixture::cluster(Servers::kafka());
    let [app, lines, output] = ["word-count", "lines", "counts"].map(unique_name);
    fixture::create_topics(&*kafka, &[&lines, &output], 4);
    let scratch = tempfile::tempdir().unwrap();
    let mut producer = kafka.producer(None).unwrap();
    let handle = producer.topic(&lines).unwrap();
    let mut expected = BTreeMap::new();
    for round in 1..=2 {
        for line in 0..100 {
            let (key, text) = (format!("{line}"), format!("a b{}  c{line}", line % 10));
            producer.send(handle, None, 1000, Some(key.as_bytes()), Some(text.as_bytes()), &Headers::EMPTY).unwrap();
            text.split_whitespace().for_each(|word| *expected.entry(word.to_owned()).or_insert(0) += 1);
        }
        producer.flush().unwrap();
        let topology = word_count::word_count(&lines, &output).unwrap();
        let config = StreamsConfig::new(&app, scratch.path());
        let mut streams = KafkaStreams::new(topology, config, kafka.clone()).unwrap();
        streams.start().unwrap();
        assert!(streams.wait_until_running(Duration::from_secs(60)), "round {round}: {:?}", streams.error());
        let total: i64 = expected.values().sum();
        let reached = |records: &BTreeMap<_, _>| counts(records).values().filter_map(|all| all.last()).sum::<i64>();
        fixture::read_until(&*kafka, &output, "all is counted", |records| reached(records) >= total);
        assert_eq!(streams.close(), KafkaStreamsState::NotRunning);
        assert_counts(&counts(&fixture::read_all(&*kafka, &output)), &expected);
    }
}
