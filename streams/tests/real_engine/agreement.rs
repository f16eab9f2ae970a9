//! One topology of two sub-topologies through a repartition topic: the test driver and real Kafka agree.

use crate::feed::{Feed, scattered};
use crate::fixture::*;
use comanda_kafka::KafkaBroker;
use comanda_servers::{Servers, unique_name};
use comanda_streams::*;
use comanda_streams_test::TopologyTestDriver;
use std::collections::BTreeMap;
use std::sync::Arc;

const RECORDS: u64 = 3_000;
const WINDOW_MS: i64 = 1_000;

/// Counts per order; then, by zone, sums of amounts and counts per window.
fn zones(input: &str, outputs: &[String; 3]) -> Topology {
    let (text, number) = (Serdes::string, Serdes::long);
    let builder = StreamsBuilder::new();
    let orders = builder.stream(input, Consumed::with(text(), text()));
    let counts =
        orders.group_by_key(Grouped::with(text(), text())).count(Materialized::with(text(), number()).named("orders"));
    counts.to_stream().to(&outputs[0], Produced::with(text(), number()));
    let zones = orders
        .map(|_, order: Option<String>| {
            let order = order.unwrap();
            let (zone, amount) = order.split_once(' ').unwrap();
            (Some(zone.to_owned()), Some(amount.parse::<i64>().unwrap()))
        })
        .repartition(Repartitioned::with(text(), number()).with_name("by-zone"))
        .group_by_key(Grouped::with(text(), number()));
    zones
        .aggregate(
            || Some(0),
            |_, amount, sum| Some(sum? + amount?),
            Materialized::with(text(), number()).named("sums"),
        )
        .to_stream()
        .to(&outputs[1], Produced::with(text(), number()));
    zones
        .windowed_by(TimeWindows::of_size_and_grace(WINDOW_MS, 1_000 * WINDOW_MS))
        .count(Materialized::with(text(), number()).named("windows"))
        .to_stream()
        .map(|key: Option<Windowed<String>>, count| (key.map(|key| key.to_string()), count))
        .to(&outputs[2], Produced::with(text(), number()));
    builder.build().unwrap()
}

/// (Key, value) of each record.
fn orders() -> impl Iterator<Item = (String, String)> {
    let order = |number| (format!("order-{}", scattered(number) % 500), scattered(number + RECORDS));
    (0..RECORDS).map(order).map(|(key, chance)| (key, format!("zone-{} {}", chance % 20, chance % 1_000)))
}

type Values = BTreeMap<String, i64>;

/// What the driver ends with: last values of the three outputs, contents of the two key-value stores.
fn driven(
    topology: &Topology,
    input: &str,
    outputs: &[String; 3],
    config: &StreamsConfig,
) -> ([Values; 3], [Values; 2]) {
    let mut driver = TopologyTestDriver::with_config(topology, config.clone(), 0).unwrap();
    let orders_topic = driver.input_topic(input, Serdes::string(), Serdes::string());
    for (key, value) in orders() {
        orders_topic.pipe(&mut driver, key, value, 1_000).unwrap();
    }
    let last = outputs.each_ref().map(|output| {
        let topic = driver.output_topic(output, Serdes::string(), Serdes::long());
        let records = topic.read(&mut driver).unwrap();
        records.into_iter().map(|record| (record.key.unwrap(), record.value.unwrap())).collect()
    });
    let stores = ["orders", "sums"].map(|name| {
        let entries = driver.stores().key_value(name).unwrap().all(comanda_state_stores::Direction::Forward).unwrap();
        entries.map(|entry| entry.unwrap()).map(|(key, value)| (utf8(&key), long(&value[8..]))).collect()
    });
    (last, stores)
}

fn utf8(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn long(bytes: &[u8]) -> i64 {
    i64::from_be_bytes(bytes.try_into().unwrap())
}

fn last_values(kafka: &KafkaBroker, output: &str, expected: &Values) -> Values {
    let last = |records: &BTreeMap<_, Vec<comanda_streams::broker::RawRecord>>| -> Values {
        let all = records.values().flatten();
        all.map(|r| (utf8(r.key.as_deref().unwrap()), long(r.value.as_deref().unwrap()))).collect()
    };
    last(&read_until(kafka, output, "the driver's last values are reached", |records| last(records) == *expected))
}

fn assert_agreement(caching: bool) {
    let kafka: Arc<KafkaBroker> = cluster(Servers::kafka());
    let [application_id, input] = ["zones", "orders"].map(unique_name);
    let outputs = ["counts", "sums", "windows"].map(unique_name);
    create_topics(&*kafka, &[&[&*input], &outputs.each_ref().map(String::as_str)[..]].concat(), PARTITIONS);
    let topology = zones(&input, &outputs);
    assert_eq!(topology.sub_topologies().len(), 2);
    let scratch = tempfile::tempdir().unwrap();
    let mut config = StreamsConfig { num_stream_threads: 2, ..config(&application_id, scratch.path()) };
    if !caching {
        config.statestore_cache_max_bytes = 0;
    }
    let (last, stores) = driven(&topology, &input, &outputs, &config);

    let streams = run(topology, config, &kafka);
    let queried =
        ["orders", "sums"].map(|name| streams.store(name, PARTITIONS, Serdes::string(), Serdes::long()).unwrap());
    let mut feed = Feed::new(&*kafka, &input);
    orders().for_each(|(key, value)| feed.send(&key, &value));
    feed.flush();
    for (output, expected) in outputs.iter().zip(&last) {
        assert_eq!(last_values(&kafka, output, expected), *expected);
    }
    for (store, expected) in queried.iter().zip(&stores) {
        let content = || store.all().unwrap().into_iter().collect::<Values>();
        wait_until("the state is shown", || content().len() == expected.len());
        assert_eq!(content(), *expected);
    }
    let updates = count(&read_all(&*kafka, &outputs[0])) as u64;
    assert!(if caching { updates < RECORDS } else { updates == RECORDS }, "{updates} updates of {RECORDS}");
    streams.close();
}

#[test]
fn without_caching_the_test_driver_and_real_kafka_agree_over_a_repartition_topic() {
    assert_agreement(false);
}

#[test]
fn with_caching_the_test_driver_and_real_kafka_agree_over_a_repartition_topic() {
    assert_agreement(true);
}
