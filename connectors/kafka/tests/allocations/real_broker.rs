//! The same topology on a real broker: what the stream thread allocates with fetching, sending and commits.

use crate::counting;
use crate::{filter_and_slice, value};
use comanda_kafka::{KafkaBroker, KafkaSettings};
use comanda_servers::{Servers, unique_name};
use comanda_streams::broker::{Broker, Headers, NewTopic};
use comanda_streams::{KafkaStreams, StreamsConfig};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

const RECORDS: u64 = 100_000;
/// Buffers have grown to their size by then.
const WARM: u64 = 20_000;
/// Longer than it takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// A chunk for the bytes of many fetched records, a commit's offsets: far below one a record.
const MOST_PER_RECORD: f64 = 0.05;

/// A topic with the input, and one for the output.
fn filled(broker: &KafkaBroker) -> [String; 2] {
    let names = ["allocations-in", "allocations-out"].map(unique_name);
    let topic = |name: &String| NewTopic { name: name.clone(), partitions: 1, replication: 1, configs: vec![] };
    broker.admin().unwrap().create_topics(&names.each_ref().map(topic)).unwrap();
    let mut producer = broker.producer(None).unwrap();
    let input = producer.topic(&names[0]).unwrap();
    for number in 0..RECORDS {
        let value = value(number);
        producer.send(input, Some(0), 1, Some(&value[..8]), Some(&value), &Headers::EMPTY).unwrap();
    }
    producer.flush().unwrap();
    names
}

#[test]
fn a_record_on_a_real_broker_costs_far_less_than_one_allocation() {
    let broker = KafkaBroker::new(KafkaSettings::new(Servers::kafka())).unwrap();
    let [input, output] = filled(&broker);
    let (done, counted) = mpsc::channel();
    let (seen, warm) = (AtomicU64::new(0), AtomicU64::new(0));
    // Runs on the stream thread, whose allocations it can tell.
    let count = move || match seen.fetch_add(1, Ordering::Relaxed) + 1 {
        WARM => warm.store(counting::so_far(), Ordering::Relaxed),
        RECORDS => drop(done.send(counting::so_far() - warm.load(Ordering::Relaxed))),
        _ => {}
    };
    let state = tempfile::tempdir().unwrap();
    let config = StreamsConfig::new(&unique_name("allocations"), state.path());
    let topology = filter_and_slice(&input, &output, count);
    let mut streams = KafkaStreams::new(topology, config, Arc::new(broker)).unwrap();
    streams.start().unwrap();
    let allocations = counted.recv_timeout(PATIENCE).unwrap();
    streams.close();
    let per_record = allocations as f64 / (RECORDS - WARM) as f64;
    println!("{allocations} allocations in {} records: {per_record:.4} a record", RECORDS - WARM);
    assert!(per_record < MOST_PER_RECORD, "{per_record} allocations a record");
}
