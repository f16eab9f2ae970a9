//! One topology of two sub-topologies through a repartition topic: the test driver and real Kafka agree.

use crate::disk::{Entries, contents, on_disk};
use crate::feed::{Feed, scattered, this_minute_ms};
use crate::fixture::*;
use comanda_servers::{Servers, unique_name};
use comanda_streams::broker::RawRecord;
use comanda_streams::*;
use comanda_streams_test::TopologyTestDriver;
use std::collections::BTreeMap;

const RECORDS: u64 = 3_000;
const WINDOW_MS: i64 = 1_000;
/// Longer than all records' times together: what a task sees late depends on how fast its inputs' writers are.
const GRACE_MS: i64 = 3_600_000;
const OUTPUTS: [&str; 4] = ["counts", "sums", "windows", "hops"];

/// Counts per order; then, by zone and by order under another key, sums of amounts and counts per window.
fn zones(input: &str, outputs: &[String; 4]) -> Topology {
    let (text, number) = (Serdes::string, Serdes::long);
    let builder = StreamsBuilder::new();
    let orders = builder.stream(input, Consumed::with(text(), text()));
    let counts =
        orders.group_by_key(Grouped::with(text(), text())).count(Materialized::with(text(), number()).named("orders"));
    counts.to_stream().to(&outputs[0], Produced::with(text(), number()));
    let moved = orders
        .flat_map(|key: Option<String>, order: Option<String>| {
            let order = order.unwrap();
            let (zone, amount) = order.split_once(' ').unwrap();
            let amount = amount.parse::<i64>().unwrap();
            [(Some(zone.to_owned()), Some(amount)), (Some(format!("moved-{}", key.unwrap())), Some(amount))]
        })
        .repartition(Repartitioned::with(text(), number()).with_name("moved"))
        .group_by_key(Grouped::with(text(), number()));
    moved
        .aggregate(
            || Some(0),
            |_, amount, sum| Some(sum? + amount?),
            Materialized::with(text(), number()).named("sums"),
        )
        .to_stream()
        .to(&outputs[1], Produced::with(text(), number()));
    let tumbling = TimeWindows::of_size_and_grace(WINDOW_MS, GRACE_MS);
    let windows = [("windows", tumbling), ("hops", tumbling.advance_by(WINDOW_MS / 4))];
    for ((store, windows), output) in windows.into_iter().zip(&outputs[2..]) {
        moved
            .windowed_by(windows)
            .count(Materialized::with(text(), number()).named(store))
            .to_stream()
            .map(|key: Option<Windowed<String>>, count| (key.map(|key| key.to_string()), count))
            .to(output, Produced::with(text(), number()));
    }
    builder.build().unwrap()
}

/// Key, value and time of each record: ten seconds, out of order by up to one.
fn orders() -> impl Iterator<Item = (String, String, i64)> {
    let start_ms = this_minute_ms();
    (0..RECORDS).map(move |number| {
        let chance = scattered(number + RECORDS);
        let jitter_ms = scattered(number + 2 * RECORDS) % 1_000;
        let time_ms = start_ms + (number * 10_000 / RECORDS + jitter_ms) as i64;
        let key = format!("order-{}", scattered(number) % 500);
        (key, format!("zone-{} {}", chance % 20, chance % 1_000), time_ms)
    })
}

/// Of each key: values and times, in order.
type Histories = BTreeMap<String, Vec<(i64, i64)>>;

fn histories<'r>(records: impl IntoIterator<Item = &'r RawRecord>) -> Histories {
    let mut histories = Histories::new();
    for record in records {
        let value = i64::from_be_bytes(record.value.as_deref().unwrap().try_into().unwrap());
        histories.entry(text(&record.key)).or_default().push((value, record.timestamp));
    }
    histories
}

/// As much of the histories as does not depend on how threads take turns: with caching their ends; without it all of an
/// order's, which comes from one partition, and of a zone's, which comes from all, how long it is and its end.
fn settled(mut histories: Histories, caching: bool) -> Histories {
    for (key, history) in &mut histories {
        let (updates, end) = (history.len() as i64, history[history.len() - 1]);
        if caching {
            *history = vec![end];
        } else if key.starts_with("zone") {
            *history = vec![(updates, 0), end];
        }
    }
    histories
}

type Stores = BTreeMap<String, Entries>;

/// What the driver ends with: its outputs' histories and its stores.
fn driven(
    topology: &Topology,
    config: &StreamsConfig,
    input: &str,
    outputs: &[String; 4],
    orders: &[(String, String, i64)],
) -> ([Histories; 4], Stores) {
    let mut driver = TopologyTestDriver::with_config(topology, config.clone(), 0).unwrap();
    let orders_topic = driver.input_topic(input, Serdes::string(), Serdes::string());
    for (key, value, time_ms) in orders {
        orders_topic.pipe(&mut driver, key.as_str(), value.as_str(), *time_ms).unwrap();
    }
    let found = outputs.each_ref().map(|output| histories(&driver.take_output(output)));
    (found, contents(driver.stores()))
}

/// The stores of all tasks together, from the disk; no entry is in two tasks.
fn stored(topology: &Topology, config: &StreamsConfig) -> Stores {
    let mut together = Stores::new();
    for (name, entries) in on_disk(topology, config).into_values().flatten() {
        for (key, value) in entries {
            assert_eq!(together.entry(name.clone()).or_default().insert(key, value), None);
        }
    }
    together
}

fn assert_agreement(caching: bool) {
    let kafka = cluster(Servers::kafka());
    let [application_id, input] = ["zones", "orders"].map(unique_name);
    let outputs = OUTPUTS.map(unique_name);
    create_topics(&*kafka, &[&[&*input], &outputs.each_ref().map(String::as_str)[..]].concat(), PARTITIONS);
    let topology = zones(&input, &outputs);
    assert_eq!(topology.sub_topologies().len(), 2);
    let scratch = tempfile::tempdir().unwrap();
    let mut config = StreamsConfig { num_stream_threads: 2, ..config(&application_id, scratch.path()) };
    if !caching {
        config.statestore_cache_max_bytes = 0;
    }
    let orders: Vec<_> = orders().collect();
    let (expected, stores) = driven(&topology, &config, &input, &outputs, &orders);

    let streams = run(topology.clone(), config.clone(), &kafka);
    let mut feed = Feed::new(&*kafka, &input);
    for (key, value, time_ms) in &orders {
        feed.timestamp = *time_ms;
        feed.send(key, value);
    }
    feed.flush();
    let mut updates = [0; 4];
    for (number, (output, expected)) in outputs.iter().zip(expected).enumerate() {
        let expected = settled(expected, caching);
        let found = |records: &BTreeMap<_, Vec<_>>| settled(histories(records.values().flatten()), caching);
        let records = read_until(&*kafka, output, "the output is the driver's", |records| found(records) == expected);
        assert!(found(&records) == expected, "{output}: more came after what the driver has");
        updates[number] = count(&records) as u64;
    }
    // Each order is counted once by itself, and twice behind the repartition topic, where four windows have it.
    let all = [RECORDS, 2 * RECORDS, 2 * RECORDS, 8 * RECORDS];
    assert!(if caching { updates[0] < all[0] } else { updates == all }, "{updates:?} updates of {all:?}");
    assert_eq!(streams.close(), KafkaStreamsState::NotRunning);
    let on_disk = stored(&topology, &config);
    for name in ["orders", "sums", "windows", "hops"] {
        assert!(
            stores[name].len() >= 20 && on_disk.get(name) == Some(&stores[name]),
            "store {name} differs from the driver's"
        );
    }
}

#[test]
fn without_caching_the_test_driver_and_real_kafka_agree_over_a_repartition_topic() {
    assert_agreement(false);
}

#[test]
fn with_caching_the_test_driver_and_real_kafka_agree_over_a_repartition_topic() {
    assert_agreement(true);
}
