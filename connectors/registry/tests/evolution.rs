//! Readers bear what other versions of the contract write.
#![allow(clippy::unwrap_used)]

use apache_avro::writer::datum::GenericDatumWriter;
use comanda_registry::avro::{self, AvroSchema};
use comanda_schemas::{CancelReason, CatalogItem, Cop, Event, OrderCancelled, OrderStatus, RestaurantCatalog};
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
    let theirs = apache_avro::Schema::parse(&schema).unwrap();
    let written = apache_avro::types::Value::try_from(written).unwrap().resolve(&theirs).unwrap();
    let datum = GenericDatumWriter::builder(&theirs).build().unwrap().write_value_to_vec(written).unwrap();
    avro::read(&AvroSchema::parse(&schema.to_string()).unwrap(), &datum).unwrap()
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
            fields.push(json!({ "name": "mood", "default": "UNKNOWN",
                "type": { "type": "enum", "name": "Mood", "symbols": ["UNKNOWN", "SAD"], "default": "UNKNOWN" } }));
            let place = json!({ "type": "record", "name": "Place", "fields": [{ "name": "lat", "type": "float" },
                { "name": "mood", "type": "Mood" }, { "name": "tags", "type": { "type": "map", "values": "bytes" } }] });
            fields.push(json!({ "name": "places", "type": { "type": "array", "items": place }, "default": [] }));
        },
        envelope(json!({ "order_id": ID, "customer_id": ID, "restaurant_id": ID, "zone": "centro",
            "reason": "NO_DRIVER", "cancelled_in": "READY", "words": ["a", "b"], "degree": 2.5, "mood": "SAD",
            "places": [{ "lat": 1.5, "mood": "SAD", "tags": {} }, { "lat": 2.5, "mood": "SAD", "tags": {} }] })),
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
    let ajiaco = CatalogItem {
        item_id,
        name: "Ajiaco".to_owned(),
        price_centavos: Cop(3_200_000),
        available: true,
        option_groups: vec![],
    };
    assert_eq!(read.items, [ajiaco]);
}

/// A type of somebody who embeds the engine.
#[derive(Debug, PartialEq, serde::Deserialize)]
struct Tree<'a> {
    name: &'a str,
    #[serde(default)]
    inner: Option<Box<Tree<'a>>>,
    #[serde(default)]
    nothings: Vec<()>,
}

fn check_refused(fields: Value, datum: &[u8], expected: &str) {
    let schema = json!({ "type": "record", "name": "Tree", "fields": fields }).to_string();
    let error = avro::read::<Tree>(&AvroSchema::parse(&schema).unwrap(), datum).unwrap_err();
    assert_eq!(error.to_string().rsplit(": ").next(), Some(expected));
}

#[test]
fn a_schema_made_to_exhaust_the_reader_is_refused() {
    let name = json!({ "name": "name", "type": "string", "default": "" });
    let deep = json!([name, { "name": "inner", "type": ["null", "Tree"], "default": null }]);
    check_refused(deep, &[0, 2].repeat(1000), "more than 64 types in each other");
    let ignored = json!([name, { "name": "ignored", "type": ["null", "Tree"], "default": null }]);
    check_refused(ignored, &[0, 2].repeat(1000), "more than 64 types in each other");
    for name in ["nothings", "ignored"] {
        let nulls = json!([{ "name": name, "type": { "type": "array", "items": "null" }, "default": [] }]);
        check_refused(nulls, &[0xfe, 0xff, 0xff, 0xff, 0xff, 0x3f], "more values than its bytes can hold");
    }
}

#[test]
fn bytes_that_do_not_fit_their_schema_say_why() {
    let of = |kind: &str| json!([{ "name": "ignored", "type": kind, "default": "" }, { "name": "name", "type": kind }]);
    check_refused(of("string"), &[2], "the bytes end early");
    check_refused(of("string"), &[0, 1], "a length is negative");
    check_refused(of("string"), &[0, 2, 0xff], "invalid utf-8 sequence of 1 bytes from index 0");
    check_refused(of("long"), &[0xff; 11], "a number has more than 64 bits");
    check_refused(of("int"), &[0, 0xff, 0xff, 0xff, 0xff, 0x1f], "an int has more than 32 bits");
    check_refused(of("boolean"), &[0, 2], "2 stands where 0 or 1 is a boolean");
    check_refused(json!([{ "name": "inner", "type": ["null", "string"] }]), &[4], "choice 2 of 2");
}

#[test]
fn a_list_in_blocks_with_and_without_their_length_is_one_list() {
    let longs = json!({ "type": "array", "items": "long" });
    let blocks = [[3, 4, 2, 4].as_slice(), &[2, 6], &[0]].concat();
    let datum = [blocks.as_slice(), &blocks, &[2, b'x']].concat();
    let fields = json!([{ "name": "list", "type": longs }, { "name": "ignored", "type": longs },
        { "name": "name", "type": "string" }]);
    let schema = json!({ "type": "record", "name": "Named", "fields": fields }).to_string();
    let read: Value = avro::read(&AvroSchema::parse(&schema).unwrap(), &datum).unwrap();
    assert_eq!(read, json!({ "list": [1, 2, 3], "ignored": [1, 2, 3], "name": "x" }));
    let read: Tree = avro::read(&AvroSchema::parse(&schema).unwrap(), &datum).unwrap();
    assert_eq!(read, Tree { name: "x", inner: None, nothings: vec![] });
}
