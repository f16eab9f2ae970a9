//! `comanda run`: two instances share the orders, and each knows where the others' are answered.

use crate::fixture::{Cluster, Instance, wait_until};
use comanda_kafka::{KafkaBroker, KafkaSettings};
use comanda_registry::{HttpRegistry, HttpSettings, SchemaRegistry, avro_serde};
use comanda_schemas::{Event, RestaurantCatalog};
use comanda_streams::broker::{Broker, Headers};
use serde_json::{Value, json};
use std::sync::Arc;

const ORDERS: usize = 12;

fn order(number: usize) -> Value {
    json!({
        "customer_id": "3b1f7c1e-5a0d-4b6e-9a51-0e2f4d8c7a10",
        "restaurant_id": "7c1ad5f2-3d2c-4d62-9a35-5f0fb3b1a001",
        "zone": "chapinero",
        "restaurant_cell": "8966e42d20bffff",
        "customer_cell": "8966e42d287ffff",
        "items": [{
            "item_id": "a2c5a7d4-8f27-4f2b-b0f6-3c1d1f0e9b01", "name": format!("Ajiaco {number}"),
            "quantity": 1, "unit_price_centavos": 2_890_000
        }],
        "delivery_fee_centavos": 590_000, "tax_centavos": 0, "discount_centavos": 0,
        "total_centavos": 3_480_000,
        "payment_method_id": "5d0c7b1a-2e3f-4a5b-8c6d-7e8f9a0b1c2d",
        "delivery_address": { "key_id": "customer-3b1f", "bytes": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=" }
    })
}

/// What [`order`] is ordered from, open around the clock.
fn write_catalog(cluster: &Cluster) {
    let catalog: RestaurantCatalog = serde_json::from_value(json!({
        "event_id": "7c1ad5f2-3d2c-4d62-9a35-5f0fb3b1a002", "occurred_at": 0, "producer": "test",
        "correlation_id": "7c1ad5f2-3d2c-4d62-9a35-5f0fb3b1a001", "causation_id": null,
        "restaurant_id": "7c1ad5f2-3d2c-4d62-9a35-5f0fb3b1a001", "name": "Fogón", "zone": "chapinero",
        "cell": "8966e42d20bffff", "lat": 4.65, "lon": -74.06,
        "open": true, "opens_minute": 0, "closes_minute": 1_440,
        "items": [{
            "item_id": "a2c5a7d4-8f27-4f2b-b0f6-3c1d1f0e9b01", "name": "Ajiaco", "price_centavos": 2_890_000
        }]
    }))
    .unwrap();
    let registry: Arc<dyn SchemaRegistry> =
        Arc::new(HttpRegistry::new(cluster.registry.address(), HttpSettings::default()));
    let serde = avro_serde::<RestaurantCatalog>(&registry).unwrap();
    let broker = KafkaBroker::new(KafkaSettings::new(cluster.kafka.address())).unwrap();
    let (mut producer, mut value) = (broker.producer(None).unwrap(), vec![]);
    serde.serialize(RestaurantCatalog::TOPIC, &catalog, &mut value).unwrap();
    let (topic, key) = (producer.topic(RestaurantCatalog::TOPIC).unwrap(), catalog.restaurant_id.to_string());
    producer.send(topic, None, 0, Some(key.as_bytes()), Some(&value), &Headers::EMPTY).unwrap();
    producer.flush().unwrap();
}

/// The instance that answers for this order, if exactly one does and the other names it.
fn owner(instances: &[Instance; 2], path: &str) -> Option<usize> {
    let answers = instances.each_ref().map(|instance| instance.get(path).unwrap());
    let owner = answers.iter().position(|(status, _)| *status == 200)?;
    let (status, problem) = &answers[1 - owner];
    (*status == 503 && problem["owner"] == instances[owner].address()).then_some(owner)
}

#[test]
fn an_instance_waits_for_its_registry_and_one_that_lacks_an_order_names_the_owner() {
    let cluster = Cluster::start();
    let prepared = cluster.run(&["prepare"]);
    assert!(prepared.status.success(), "{}", String::from_utf8_lossy(&prepared.stderr));
    write_catalog(&cluster);
    cluster.registry.stop();
    let roles = ["order", "analytics", "edge"];
    let mut first = cluster.instance(&roles);
    std::thread::sleep(std::time::Duration::from_secs(4));
    assert!(!first.is_ready(), "ready without a registry");
    cluster.registry.start_again();
    first.wait_until_ready();

    let posted = (0..ORDERS).map(|number| first.post_order(&order(number)));
    let paths: Vec<String> = posted
        .map(|(status, body)| {
            assert!(status == 201 || status == 202, "{status}: {body}");
            format!("/api/v1/orders/{}", body["order_id"].as_str().unwrap())
        })
        .collect();
    let mut second = cluster.instance(&roles);
    second.wait_until_ready();
    let instances = [first, second];
    wait_until("each order has one owner, both own some, and the other names it", || {
        let owners: Option<Vec<usize>> = paths.iter().map(|path| owner(&instances, path)).collect();
        owners.is_some_and(|owners| owners.contains(&0) && owners.contains(&1))
    });

    let [first, second] = instances;
    assert!(first.stop().success(), "SIGTERM ends it in good order");
    wait_until("the other answers for all", || {
        paths.iter().all(|path| second.get(path).is_some_and(|(status, _)| status == 200))
    });
    assert!(second.stop().success());
}

#[test]
fn a_payment_role_without_a_provider_says_what_it_lacks() {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_comanda"));
    let command = command.args(["run", "payment"]).env_remove("COMANDA_STRIPE_KEY");
    let output = command.env_remove("COMANDA_PAYPAL_CLIENT_ID").output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(errors.starts_with("comanda: payments: no provider is configured: set COMANDA_STRIPE_KEY"), "{errors}");
}
