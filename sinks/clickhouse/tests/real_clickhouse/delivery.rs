//! What comes into the topic is in the table, once, as it was.

use crate::fixture::{World, wait_until_running};
use std::time::{Duration, Instant};

const ORDERS: u64 = 3_000;

#[test]
fn every_record_is_a_row_and_no_row_is_there_twice() {
    let world = World::new();
    world.produce(0..ORDERS);
    let sink = world.start();
    world.expect_rows(ORDERS);
    world.produce(ORDERS..ORDERS + 10);
    world.expect_rows(ORDERS + 10);
    world.expect_delivered((ORDERS + 10) as i64 / 3);
    sink.stop().unwrap();
    world.expect_each_once(ORDERS + 10);
}

#[test]
fn a_row_holds_what_the_event_said() {
    let world = World::new();
    world.produce(0..1);
    let sink = world.start();
    world.expect_rows(1);
    let row = world.client().query(
        "SELECT event, toString(order_id), toString(occurred_at), `items.name`, `items.quantity`, toString(`items.unit_price`),
            toString(total), toString(driver_id), promised_at, reason, _topic, _partition, toString(_offset), causation_id
         FROM order_events",
    );
    let expected = serde_json::json!([[
        "OrderDelivered",
        "00000000-0000-0000-0000-000000000001",
        "2024-03-30 18:19:00.000",
        ["Ajiaco", "Ajiaco"],
        [1, 2],
        "[25900.5,25900.5]",
        "77701.5",
        "00000000-0000-0000-0000-000000000006",
        null,
        null,
        world.topic,
        0,
        "0",
        null
    ]]);
    assert_eq!(serde_json::to_value(row.unwrap()).unwrap(), expected);
    sink.stop().unwrap();
}

#[test]
fn an_insert_is_one_part_of_one_month() {
    let world = World::new();
    world.client().execute("SYSTEM STOP MERGES order_events").unwrap();
    world.produce(0..ORDERS);
    let sink = world.start();
    world.expect_rows(ORDERS);
    sink.stop().unwrap();
    // Orders alternate between March and April; each partition's thousand come as one transaction and fit into one range.
    let mixed = world.number(
        "SELECT count() FROM (SELECT _part, uniqExact(_partition) AS partitions, uniqExact(toYYYYMM(occurred_at)) AS months
         FROM order_events GROUP BY _part HAVING partitions > 1 OR months > 1)",
    );
    let months = world.number("SELECT uniqExact(toYYYYMM(occurred_at)) FROM order_events");
    assert_eq!((mixed, months), (0, 2));
}

#[test]
fn a_record_is_in_its_table_within_a_second() {
    let world = World::new();
    let sink = world.start();
    wait_until_running(&sink);
    world.produce(0..3); // the first insert warms up
    world.expect_rows(3);
    let mut delays: Vec<Duration> = (1..6)
        .map(|round| {
            world.produce(round * 3..round * 3 + 3);
            let committed = Instant::now();
            world.expect_rows(round * 3 + 3);
            committed.elapsed()
        })
        .collect();
    delays.sort();
    assert!(delays[2] < Duration::from_secs(1), "{delays:?}");
    sink.stop().unwrap();
}

#[test]
fn two_instances_share_the_partitions_and_one_takes_over_when_the_other_stops() {
    let world = World::new();
    world.produce(0..ORDERS);
    let (first, second) = (world.start(), world.start());
    crate::fixture::wait_for("a division of the partitions", || {
        use comanda_clickhouse::SinkStatus::Running;
        matches!((first.status(), second.status()), (Running(1), Running(2)) | (Running(2), Running(1)))
    });
    world.produce(ORDERS..2 * ORDERS);
    world.expect_rows(2 * ORDERS);
    first.stop().unwrap();
    wait_until_running(&second);
    world.produce(2 * ORDERS..3 * ORDERS);
    world.expect_rows(3 * ORDERS);
    second.stop().unwrap();
    world.expect_each_once(3 * ORDERS);
}
