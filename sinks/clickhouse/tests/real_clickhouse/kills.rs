//! `kill -9` of the sink: ClickHouse has in the end what Kafka has, no row twice and none missing.

use crate::child::{KillPoint, SinkProcess};
use crate::fixture::{World, wait_for};
use std::time::Duration;

const ORDERS: u64 = 3_000;

/// Kills a sink at `point` and lets another end the work.
fn killed_at(point: KillPoint, nth: u64) -> World {
    let world = World::new();
    world.produce(0..ORDERS);
    let mut first = SinkProcess::start(&world, point, nth);
    wait_for(&format!("the end at {point:?}"), || first.is_over());
    world
}

fn ends_well(world: &World) {
    let sink = world.start();
    world.expect_rows(ORDERS);
    world.expect_delivered(ORDERS as i64 / 3);
    sink.stop().unwrap();
    world.expect_each_once(ORDERS);
}

/// Partitions whose range is written down and not committed as delivered.
fn promised(world: &World) -> usize {
    world.committed().iter().flatten().filter(|committed| !committed.metadata.ends_with(" -")).count()
}

#[test]
fn killed_between_writing_the_range_down_and_inserting_it() {
    let world = killed_at(KillPoint::Promised, 1);
    assert!(promised(&world) > 0);
    assert_eq!(world.rows(), 0);
    ends_well(&world);
}

#[test]
fn killed_in_the_middle_of_an_inserts_bytes() {
    let world = killed_at(KillPoint::HalfSent, 4);
    assert!(promised(&world) > 0);
    ends_well(&world);
}

#[test]
fn killed_after_clickhouse_inserted_and_before_the_sink_knew() {
    let world = killed_at(KillPoint::Answered, 4);
    assert!(promised(&world) > 0);
    ends_well(&world);
}

#[test]
fn killed_between_inserting_and_committing_the_same_range_comes_again_and_changes_nothing() {
    let world = killed_at(KillPoint::Inserted, 1);
    let delivered: i64 = world.committed().iter().flatten().map(|committed| committed.offset).sum();
    let inserted = world.rows();
    assert!(delivered == 0 && inserted > 0, "{inserted} rows are in, {delivered} are committed");
    ends_well(&world);
}

#[test]
fn killed_again_and_again_at_any_moment_while_records_come() {
    const ROUNDS: u64 = 6;
    let world = World::new();
    for round in 0..ROUNDS {
        world.produce(round * ORDERS / ROUNDS..(round + 1) * ORDERS / ROUNDS);
        let mut sink = SinkProcess::start(&world, KillPoint::Never, 1);
        // The heir waits for the dead one's session of 6 s; then it works. The moment drifts from round to round.
        let rows = world.rows();
        wait_for("work", || world.rows() > rows);
        std::thread::sleep(Duration::from_millis(37 * round));
        sink.kill();
    }
    ends_well(&world);
}

#[test]
fn an_instance_that_was_stopped_in_mid_insert_and_wakes_up_later_adds_nothing() {
    let world = World::new();
    world.produce(0..ORDERS);
    let mut zombie = SinkProcess::start(&world, KillPoint::Stopped, 3);
    wait_for("the stop in mid-insert", || zombie.is_stopped());
    assert!(promised(&world) > 0);
    let heir = world.start();
    world.expect_rows(ORDERS);
    zombie.wake();
    std::thread::sleep(Duration::from_secs(3)); // its insert ends, its commit is refused, it joins again
    assert!(!zombie.is_over());
    world.produce(ORDERS..ORDERS + 30);
    world.expect_rows(ORDERS + 30);
    heir.stop().unwrap();
    world.expect_each_once(ORDERS + 30);
}
