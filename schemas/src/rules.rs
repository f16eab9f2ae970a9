//! The contract's rules, held against every file: a broken one fails here with its name.

#![allow(clippy::unwrap_used)]

use crate::{Cleanup, EVENTS, Event, read_and_write, topics};
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};

fn timestamp() -> Value {
    json!({ "type": "long", "logicalType": "timestamp-millis" })
}

/// What is wrong with an event's schema; empty if nothing is.
fn violations(schema: &Value) -> Vec<String> {
    let mut found = vec![];
    if schema["type"] != "record" {
        return vec!["the top is not a record".to_owned()];
    }
    let envelope = [
        ("event_id", json!("string")),
        ("occurred_at", timestamp()),
        ("correlation_id", json!("string")),
        ("causation_id", json!(["null", "string"])),
        ("producer", json!("string")),
    ];
    for (i, (name, avro)) in envelope.iter().enumerate() {
        if schema["fields"][i]["name"] != *name || schema["fields"][i]["type"] != *avro {
            found.push(format!("field {i} is not {name}: {avro}"));
        }
    }
    check_named(schema, &mut found);
    found
}

fn check_named(schema: &Value, found: &mut Vec<String>) {
    let name = schema["name"].as_str().unwrap();
    if schema["doc"].as_str().unwrap_or("").is_empty() {
        found.push(format!("{name} has no doc"));
    }
    if schema["type"] == "enum" && (schema["default"] != "UNKNOWN" || schema["symbols"][0] != "UNKNOWN") {
        found.push(format!("{name} does not begin with UNKNOWN as its default"));
    }
    for field in schema["fields"].as_array().into_iter().flatten() {
        check_field(name, field, found);
    }
}

fn check_field(record: &str, field: &Value, found: &mut Vec<String>) {
    let name = field["name"].as_str().unwrap();
    let place = format!("{record}.{name}");
    let avro = match &field["type"] {
        Value::Array(union) if union.len() == 2 && union[0] == "null" => {
            if field.get("default") != Some(&Value::Null) {
                found.push(format!("{place} is optional without default null"));
            }
            &union[1]
        }
        Value::Array(_) => return found.push(format!("{place} is a union other than [null, T]")),
        other => other,
    };
    if field["doc"].as_str().unwrap_or("").is_empty() {
        found.push(format!("{place} has no doc"));
    }
    let sealed = avro["name"] == "Sealed" || avro == "comanda.Sealed";
    if sealed != (field["pii"] == true) {
        found.push(format!("{place}: Sealed and pii go together"));
    }
    if name.ends_with("_centavos") && avro != "long" {
        found.push(format!("{place}: centavos are long"));
    }
    if ["_at", "_for", "window_start", "window_end"].iter().any(|end| name.ends_with(end)) && *avro != timestamp() {
        found.push(format!("{place}: a time is timestamp-millis"));
    }
    let inner = if avro["type"] == "array" { &avro["items"] } else { avro };
    if inner["name"].is_string() {
        check_named(inner, found);
    }
}

#[test]
fn every_schema_follows_the_contract() {
    let broken: Vec<String> = EVENTS
        .iter()
        .flat_map(|event| {
            let found = violations(&serde_json::from_str(event.json).unwrap());
            found.into_iter().map(|violation| format!("{}: {violation}", event.full_name))
        })
        .collect();
    assert!(EVENTS.len() > 40 && broken.is_empty(), "{broken:#?}");
}

#[test]
fn a_schema_that_breaks_the_contract_is_found() {
    assert_eq!(violations(&json!(["null", "string"])), ["the top is not a record"]);
    let mut schema: Value = serde_json::from_str(crate::PlaceOrder::SCHEMA_JSON).unwrap();
    let fields = schema["fields"].as_array_mut().unwrap();
    fields[4]["name"] = json!("maker");
    fields.push(json!({ "name": "phone", "type": "string", "pii": true, "doc": "Plain." }));
    fields.push(json!({ "name": "tip_centavos", "type": "double" }));
    fields.push(json!({ "name": "seen_at", "type": ["null", "long"], "doc": "A time." }));
    fields.push(json!({ "name": "either", "type": ["int", "string"], "doc": "Two types." }));
    fields.push(
        json!({ "name": "mood", "doc": "An enum.", "type": { "type": "enum", "name": "Mood", "symbols": ["GOOD"] } }),
    );
    assert_eq!(
        violations(&schema),
        [
            "field 4 is not producer: \"string\"",
            "PlaceOrder.phone: Sealed and pii go together",
            "PlaceOrder.tip_centavos has no doc",
            "PlaceOrder.tip_centavos: centavos are long",
            "PlaceOrder.seen_at is optional without default null",
            "PlaceOrder.seen_at: a time is timestamp-millis",
            "PlaceOrder.either is a union other than [null, T]",
            "Mood has no doc",
            "Mood does not begin with UNKNOWN as its default",
        ]
    );
}

#[test]
fn a_file_lies_where_its_name_says() {
    for event in EVENTS {
        let path = event.full_name.replacen("comanda.", "avro/", 1).replace('.', "/") + ".avsc";
        let text = std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(&path)).unwrap();
        assert_eq!(text, event.json, "{path}");
    }
}

#[test]
fn every_event_is_in_one_topic_and_every_topic_makes_sense() {
    let listed: Vec<&str> = topics().iter().flat_map(|topic| topic.events.iter().map(String::as_str)).collect();
    let known: HashSet<&str> = EVENTS.iter().map(|event| event.full_name).collect();
    assert_eq!(listed.len(), known.len());
    assert_eq!(listed.into_iter().collect::<HashSet<_>>(), known);
    for topic in topics() {
        let name = &topic.name;
        assert_eq!(topic.partitions, 4, "{name}: topics are joined by key");
        assert_eq!((topic.replication, topic.min_insync_replicas), (3, 2), "{name}");
        assert_eq!(topic.cleanup == Cleanup::Compact, topic.retention_ms.is_none(), "{name}: retention");
        let outside = topic.writers.iter().any(|writer| writer == "city" || writer == "edge");
        assert_eq!(outside, topic.dead_letter.is_some(), "{name}: a dead-letter topic if outsiders write");
        if let Some(dead_letter) = &topic.dead_letter {
            assert_eq!(crate::topic(dead_letter).unwrap().events, [""; 0]);
        }
    }
}

pub(crate) fn read_and_write_as<E: Event>(json: Value) -> Value {
    serde_json::to_value(serde_json::from_value::<E>(json).unwrap()).unwrap()
}

/// A value of a schema: every enum with its symbol number `nth`, optional fields present or absent, fields with a
/// default left out or not.
struct Sample {
    nth: usize,
    complete: bool,
    named: HashMap<String, Value>,
}

impl Sample {
    fn of(&mut self, name: &str, avro: &Value) -> Value {
        match avro {
            Value::Array(union) if self.complete => self.of(name, &union[1]),
            Value::Array(_) => Value::Null,
            Value::String(kind) => match kind.as_str() {
                "string" if name.ends_with("_id") => json!("0b9fa8f2-6f0f-4f6d-8a55-1d4c7d1f8e10"),
                "string" => json!(name),
                "long" | "int" => json!(7),
                "double" => json!(1.5),
                "boolean" => json!(false),
                "bytes" => json!([1, 2, 255]),
                reference => self.of(name, &self.named[reference].clone()),
            },
            Value::Object(schema) => match schema["type"].as_str().unwrap() {
                "array" => json!([self.of(name, &schema["items"])]),
                "enum" => {
                    self.define(schema);
                    let symbols = schema["symbols"].as_array().unwrap();
                    symbols[self.nth % symbols.len()].clone()
                }
                "record" => {
                    self.define(schema);
                    self.record(avro)
                }
                primitive => self.of(name, &json!(primitive)),
            },
            _ => panic!("{avro}"),
        }
    }

    fn define(&mut self, schema: &Map<String, Value>) {
        let full_name = format!("{}.{}", schema["namespace"].as_str().unwrap(), schema["name"].as_str().unwrap());
        self.named.insert(full_name, Value::Object(schema.clone()));
    }

    fn record(&mut self, schema: &Value) -> Value {
        let mut record = Map::new();
        for field in schema["fields"].as_array().unwrap() {
            let name = field["name"].as_str().unwrap();
            let value = self.of(name, &field["type"]);
            if self.complete || field.get("default").is_none() {
                record.insert(name.to_owned(), value);
            }
        }
        Value::Object(record)
    }
}

#[test]
fn every_event_goes_through_its_rust_type_unchanged_with_every_symbol() {
    for event in EVENTS {
        let schema: Value = serde_json::from_str(event.json).unwrap();
        for nth in 0..12 {
            let sample = Sample { nth, complete: true, named: HashMap::new() }.record(&schema);
            assert_eq!(read_and_write(event.full_name, sample.clone()), sample);
        }
    }
}

#[test]
fn a_field_with_a_default_may_be_missing_from_every_event() {
    for event in EVENTS {
        let schema: Value = serde_json::from_str(event.json).unwrap();
        let sample = Sample { nth: 1, complete: false, named: HashMap::new() }.record(&schema);
        let full = read_and_write(event.full_name, sample.clone());
        for field in schema["fields"].as_array().unwrap() {
            if let Some(default) = field.get("default") {
                let name = field["name"].as_str().unwrap();
                assert!(sample.get(name).is_none());
                assert_eq!(full[name], *default, "{}.{name}", event.full_name);
            }
        }
    }
}

#[test]
fn an_id_that_is_no_uuid_is_an_error_that_says_so() {
    let text =
        serde_json::from_value::<crate::PlaceOrder>(json!({ "event_id": "rome-I31-o001" })).unwrap_err().to_string();
    assert_eq!(text, "\"rome-I31-o001\" is not a UUID of 36 lower-case characters");
}
