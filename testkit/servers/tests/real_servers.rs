//! The fixtures themselves: servers answer, come back after `kill -9` where they were, and end with their owner.
#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::TcpStream;

use comanda_servers::{Kind, OwnServer, Servers};

/// The body of an HTTP answer, by the plainest client there is.
fn http(address: &str, method: &str, path: &str, body: &str) -> String {
    let rest = address.strip_prefix("http://").unwrap();
    let (host, base) = rest.split_once('/').unwrap_or((rest, ""));
    let base = if base.is_empty() { String::new() } else { format!("/{base}") };
    let mut connection = TcpStream::connect(host).unwrap();
    write!(
        connection,
        "{method} {base}{path} HTTP/1.0\r\nHost: {host}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.trim().to_owned()
}

#[test]
fn the_shared_broker_accepts_connections_and_is_the_same_for_every_caller() {
    let address = Servers::kafka();
    assert!(TcpStream::connect(address).is_ok());
    assert_eq!(Servers::kafka(), address);
}

#[test]
fn the_shared_registry_holds_the_contract_s_compatibility_rule() {
    let config = http(Servers::registry(), "GET", "/config", "");
    assert_eq!(config, r#"{"compatibilityLevel":"FULL_TRANSITIVE"}"#);
}

#[test]
fn the_shared_clickhouse_answers_a_query() {
    assert_eq!(http(Servers::clickhouse(), "POST", "/", "SELECT 6 * 7"), "42");
}

#[test]
fn rows_that_were_acknowledged_survive_the_kill_of_an_own_clickhouse() {
    let server = OwnServer::start(Kind::ClickHouse);
    let query = |sql| http(server.address(), "POST", "/", sql);
    query("CREATE TABLE evening (plates UInt8) ENGINE = MergeTree ORDER BY plates");
    query("INSERT INTO evening VALUES (3), (4)");
    server.kill();
    server.start_again();
    assert_eq!(query("SELECT sum(plates) FROM evening"), "7");
}

#[test]
fn an_own_broker_comes_back_at_its_address_after_a_kill_and_is_gone_after_the_test() {
    let broker = OwnServer::start(Kind::Kafka);
    let address = broker.address().to_owned();
    broker.kill();
    assert!(TcpStream::connect(&address).is_err());
    broker.start_again();
    assert_eq!(broker.address(), address);
    assert!(TcpStream::connect(&address).is_ok());
    drop(broker);
    assert!(TcpStream::connect(&address).is_err());
}
