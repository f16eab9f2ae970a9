//! Avro schemas as far as a table cares: which fields a record has, in which order, and of what kind.

use serde_json::Value as Json;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// What a field holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Boolean,
    Int,
    Long,
    /// A long whose name ends in `_centavos`: hundredths of a peso.
    Centavos,
    Double,
    /// A string or an enum's symbol.
    Text,
    Bytes,
    /// Milliseconds since the epoch.
    Millis,
    Array(Box<Kind>),
    Record(Arc<RecordSchema>),
    /// May be null, or is missing in some events.
    Optional(Box<Kind>),
    /// Anything that no column takes, by its Avro name.
    Other(String),
}

impl fmt::Display for Kind {
    /// As Avro calls it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Boolean => f.write_str("boolean"),
            Kind::Int => f.write_str("int"),
            Kind::Long => f.write_str("long"),
            Kind::Centavos => f.write_str("long in centavos"),
            Kind::Double => f.write_str("double"),
            Kind::Text => f.write_str("string"),
            Kind::Bytes => f.write_str("bytes"),
            Kind::Millis => f.write_str("timestamp-millis"),
            Kind::Array(item) => write!(f, "array of {item}"),
            Kind::Record(record) => write!(f, "record {}", record.name),
            Kind::Optional(kind) => write!(f, "{kind} or null"),
            Kind::Other(name) => f.write_str(name),
        }
    }
}

/// A record type's fields.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RecordSchema {
    /// Without namespace, e.g. `OrderPlaced`.
    pub name: String,
    pub fields: Vec<(String, Kind)>,
}

/// Where a field stands in a record, and what it is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Place {
    /// Field numbers from the top; arrays on the way are gone through element by element.
    pub steps: Vec<usize>,
    pub kind: Kind,
}

impl RecordSchema {
    /// Reads a schema whose top is a record.
    pub fn parse(json: &str) -> Result<Arc<Self>, String> {
        let json: Json = serde_json::from_str(json).map_err(|error| error.to_string())?;
        match Names::default().kind(&json, "") {
            Kind::Record(record) => Ok(record),
            other => Err(format!("its top is not a record but {other}")),
        }
    }

    /// Finds `a.b.c`; through an array its elements' field. `None` if there is no such field.
    pub fn place(&self, path: &str) -> Option<Place> {
        let (head, rest) = path.split_once('.').map_or((path, None), |(head, rest)| (head, Some(rest)));
        let index = self.fields.iter().position(|(name, _)| name == head)?;
        let kind = &self.fields[index].1;
        let Some(rest) = rest else {
            return Some(Place { steps: vec![index], kind: kind.clone() });
        };
        let below = place_below(kind, rest)?;
        Some(Place { steps: [vec![index], below.steps].concat(), kind: below.kind })
    }
}

fn place_below(kind: &Kind, path: &str) -> Option<Place> {
    let wrap = |inner: &Kind, wrapper: fn(Box<Kind>) -> Kind| {
        place_below(inner, path).map(|place| Place { steps: place.steps, kind: wrapper(Box::new(place.kind)) })
    };
    match kind {
        Kind::Record(record) => record.place(path),
        Kind::Array(item) => wrap(item, Kind::Array),
        Kind::Optional(inner) => wrap(inner, Kind::Optional),
        _ => None,
    }
}

/// Types defined so far: Avro defines a name once and then only refers to it.
#[derive(Default)]
struct Names(HashMap<String, Kind>);

impl Names {
    fn kind(&mut self, json: &Json, namespace: &str) -> Kind {
        match json {
            Json::String(name) => self.named(name, namespace),
            Json::Array(branches) => self.union(branches, namespace),
            Json::Object(object) => match object.get("type") {
                Some(Json::String(name)) => self.complex(name, json, namespace),
                Some(nested) => self.kind(nested, namespace),
                None => Kind::Other("a schema without a type".to_owned()),
            },
            other => Kind::Other(other.to_string()),
        }
    }

    fn named(&self, name: &str, namespace: &str) -> Kind {
        match name {
            "boolean" => Kind::Boolean,
            "int" => Kind::Int,
            "long" => Kind::Long,
            "float" | "double" => Kind::Double,
            "string" => Kind::Text,
            "bytes" => Kind::Bytes,
            _ => {
                let known = self.0.get(&full_name(name, namespace));
                known.cloned().unwrap_or_else(|| Kind::Other(name.to_owned()))
            }
        }
    }

    /// Only "this or null" fits a column.
    fn union(&mut self, branches: &[Json], namespace: &str) -> Kind {
        let others: Vec<&Json> = branches.iter().filter(|branch| *branch != "null").collect();
        match others.as_slice() {
            [one] if others.len() < branches.len() => Kind::Optional(Box::new(self.kind(one, namespace))),
            [one] => self.kind(one, namespace),
            _ => Kind::Other("a union of several types".to_owned()),
        }
    }

    fn complex(&mut self, name: &str, json: &Json, namespace: &str) -> Kind {
        let logical = json.get("logicalType").and_then(Json::as_str);
        match (name, logical) {
            ("long", Some("timestamp-millis")) => Kind::Millis,
            ("int" | "long" | "bytes" | "fixed", Some(logical)) => Kind::Other(logical.to_owned()),
            ("array", _) => {
                let items = json.get("items").unwrap_or(&Json::Null);
                Kind::Array(Box::new(self.kind(items, namespace)))
            }
            ("record", _) => self.record(json, namespace),
            ("enum", _) => {
                self.define(json, namespace, Kind::Text);
                Kind::Text
            }
            _ => self.named(name, namespace),
        }
    }

    fn record(&mut self, json: &Json, namespace: &str) -> Kind {
        let (full, namespace) = definition(json, namespace);
        let name = full.rsplit('.').next().unwrap_or(&full).to_owned();
        // Within itself the record is nothing that a column could take.
        self.0.insert(full.clone(), Kind::Other(format!("{name} within itself")));
        let fields = json.get("fields").and_then(Json::as_array);
        let fields = fields.into_iter().flatten().map(|field| {
            let name = field.get("name").and_then(Json::as_str).unwrap_or_default();
            let kind = self.kind(field.get("type").unwrap_or(&Json::Null), &namespace);
            (name.to_owned(), in_centavos(name, kind))
        });
        let fields = fields.collect();
        let record = Kind::Record(Arc::new(RecordSchema { name, fields }));
        self.0.insert(full, record.clone());
        record
    }

    fn define(&mut self, json: &Json, namespace: &str, kind: Kind) {
        self.0.insert(definition(json, namespace).0, kind);
    }
}

fn in_centavos(name: &str, kind: Kind) -> Kind {
    match kind {
        Kind::Long if name.ends_with("_centavos") => Kind::Centavos,
        Kind::Optional(inner) => Kind::Optional(Box::new(in_centavos(name, *inner))),
        other => other,
    }
}

/// Full name and namespace of a definition (Avro specification, "Names").
fn definition(json: &Json, namespace: &str) -> (String, String) {
    let name = json.get("name").and_then(Json::as_str).unwrap_or_default();
    let own = json.get("namespace").and_then(Json::as_str);
    let full = full_name(name, own.unwrap_or(namespace));
    let namespace = full.rsplit_once('.').map_or("", |(namespace, _)| namespace);
    let namespace = namespace.to_owned();
    (full, namespace)
}

fn full_name(name: &str, namespace: &str) -> String {
    if name.contains('.') || namespace.is_empty() { name.to_owned() } else { format!("{namespace}.{name}") }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const SCHEMA: &str = r#"{ "type": "record", "name": "Placed", "namespace": "a", "fields": [
        { "name": "id", "type": "string" },
        { "name": "total_centavos", "type": ["null", "long"], "default": null },
        { "name": "items", "type": { "type": "array", "items": { "type": "record", "name": "Item", "fields": [
            { "name": "sku", "type": "string" }, { "name": "price_centavos", "type": "long" } ] } } },
        { "name": "best", "type": "Item" },
        { "name": "at", "type": { "type": "long", "logicalType": "timestamp-millis" } },
        { "name": "state", "type": { "type": "enum", "name": "State", "symbols": ["A"] } },
        { "name": "before", "type": ["null", "a.State"] }
    ] }"#;

    fn check(path: &str, steps: &[usize], kind: &str) {
        let place = RecordSchema::parse(SCHEMA).unwrap().place(path).unwrap();
        assert_eq!((place.steps.as_slice(), place.kind.to_string().as_str()), (steps, kind));
    }

    #[test]
    fn a_path_leads_to_a_field_and_its_kind() {
        check("id", &[0], "string");
        check("total_centavos", &[1], "long in centavos or null");
        check("items.price_centavos", &[2, 1], "array of long in centavos");
        check("best.sku", &[3, 0], "string");
        check("at", &[4], "timestamp-millis");
        check("before", &[6], "string or null");
    }

    #[test]
    fn a_field_that_is_not_there_has_no_place() {
        let schema = RecordSchema::parse(SCHEMA).unwrap();
        assert_eq!(["nope", "id.x", "items.nope"].map(|path| schema.place(path)), [None, None, None]);
        assert_eq!(schema.name, "Placed");
    }

    #[test]
    fn a_record_within_itself_ends() {
        let json = r#"{ "type": "record", "name": "Node", "fields": [
            { "name": "next", "type": ["null", "Node"] } ] }"#;
        let place = RecordSchema::parse(json).unwrap().place("next").unwrap();
        assert_eq!(place.kind.to_string(), "Node within itself or null");
    }

    #[test]
    fn a_top_that_is_no_record_is_told() {
        assert_eq!(RecordSchema::parse("\"int\"").unwrap_err(), "its top is not a record but int");
    }
}
