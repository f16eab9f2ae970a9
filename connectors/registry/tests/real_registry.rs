//! The contract and the serdes against a real registry (Apicurio, as `deploy/local` starts it).
#![allow(clippy::unwrap_used)]

use comanda_registry::{
    AvroDeserializer, DecodeError, HttpRegistry, HttpSettings, RegistryError, SchemaId, SchemaRegistry, avro_serde,
    register_all,
};
use comanda_schemas::{
    COMPATIBILITY, DriverPing, EVENTS, Envelope, Event, EventId, EventSchema, EventTime, OrderCancelled, topic, topics,
};
use comanda_servers::{Kind, OwnServer, Servers, unique_name};
use serde_json::{Value, json};
use std::sync::Arc;

const ID: &str = "0b9fa8f2-6f0f-4f6d-8a55-1d4c7d1f8e10";

fn shared() -> HttpRegistry {
    HttpRegistry::new(Servers::registry(), HttpSettings::default())
}

fn ping() -> DriverPing {
    let id: EventId = ID.parse().unwrap();
    let driver_id = ID.parse().unwrap();
    let envelope = Envelope::first(id, EventTime(1_711_822_740_000), comanda_schemas::CorrelationId(id.0), "city");
    DriverPing { envelope, driver_id, zone: "centro".to_owned(), lat: 4.6, lon: -74.08, speed_mps: Some(3.5) }
}

#[test]
fn every_schema_registers_under_full_transitive_and_again_changes_nothing() {
    let registry = shared();
    let first = register_all(&registry, topics()).unwrap();
    assert_eq!(first.len(), EVENTS.len());
    assert_eq!(register_all(&registry, topics()).unwrap(), first);
    for registered in &first {
        assert_eq!(registry.compatibility(&registered.subject).unwrap(), COMPATIBILITY, "{}", registered.subject);
    }
    let event = EventSchema::of::<DriverPing>();
    let ping = first.iter().find(|registered| registered.subject == event.subject()).unwrap();
    assert_eq!(registry.lookup(&ping.subject, event.json).unwrap(), ping.id);
    let stored: Value = serde_json::from_str(&registry.schema(ping.id).unwrap()).unwrap();
    assert_eq!(stored, serde_json::from_str::<Value>(event.json).unwrap());
}

#[test]
fn only_the_topics_asked_for_are_registered() {
    let views = register_all(&shared(), &[topic("order.views").unwrap().clone()]).unwrap();
    let subjects: Vec<_> = views.iter().map(|registered| registered.subject.as_str()).collect();
    assert_eq!(subjects, ["order.views-comanda.order.OrderView"]);
}

/// Registers `OrderCancelled` under a subject of this test and tries a changed one after it.
fn check_change(change: impl Fn(&mut Value), compatible: bool) {
    let registry = shared();
    let subject = unique_name("evolution");
    registry.register(&subject, OrderCancelled::SCHEMA_JSON).unwrap();
    registry.set_compatibility(&subject, COMPATIBILITY).unwrap();
    let mut schema: Value = serde_json::from_str(OrderCancelled::SCHEMA_JSON).unwrap();
    change(&mut schema);
    let changed = schema.to_string();
    assert_eq!(registry.is_compatible(&subject, &changed).unwrap(), compatible, "{changed}");
    match registry.register(&subject, &changed) {
        Ok(_) if compatible => assert_eq!(registry.versions(&subject).unwrap().len(), 2),
        Err(RegistryError::Incompatible { .. }) if !compatible => {
            assert_eq!(registry.versions(&subject).unwrap().len(), 1);
        }
        other => panic!("{other:?}: {changed}"),
    }
}

fn fields(schema: &mut Value) -> &mut Vec<Value> {
    schema["fields"].as_array_mut().unwrap()
}

#[test]
fn a_new_version_may_add_what_has_a_default() {
    check_change(|s| fields(s).push(json!({ "name": "words", "type": ["null", "string"], "default": null })), true);
    check_change(
        |s| {
            let reason = fields(s).iter_mut().find(|field| field["name"] == "reason").unwrap();
            reason["type"]["symbols"].as_array_mut().unwrap().push(json!("EARTHQUAKE"));
        },
        true,
    );
}

#[test]
fn a_version_that_others_could_not_read_is_refused() {
    check_change(|s| fields(s).push(json!({ "name": "words", "type": "string" })), false);
    check_change(|s| fields(s).retain(|field| field["name"] != "zone"), false);
    check_change(|s| fields(s)[5]["type"] = json!("long"), false);
    check_change(|s| fields(s)[5]["type"] = json!(["null", "string"]), false);
}

#[test]
fn every_version_counts_and_not_only_the_last() {
    let registry = shared();
    let subject = unique_name("transitive");
    let with = |field: Option<Value>| {
        let mut schema: Value = serde_json::from_str(OrderCancelled::SCHEMA_JSON).unwrap();
        fields(&mut schema).extend(field);
        schema.to_string()
    };
    registry.register(&subject, &with(Some(json!({ "name": "depth", "type": "int", "default": 0 })))).unwrap();
    registry.set_compatibility(&subject, COMPATIBILITY).unwrap();
    registry.register(&subject, &with(None)).unwrap();
    let clash = with(Some(json!({ "name": "depth", "type": "string", "default": "" })));
    let refused = registry.register(&subject, &clash);
    assert!(matches!(refused, Err(RegistryError::Incompatible { .. })), "{refused:?}");
}

#[test]
fn a_level_set_for_a_subject_counts_for_it() {
    let registry = shared();
    let subject = unique_name("level");
    registry.register(&subject, OrderCancelled::SCHEMA_JSON).unwrap();
    registry.set_compatibility(&subject, "NONE").unwrap();
    assert_eq!(registry.compatibility(&subject).unwrap(), "NONE");
    registry.register(&subject, DriverPing::SCHEMA_JSON).unwrap();
    assert_eq!(registry.versions(&subject).unwrap(), [1, 2]);
}

#[test]
fn values_go_through_the_registry_unchanged() {
    let registry: Arc<dyn SchemaRegistry> = Arc::new(shared());
    let serde = avro_serde::<DriverPing>(&registry).unwrap();
    let mut bytes = vec![];
    serde.serialize(DriverPing::TOPIC, &ping(), &mut bytes).unwrap();
    assert_eq!(serde.deserialize(DriverPing::TOPIC, &bytes).unwrap(), ping());
}

#[test]
fn an_id_that_nobody_registered_is_no_reason_to_wait() {
    let unknown = [0, 0x7f, 0xff, 0xff, 0xf0, 1];
    let error = AvroDeserializer::<DriverPing>::new(Arc::new(shared())).read(&unknown).unwrap_err();
    assert!(matches!(error, DecodeError::UnknownSchema(SchemaId(0x7fff_fff0))), "{error}");
}

#[test]
fn a_text_that_is_no_schema_is_refused_with_the_registrys_words() {
    let error = shared().register(&unique_name("broken"), "{ \"type\": \"recrod\" }").unwrap_err();
    assert!(matches!(error, RegistryError::Refused { status: 422, .. }), "{error}");
}

#[test]
fn records_are_read_while_the_registry_is_down_and_new_schemas_once_it_is_back() {
    let server = OwnServer::start(Kind::Registry);
    let settings = HttpSettings { attempts: 1, ..HttpSettings::default() };
    let registry: Arc<dyn SchemaRegistry> = Arc::new(HttpRegistry::new(server.address(), settings));
    let serde = avro_serde::<DriverPing>(&registry).unwrap();
    let mut bytes = vec![];
    serde.serialize(DriverPing::TOPIC, &ping(), &mut bytes).unwrap();
    serde.deserialize(DriverPing::TOPIC, &bytes).unwrap();

    server.kill();
    assert_eq!(serde.deserialize(DriverPing::TOPIC, &bytes).unwrap(), ping());
    let newcomer = AvroDeserializer::<DriverPing>::new(registry);
    let error = newcomer.read(&bytes).unwrap_err();
    assert!(matches!(&error, DecodeError::Registry(cause) if cause.is_retriable()), "{error}");

    server.start_again();
    assert_eq!(newcomer.read(&bytes).unwrap(), ping());
}
