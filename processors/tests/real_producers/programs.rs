//! The programs in `schemas/producers`, run as a stranger would, and what they are known to write.

use comanda_schemas::*;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where everybody is to be found.
pub struct Addresses<'a> {
    pub kafka: &'a str,
    /// Base of Confluent's API.
    pub registry: &'a str,
}

/// Runs `PlaceOrders.java`.
pub fn place_orders(addresses: &Addresses<'_>, at: EventTime, orders: &[OrderId]) {
    let core_api = addresses.registry.replace("/apis/ccompat/v7", "/apis/registry/v2");
    let mut java = Command::new("java");
    java.arg("-cp").arg(comanda_home().join("java-producer/*"));
    java.arg(schemas().join("producers/java/PlaceOrders.java"));
    run(&mut java, addresses.kafka, &core_api, at, orders);
}

/// Runs `authorize_payments.py`.
pub fn authorize_payments(addresses: &Addresses<'_>, at: EventTime, orders: &[OrderId]) {
    let mut python = Command::new(comanda_home().join("venv/bin/python"));
    python.arg(schemas().join("producers/python/authorize_payments.py"));
    run(&mut python, addresses.kafka, addresses.registry, at, orders);
}

fn run(program: &mut Command, kafka: &str, registry: &str, at: EventTime, orders: &[OrderId]) {
    program.args([kafka, registry]).arg(schemas().join("avro")).arg(at.millis().to_string());
    program.args(orders.iter().map(OrderId::to_string));
    let output = program.output().unwrap_or_else(|error| panic!("{program:?}: {error}: has setup.sh run?"));
    assert!(output.status.success(), "{program:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn schemas() -> PathBuf {
    Path::new("../schemas").canonicalize().expect("cargo starts tests in their package's folder")
}

/// Where `deploy/local/setup.sh` puts what it installs.
fn comanda_home() -> PathBuf {
    let home = || Path::new(&env::var_os("HOME").expect("HOME or COMANDA_HOME is set")).join(".cache/comanda");
    env::var_os("COMANDA_HOME").map_or_else(home, PathBuf::from)
}

/// The order that `PlaceOrders.java` places; only the event id is of its own making.
pub fn java_order(event_id: EventId, order_id: OrderId, at: EventTime) -> PlaceOrder {
    let item = |id: &str, name: &str, quantity, price| OrderItem {
        item_id: id.parse().unwrap(),
        name: name.to_owned(),
        quantity,
        unit_price_centavos: Cop(price),
        options: vec![],
    };
    PlaceOrder {
        envelope: Envelope::first(event_id, at, order_id, "java-producer"),
        order_id,
        customer_id: "5d0f3f4e-6f4e-4c55-9d1b-0d6f3f0b2a01".parse().unwrap(),
        restaurant_id: restaurant(),
        zone: "chapinero".to_owned(),
        restaurant_cell: "8966e42c877ffff".to_owned(),
        customer_cell: "8966e42c877ffff".to_owned(),
        items: vec![
            item("c1b2a3d4-0001-4000-8000-000000000001", "Ajiaco santafereño", 2, 2_450_000),
            item("c1b2a3d4-0002-4000-8000-000000000002", "Jugo de lulo", 1, 850_000),
        ],
        subtotal_centavos: Cop(5_750_000),
        delivery_fee_centavos: Cop(600_000),
        tax_centavos: Cop(460_000),
        discount_centavos: Cop(100_000),
        total_centavos: Cop(6_710_000),
        payment_method_id: "3e9d5b7a-91c4-4a5e-a3d2-7f1c2b8e4d03".parse().unwrap(),
        delivery_address: Sealed { key_id: "customer-key".to_owned(), bytes: vec![0, 255, 7].into() },
        placed_at: at,
        scheduled_for: None,
        promised_at: Some(at.plus_ms(45 * 60_000)),
    }
}

/// What the order of `PlaceOrders.java` is ordered from, open around the clock.
pub fn catalog() -> RestaurantCatalog {
    let order = java_order(EventId(uuid::Uuid::nil()), OrderId(uuid::Uuid::nil()), EventTime(0));
    let item = |item: OrderItem| CatalogItem {
        item_id: item.item_id,
        name: item.name,
        price_centavos: item.unit_price_centavos,
        available: true,
        option_groups: vec![],
    };
    RestaurantCatalog {
        envelope: Envelope::first(EventId(restaurant().0), EventTime(0), CorrelationId(restaurant().0), "test"),
        restaurant_id: restaurant(),
        name: "La Puerta Falsa".to_owned(),
        zone: order.zone,
        cell: order.restaurant_cell,
        lat: 4.65,
        lon: -74.06,
        open: true,
        opens_minute: 0,
        closes_minute: 24 * 60,
        items: order.items.into_iter().map(item).collect(),
        tax_basis_points: 800,
        delivery_range_m: None,
    }
}

/// Where the order of `PlaceOrders.java` is cooked.
pub fn restaurant() -> RestaurantId {
    "8a7c1f0e-2b7d-4d38-8b0a-64f0c6a9e702".parse().unwrap()
}

/// The payment that `authorize_payments.py` authorises.
pub fn python_payment(event_id: EventId, order_id: OrderId, at: EventTime) -> PaymentAuthorized {
    PaymentAuthorized {
        envelope: Envelope::first(event_id, at, order_id, "python-producer"),
        order_id,
        payment_id: PaymentId(uuid::Uuid::new_v5(&order_id.0, b"payment")),
        amount_centavos: Cop(6_710_000),
        attempt: 1,
        provider_reference: format!("auth-{order_id}"),
    }
}
