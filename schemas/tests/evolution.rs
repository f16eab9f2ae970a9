//! Readers bear what other versions of the contract write.
#![allow(clippy::unwrap_used)]

use comanda_schemas::{
    CancelReason, CatalogItem, Cop, Event, OrderCancelled, OrderStatus, PlaceOrder, RestaurantCatalog,
};
use serde_json::{Value, json};

const ID: &str = "0b9fa8f2-6f0f-4f6d-8a55-1d4c7d1f8e10";

fn envelope(mut event: Value) -> Value {
    for name in ["event_id", "correlation_id"] {
        event[name] = json!(ID);
    }
    event["occurred_at"] = json!(1_711_822_740_000_i64);
    event["causation_id"] = Value::Null;
    event["producer"] = json!("somebody");
    event
}

/// Written as JSON by a schema that `change` made from ours, read into our type.
fn read_from_other_version<E: Event>(change: impl Fn(&mut Value), written: Value) -> E {
    let mut schema: Value = serde_json::from_str(E::SCHEMA_JSON).unwrap();
    change(&mut schema);
    let schema: serde_avro_fast::Schema = schema.to_string().parse().unwrap();
    let config = &mut serde_avro_fast::ser::SerializerConfig::new(&schema);
    let avro = serde_avro_fast::to_datum_vec(&written, config).unwrap();
    serde_avro_fast::from_datum_slice(&avro, &schema).unwrap()
}

fn field<'a>(schema: &'a mut Value, name: &str) -> &'a mut Value {
    let fields = schema["fields"].as_array_mut().unwrap();
    fields.iter_mut().find(|field| field["name"] == name).unwrap()
}

#[test]
fn a_symbol_of_a_newer_version_is_read_as_unknown() {
    let read: OrderCancelled = read_from_other_version(
        |schema| {
            let symbols = field(schema, "reason")["type"]["symbols"].as_array_mut().unwrap();
            symbols.push(json!("EARTHQUAKE"));
        },
        envelope(json!({ "order_id": ID, "customer_id": ID, "restaurant_id": ID, "zone": "centro",
            "reason": "EARTHQUAKE", "cancelled_in": "READY" })),
    );
    assert_eq!((read.reason, read.cancelled_in), (CancelReason::Unknown, OrderStatus::Ready));
}

#[test]
fn fields_of_a_newer_version_are_ignored_wherever_they_stand() {
    let read: OrderCancelled = read_from_other_version(
        |schema| {
            let fields = schema["fields"].as_array_mut().unwrap();
            fields.insert(2, json!({ "name": "words", "type": { "type": "array", "items": "string" }, "default": [] }));
            fields.push(json!({ "name": "degree", "type": ["null", "double"], "default": null }));
        },
        envelope(json!({ "order_id": ID, "customer_id": ID, "restaurant_id": ID, "zone": "centro",
            "reason": "NO_DRIVER", "cancelled_in": "READY", "words": ["a", "b"], "degree": 2.5 })),
    );
    assert_eq!((read.reason, read.zone.as_str()), (CancelReason::NoDriver, "centro"));
}

#[test]
fn a_field_that_an_older_version_lacked_takes_the_schemas_default() {
    let written =
        envelope(json!({ "restaurant_id": ID, "name": "La Puerta Falsa", "zone": "centro", "cell": "8966e09c8a3ffff",
        "lat": 4.6, "lon": -74.1, "open": true, "opens_minute": 420, "closes_minute": 1320,
        "items": [{ "item_id": ID, "name": "Ajiaco", "price_centavos": 3_200_000 }] }));
    let read: RestaurantCatalog = read_from_other_version(
        |schema| {
            let item = field(schema, "items")["type"]["items"]["fields"].as_array_mut().unwrap();
            item.retain(|field| field["name"] != "available");
        },
        written,
    );
    let item_id = ID.parse().unwrap();
    let ajiaco = CatalogItem { item_id, name: "Ajiaco".to_owned(), price_centavos: Cop(3_200_000), available: true };
    assert_eq!(read.items, [ajiaco]);
}

#[test]
fn an_id_that_is_no_uuid_is_an_error_that_says_so() {
    let text = serde_json::from_value::<PlaceOrder>(json!({ "event_id": "rome-I31-o001" })).unwrap_err().to_string();
    assert_eq!(text, "\"rome-I31-o001\" is not a UUID of 36 lower-case characters");
}
