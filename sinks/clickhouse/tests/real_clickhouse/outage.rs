//! ClickHouse or Kafka away: nothing is lost, nothing is there twice, and the sink goes on by itself.

use crate::fixture::{World, wait_for, wait_until_running};
use comanda_clickhouse::SinkStatus;
use comanda_servers::{Kind, OwnServer, Servers};
use std::time::Duration;

#[test]
fn clickhouse_stopped_and_killed_for_a_while_loses_nothing() {
    let server = OwnServer::start(Kind::ClickHouse);
    let world = World::on(Servers::kafka(), server.address());
    let sink = world.start();
    wait_until_running(&sink);
    world.produce(0..300);
    world.expect_rows(300);

    server.stop();
    world.produce(300..900);
    std::thread::sleep(Duration::from_secs(8)); // longer than the session: heartbeats go on
    assert_eq!(sink.status(), SinkStatus::Running(3));
    server.start_again();
    world.expect_rows(900);

    world.produce(900..3_000);
    server.kill();
    std::thread::sleep(Duration::from_secs(1));
    server.start_again();
    world.expect_rows(3_000);
    world.expect_delivered(1_000);
    sink.stop().unwrap();
    world.expect_each_once(3_000);
}

#[test]
fn kafka_killed_for_longer_than_the_session_is_waited_for() {
    let server = OwnServer::start(Kind::Kafka);
    let world = World::on(server.address(), Servers::clickhouse());
    let sink = world.start();
    wait_until_running(&sink);
    world.produce(0..3_000);
    wait_for("the first rows", || world.rows() > 0);
    server.kill();
    std::thread::sleep(Duration::from_secs(10));
    server.start_again();
    world.expect_rows(3_000);
    world.produce(3_000..3_300);
    world.expect_rows(3_300);
    sink.stop().unwrap();
    world.expect_each_once(3_300);
}
