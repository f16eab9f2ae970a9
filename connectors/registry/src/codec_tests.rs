//! Values through bytes and back, and bytes that are none of ours.

use crate::{AvroDeserializer, AvroSerializer, DecodeError, MemoryRegistry, SchemaId, SchemaRegistry, avro_serde};
use crate::{HttpRegistry, HttpSettings, RegistryError};
use apache_avro::writer::datum::GenericDatumWriter;
use comanda_schemas::{
    Envelope, EtaPredicted, Event, EventId, EventTime, Message, OrderEvent, OrderId, OrderPreparing, OrderReady,
    OrderStatus,
};
use comanda_streams::serde::{Serde, SerdeError, Serializer};
use serde_json::{Value, json};
use std::sync::Arc;

fn order_id() -> OrderId {
    "0b9fa8f2-6f0f-4f6d-8a55-1d4c7d1f8e10".parse().unwrap()
}

fn ready() -> OrderReady {
    let envelope = Envelope::first(EventId(order_id().0), EventTime(1_711_822_740_000), order_id(), "order");
    let restaurant_id = "7c1ad5f2-3d2c-4d62-9a35-5f0fb3b1a001".parse().unwrap();
    OrderReady { envelope, order_id: order_id(), restaurant_id, zone: "centro".to_owned() }
}

fn registry() -> Arc<dyn SchemaRegistry> {
    Arc::new(MemoryRegistry::default())
}

fn bytes_of<M: Message>(registry: &Arc<dyn SchemaRegistry>, value: &M) -> Vec<u8> {
    let mut out = vec![];
    AvroSerializer::<M>::new(registry.as_ref()).unwrap().serialize("t", value, &mut out).unwrap();
    out
}

fn read<M: Message>(registry: &Arc<dyn SchemaRegistry>, bytes: &[u8]) -> Result<M, DecodeError> {
    AvroDeserializer::new(registry.clone()).read(bytes)
}

#[test]
fn a_value_comes_back_as_it_went_and_stands_in_confluents_wire_format() {
    let serde: Serde<OrderEvent> = avro_serde(&registry()).unwrap();
    let mut bytes = b"before".to_vec();
    serde.serialize("order.events", &ready().into(), &mut bytes).unwrap();
    let record = &bytes[6..];
    assert_eq!(record[..5], [0, 0, 0, 0, 5], "the fifth schema of the topic");
    assert_eq!(record[5..9], [72, b'0', b'b', b'9'], "36 characters, zigzag");
    for _ in 0..2 {
        assert_eq!(serde.deserialize("order.events", record).unwrap(), OrderEvent::OrderReady(ready()));
    }
}

#[test]
fn an_event_alone_reads_what_the_topics_enum_wrote() {
    let registry = registry();
    let bytes = bytes_of::<OrderEvent>(&registry, &ready().into());
    assert_eq!(read::<OrderReady>(&registry, &bytes).unwrap(), ready());
}

/// A record of a type that only a newer build knows.
fn record_of_a_newer_type(registry: &Arc<dyn SchemaRegistry>) -> Vec<u8> {
    let schema: Value = serde_json::from_str(OrderReady::SCHEMA_JSON).unwrap();
    let newer =
        json!({ "type": "record", "name": "OrderGifted", "namespace": "comanda.order", "fields": schema["fields"] });
    let id = registry.register("order.events-comanda.order.OrderGifted", &newer.to_string()).unwrap();
    let mut bytes = bytes_of(registry, &ready());
    bytes[..5].copy_from_slice(&crate::wire::header(id));
    bytes
}

#[test]
fn a_type_that_this_build_does_not_know_can_be_skipped_and_counted() {
    let registry = registry();
    let read: OrderEvent = read(&registry, &record_of_a_newer_type(&registry)).unwrap();
    assert_eq!(read, OrderEvent::Unknown("comanda.order.OrderGifted".to_owned()));
    assert_eq!((read.index(), read.key()), (None, None));
    let error = AvroSerializer::new(registry.as_ref()).unwrap().serialize("order.events", &read, &mut vec![]);
    assert_eq!(error.unwrap_err().to_string(), "a value for order.events is of a type that this build does not know");
}

fn check_error<M: Message + std::fmt::Debug>(registry: &Arc<dyn SchemaRegistry>, bytes: &[u8], expected: &str) {
    let error = SerdeError::from(read::<M>(registry, bytes).unwrap_err());
    assert_eq!((error.reason.as_str(), error.retriable), (expected, false));
}

#[test]
fn what_cannot_be_read_says_why() {
    let registry = registry();
    let bytes = bytes_of(&registry, &ready());
    check_error::<OrderReady>(
        &registry,
        b"{\"order_id\": 7}",
        "not Avro in Confluent's wire format: 15 bytes, beginning with [7b, 22, 6f, 72, 64, 65, 72, 5f]",
    );
    check_error::<OrderReady>(
        &registry,
        &[0, 0],
        "not Avro in Confluent's wire format: 2 bytes, beginning with [00, 00]",
    );
    check_error::<OrderReady>(&registry, &[0, 0, 0, 1, 0, 7], "schema id 256 is not in the registry");
    check_error::<OrderPreparing>(
        &registry,
        &bytes,
        "comanda.order.OrderReady stands where comanda.order.OrderPreparing is expected",
    );
    let cut = read::<OrderReady>(&registry, &bytes[..bytes.len() - 1]).unwrap_err();
    assert!(matches!(&cut, DecodeError::Broken { full_name, .. } if full_name == OrderReady::FULL_NAME), "{cut}");
    let longer = [bytes.as_slice(), &[0]].concat();
    check_error::<OrderReady>(
        &registry,
        &longer,
        "broken comanda.order.OrderReady: bytes are left over behind the last field",
    );
    let mut upper = bytes.clone();
    upper[7] = b'B';
    check_error::<OrderReady>(
        &registry,
        &upper,
        "broken comanda.order.OrderReady: event_id: \"0B9fa8f2-6f0f-4f6d-8a55-1d4c7d1f8e10\" is not a UUID of 36 lower-case characters",
    );
}

#[test]
fn a_schema_that_is_no_record_is_unusable_and_names_its_id() {
    let registry = registry();
    let SchemaId(id) = registry.register("s", "\"string\"").unwrap();
    let bytes = [crate::wire::header(SchemaId(id)).as_slice(), &[2, b'x']].concat();
    check_error::<OrderEvent>(&registry, &bytes, "schema id 1 cannot be used: its top is not a record");
}

#[test]
fn an_older_writers_record_is_read_with_the_writers_schema() {
    let mut schema: Value = serde_json::from_str(EtaPredicted::SCHEMA_JSON).unwrap();
    // Another order of fields than ours, one more in front, and one symbol more.
    let fields = schema["fields"].as_array_mut().unwrap();
    fields.reverse();
    fields.insert(0, json!({ "name": "mood", "type": ["null", "string"], "default": null }));
    let registry = registry();
    let id = registry.register("analytics.eta-x", &schema.to_string()).unwrap();
    let eta = EtaPredicted {
        envelope: ready().envelope,
        order_id: order_id(),
        restaurant_id: ready().restaurant_id,
        zone: "centro".to_owned(),
        stage: OrderStatus::PickedUp,
        predicted_at: EventTime(1),
        p50_at: EventTime(2),
        p90_at: EventTime(3),
    };
    let written = {
        let mut json = serde_json::to_value(&eta).unwrap();
        json["mood"] = json!("fine");
        json
    };
    let mut bytes = crate::wire::header(id).to_vec();
    let schema = apache_avro::Schema::parse(&schema).unwrap();
    let written = apache_avro::types::Value::try_from(written).unwrap().resolve(&schema).unwrap();
    GenericDatumWriter::builder(&schema).build().unwrap().write_value(&mut bytes, written).unwrap();
    assert_eq!(read::<EtaPredicted>(&registry, &bytes).unwrap(), eta);
}

#[test]
fn a_registry_that_is_away_is_worth_another_attempt() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let settings = HttpSettings { attempts: 2, backoff_ms: 1, ..HttpSettings::default() };
    let registry = HttpRegistry::new(&format!("http://{nobody}/apis"), settings);
    let error = registry.schema(SchemaId(1)).unwrap_err();
    assert!(matches!(error, RegistryError::Unavailable { .. }), "{error}");
    let error = AvroDeserializer::<OrderReady>::new(Arc::new(registry)).read(&[0, 0, 0, 0, 1]).unwrap_err();
    assert!(SerdeError::from(error).retriable);
}

/// A type of somebody who embeds the engine.
#[derive(serde::Serialize)]
struct Visit {
    name: Option<&'static str>,
    at: i64,
}

fn check_unwritable(name: Value, at: Value, expected: &str) {
    let schema = json!({ "type": "record", "name": "Visit", "fields": [name, at] }).to_string();
    let schema = crate::avro::AvroSchema::parse(&schema).unwrap();
    let written = crate::avro::write(&schema, &Visit { name: Some("Ana"), at: 1 << 40 }, &mut vec![]);
    assert_eq!(written.unwrap_err().to_string(), expected);
}

#[test]
fn a_type_that_disagrees_with_its_schema_is_not_written() {
    let name = json!({ "name": "name", "type": ["null", "string"] });
    let at = |kind: Value| json!({ "name": "at", "type": kind });
    check_unwritable(at(json!("long")), name.clone(), "the field name comes where the schema has at");
    check_unwritable(name.clone(), at(json!("int")), "at: a value that is an i64 stands where the schema has int");
    check_unwritable(
        name.clone(),
        at(json!("string")),
        "at: a value that is an i64 stands where the schema has string",
    );
    check_unwritable(
        json!({ "name": "name", "type": "string" }),
        at(json!("long")),
        "name: a value that is optional stands where the schema has string",
    );
    let moods = json!(["null", { "type": "enum", "name": "Mood", "symbols": ["GOOD"] }]);
    check_unwritable(json!({ "name": "name", "type": moods }), at(json!("long")), "name: the schema has no symbol Ana");
    let more = json!({ "type": "record", "name": "Visit", "fields": [name, at(json!("long")), at(json!("long"))] });
    let schema = crate::avro::AvroSchema::parse(&more.to_string()).unwrap();
    let error = crate::avro::write(&schema, &Visit { name: None, at: 1 }, &mut vec![]).unwrap_err();
    assert_eq!(error.to_string(), "the schema's field at is missing");
}
