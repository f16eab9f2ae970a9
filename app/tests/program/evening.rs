//! `comanda demo`: an evening through all roles, and its books against what the system made of it.

use crate::fixture::Cluster;
use comanda_servers::free_port;
use serde_json::{Value, json};
use std::fmt::Write;

/// A short evening in the form of the real ones: thirty orders within half an hour, ten couriers.
fn evening() -> String {
    let place = |x: i64, y: i64| json!({ "x_m": x, "y_m": y });
    let at = |minute: i64| format!("2024-03-31T{:02}:{:02}:00.000+01:00", 17 + minute / 60, minute % 60);
    let courier = |number: i64| -> Value {
        json!({
            "type": "courier_shift", "courier_id": format!("c{number}"),
            "on_at": at(0), "off_at": at(110), "start": place(150 * number, -100 * number)
        })
    };
    let order = |number: i64| -> Value {
        let restaurant = number % 5;
        json!({
            "type": "order_placed", "order_id": format!("o{number}"), "customer_id": format!("u{number}"),
            "restaurant_id": format!("r{restaurant}"), "direct_travel_minutes": 4.0,
            "placed_at": at(2 + number), "ready_at": at(25 + number), "promised_at": at(40 + number),
            "restaurant": place(400 * restaurant, 0), "customer": place(400 * restaurant, 1_000)
        })
    };
    let mut lines = String::new();
    for line in (0..10).map(courier).chain((0..30).map(order)) {
        writeln!(lines, "{line}").unwrap();
    }
    lines
}

#[test]
fn an_evening_from_a_file_is_played_and_every_equality_holds() {
    let cluster = Cluster::start();
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("evening.jsonl");
    std::fs::write(&file, evening()).unwrap();
    let port = free_port().to_string();
    let demo = ["demo", "--orders", file.to_str().unwrap(), "--speed", "120", "--edge-port", &port];
    let output = cluster.run(&demo);
    let (printed, errors) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && printed.contains("All equalities hold."), "{printed}\n{errors}");
    for part in [
        "✓ orders made",
        "30 = 30",
        "✓ held by Stripe = clearing",
        "✓ held by PayPal = clearing",
        "✓ captured − refunded = shares",
        "rankings of popular items that are the same",
        "dead letters of order.commands",
    ] {
        assert!(printed.contains(part), "{part} is missing in {printed}");
    }

    // The same evening once more on what is there: the books no longer agree, and the exit code says so.
    let output = cluster.run(&demo);
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(!output.status.success() && printed.contains("NOT EQUAL"), "{printed}");
}

#[test]
fn an_evening_that_is_not_there_is_one_clear_line() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_comanda"))
        .args(["demo", "--orders", "/no/such/evening.jsonl"])
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(errors.lines().count() == 1 && errors.contains("/no/such/evening.jsonl"), "{errors}");
}
