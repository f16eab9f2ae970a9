//! What keeps the servers or the demo from starting is one clear line, and nothing is started or deleted.
#![allow(clippy::unwrap_used)]

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Command;

/// Runs a script of `deploy/local` under these variables: its one line of complaint.
fn complaint(script: &str, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/local").join(script);
    let output = Command::new(path).args(arguments).envs(variables.iter().copied()).output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "it went on: {}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(errors.lines().count(), 1, "{errors}");
    errors
}

/// A port in use, as text.
fn taken() -> (TcpListener, String) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    (listener, port)
}

#[test]
fn a_port_in_use_is_named_with_its_server_and_the_way_to_another() {
    let (_listener, port) = taken();
    let variables = [("COMANDA_INSTANCE", "ground-test"), ("COMANDA_KAFKA_PORT", port.as_str())];
    let line = complaint("kafka.sh", &["check"], &variables);
    assert!(line.contains(&format!("kafka: port {port} is in use")) && line.contains("COMANDA_KAFKA_PORT"), "{line}");
    let line = complaint("servers.sh", &["check-demo"], &[("COMANDA_EDGE_PORT", &port)]);
    assert!(line.contains(&format!("edge: port {port} is in use")) && line.contains("COMANDA_EDGE_PORT"), "{line}");
}

#[test]
fn a_disk_that_is_too_small_is_named_with_both_sizes() {
    let variables = [("COMANDA_INSTANCE", "ground-test"), ("COMANDA_MIN_FREE_DISK_GB", "9999999")];
    let line = complaint("kafka.sh", &["check"], &variables);
    assert!(line.contains("GB free under") && line.contains("9999999 GB needed"), "{line}");
}

#[test]
fn an_evening_that_cannot_be_read_is_named_before_anything_is_deleted() {
    let line = complaint("servers.sh", &["check-demo", "/no/such/evening.jsonl"], &[]);
    assert!(line.contains("cannot read the evening ORDERS=/no/such/evening.jsonl"), "{line}");
}
