//! The example on a real broker: grouped through a repartition topic, each word counted once.
#![allow(clippy::unwrap_used)]

#[path = "../examples/word_count.rs"]
#[allow(dead_code)] // its `main`
mod word_count;

use comanda_kafka::{KafkaBroker, KafkaSettings};
use comanda_servers::{Servers, unique_name};
use comanda_streams::broker::{Broker, Fetched, Headers, NewTopic, PartitionId, TopicPartition};
use comanda_streams::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn topic(name: &str) -> NewTopic {
    NewTopic { name: name.to_owned(), partitions: 4, replication: 1, configs: vec![] }
}

/// The last count of each word, once `expected` is reached or the time is over.
fn read_counts(broker: &dyn Broker, topic: &str, expected: &BTreeMap<String, i64>) -> BTreeMap<String, i64> {
    let mut consumer = broker.consumer(broker::ConsumerRole::Restore).unwrap();
    for partition in 0..4 {
        consumer.assign(PartitionId(partition), &TopicPartition::new(topic, partition as i32), 0).unwrap();
    }
    let deadline = Instant::now() + Duration::from_secs(60);
    let (mut counts, mut fetched) = (BTreeMap::new(), vec![]);
    while counts != *expected && Instant::now() < deadline {
        consumer.poll(Duration::from_millis(100), 1000, &mut fetched).unwrap();
        for item in fetched.drain(..) {
            let Fetched::Record(_, record) = item else { continue };
            let word = String::from_utf8(record.key.unwrap().to_vec()).unwrap();
            counts.insert(word, i64::from_be_bytes(record.value.unwrap()[..].try_into().unwrap()));
        }
    }
    counts
}

#[test]
fn words_are_counted_once_each_over_a_stop_and_a_start() {
    let _ = tracing_subscriber::fmt().with_env_filter("info").with_test_writer().try_init();
    let kafka = Arc::new(KafkaBroker::new(KafkaSettings::new(Servers::kafka())).unwrap());
    let (app, lines, counts) = (unique_name("word-count"), unique_name("lines"), unique_name("counts"));
    kafka.admin().unwrap().create_topics(&[topic(&lines), topic(&counts)]).unwrap();
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
        let topology = word_count::word_count(&lines, &counts).unwrap();
        let config = StreamsConfig::new(&app, scratch.path());
        let mut streams = KafkaStreams::new(topology, config, kafka.clone()).unwrap();
        streams.start().unwrap();
        assert!(streams.wait_until_running(Duration::from_secs(60)), "round {round}: {:?}", streams.error());
        assert_eq!(read_counts(&*kafka, &counts, &expected), expected, "round {round}");
        assert_eq!(streams.close(), KafkaStreamsState::NotRunning);
    }
}
