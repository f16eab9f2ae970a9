//! Running on a socket: where the edge may listen, and how it stops.

use crate::doubles::{Mood, TownDouble, order_body, parts};
use comanda_edge::{EdgeError, EdgeOptions, EdgeService};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn any_port() -> EdgeOptions {
    EdgeOptions { port: 0, stop_within: Duration::from_secs(1), ..EdgeOptions::default() }
}

fn say(address: SocketAddr, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    stream
}

fn heard(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

fn post(body: &str) -> String {
    let head = "POST /api/v1/orders HTTP/1.1\r\nHost: edge\r\nConnection: close\r\nContent-Type: application/json\r\n";
    format!("{head}Content-Length: {}\r\n\r\n{body}", body.len())
}

#[test]
fn without_authentication_only_loopback_is_listened_on() {
    for address in ["0.0.0.0", "10.0.0.7", "::"] {
        let options = EdgeOptions { address: address.parse().unwrap(), ..any_port() };
        let error = EdgeService::new(options, parts(&Arc::default())).err().unwrap();
        assert_eq!(
            error.to_string(),
            format!(
                "the edge listens on loopback only as long as it has no authentication: use 127.0.0.1 or ::1, not {address}"
            )
        );
    }
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let options = EdgeOptions { port: taken.local_addr().unwrap().port(), ..any_port() };
    let error = EdgeService::new(options, parts(&Arc::default())).unwrap().start().err().unwrap();
    assert!(matches!(&error, EdgeError::Listen { address, .. } if *address == taken.local_addr().unwrap()), "{error}");
}

#[test]
fn a_stop_answers_what_is_under_way_and_takes_nothing_new() {
    let town = Arc::<TownDouble>::default();
    town.set(Mood::Asleep);
    let edge = EdgeService::new(any_port(), parts(&town)).unwrap().start().unwrap();
    let address = edge.address();
    let under_way = say(address, &post(&order_body().to_string()));
    let deadline = Instant::now() + Duration::from_secs(10);
    while town.log().is_empty() {
        assert!(Instant::now() < deadline, "the request has not arrived");
        std::thread::sleep(Duration::from_millis(1));
    }
    edge.stop().unwrap();
    assert!(heard(under_way).starts_with("HTTP/1.1 202 "));
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_stop_does_not_wait_for_ever() {
    let town = Arc::<TownDouble>::default();
    let mut parts = parts(&town);
    parts.limits.body = Duration::from_secs(60);
    let options = EdgeOptions { stop_within: Duration::from_millis(200), ..any_port() };
    let edge = EdgeService::new(options, parts).unwrap().start().unwrap();
    let half = say(edge.address(), &post(&order_body().to_string())[..300]);
    std::thread::sleep(Duration::from_millis(50));
    let begin = Instant::now();
    edge.stop().unwrap();
    assert!(begin.elapsed() < Duration::from_secs(5));
    drop(half);
}
