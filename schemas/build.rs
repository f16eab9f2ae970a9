//! Makes the Rust types from `avro/` and `topics.yaml`: a struct per record, an enum per enum, an enum per topic.
//!
//! Why not a published generator: `docs/adr/0004-rust-types-from-avro.md`.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// The first fields of every event, in this order; in Rust they are one value, `Envelope`.
const ENVELOPE: [&str; 5] = ["event_id", "occurred_at", "correlation_id", "causation_id", "producer"];

/// Fields that have a type of their own in Rust, by name.
const IDS: [(&str, &str); 13] = [
    ("event_id", "EventId"),
    ("causation_id", "EventId"),
    ("command_id", "EventId"),
    ("correlation_id", "CorrelationId"),
    ("order_id", "OrderId"),
    ("customer_id", "CustomerId"),
    ("restaurant_id", "RestaurantId"),
    ("item_id", "ItemId"),
    ("option_id", "OptionId"),
    ("payment_id", "PaymentId"),
    ("payment_method_id", "PaymentMethodId"),
    ("delivery_id", "DeliveryId"),
    ("driver_id", "DriverId"),
];

fn main() {
    println!("cargo:rerun-if-changed=avro");
    println!("cargo:rerun-if-changed=topics.yaml");
    println!("cargo:rerun-if-changed=build.rs");
    let events = read_schemas(Path::new("avro"));
    let topics: Value = serde_norway::from_str(&fs::read_to_string("topics.yaml").expect("topics.yaml is there"))
        .expect("topics.yaml is YAML");
    let homes = topic_and_key_of_events(&topics);

    let mut types = Types::default();
    for (path, schema) in &events {
        types.event(path, schema, &homes);
    }
    let names: Vec<&str> = events.iter().map(|(_, schema)| text(&schema["name"])).collect();
    let mut code = types.code + &format!("all_events! {{ {} }}\n", names.join(", "));
    for topic in array(&topics["topics"]) {
        topic_enum(&mut code, topic);
    }
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets OUT_DIR")).join("types.rs");
    fs::write(out, code).expect("OUT_DIR is writable");
}

fn read_schemas(root: &Path) -> Vec<(PathBuf, Value)> {
    let mut paths = vec![];
    for folder in fs::read_dir(root).expect("avro/ is there") {
        let folder = folder.expect("avro/ is readable").path();
        paths.extend(fs::read_dir(&folder).expect("avro/ holds folders").map(|file| file.expect("readable").path()));
    }
    paths.sort();
    let parse = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("readable");
        let schema = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        (path, schema)
    };
    paths.into_iter().map(parse).collect()
}

/// Full name of each event → (topic, name of its key field).
fn topic_and_key_of_events(topics: &Value) -> BTreeMap<&str, (&str, &str)> {
    let mut homes = BTreeMap::new();
    for topic in array(&topics["topics"]) {
        for event in array(&topic["events"]) {
            let former = homes.insert(text(event), (text(&topic["name"]), text(&topic["key"])));
            assert!(former.is_none(), "topics.yaml: {event} is in two topics");
        }
    }
    homes
}

#[derive(Default)]
struct Types {
    code: String,
    /// Rust name → definition, to notice two definitions of one name.
    defined: BTreeMap<String, Value>,
}

impl Types {
    /// Writes an `event!`, see `src/event.rs`.
    fn event(&mut self, path: &Path, schema: &Value, homes: &BTreeMap<&str, (&str, &str)>) {
        let (name, full_name) = (text(&schema["name"]), full_name(schema));
        let (topic, key) =
            homes.get(full_name.as_str()).unwrap_or_else(|| panic!("topics.yaml: no topic holds {full_name}"));
        let fields = array(&schema["fields"]);
        let has_envelope =
            ENVELOPE.iter().enumerate().all(|(i, name)| fields.get(i).is_some_and(|f| f["name"] == *name));
        assert!(has_envelope, "{full_name}: does not begin with the envelope {ENVELOPE:?}");
        let members: String = fields[ENVELOPE.len()..].iter().map(|field| self.member(field)).collect();
        let _ = writeln!(
            self.code,
            "event! {{ {} {name}, {full_name:?}, topic {topic:?}, key {key}, file {:?}, {{ {members} }} }}",
            doc(&schema["doc"]),
            path.display().to_string(),
        );
    }

    /// One field with its doc, its default and its type.
    fn member(&mut self, field: &Value) -> String {
        let rust = self.field_type(field);
        let default = self.default_attribute(field, &rust);
        format!("{}{default} pub {}: {rust},\n", doc(&field["doc"]), text(&field["name"]))
    }

    fn field_type(&mut self, field: &Value) -> String {
        let name = text(&field["name"]);
        match &field["type"] {
            Value::Array(union) => match union.as_slice() {
                [null, some] if null == "null" => format!("Option<{}>", self.rust_type(name, some)),
                _ => panic!("{name}: the only union is [\"null\", T]"),
            },
            other => self.rust_type(name, other),
        }
    }

    fn rust_type(&mut self, field: &str, avro: &Value) -> String {
        let id = || IDS.iter().find(|(name, _)| *name == field);
        match avro {
            Value::String(kind) => match kind.as_str() {
                "string" => id().map_or("String", |(_, rust)| rust).to_owned(),
                "long" if field.ends_with("_centavos") => "Cop".to_owned(),
                "long" => "i64".to_owned(),
                "int" => "i32".to_owned(),
                "double" => "f64".to_owned(),
                "boolean" => "bool".to_owned(),
                "bytes" => "serde_bytes::ByteBuf".to_owned(),
                named => rust_name(named),
            },
            Value::Object(_) if avro["logicalType"] == "timestamp-millis" => "EventTime".to_owned(),
            Value::Object(_) if avro["type"] == "array" => format!("Vec<{}>", self.rust_type(field, &avro["items"])),
            Value::Object(_) => self.define(avro),
            _ => panic!("{field}: no Rust type for {avro}"),
        }
    }

    /// Defines a nested record or enum, once.
    fn define(&mut self, schema: &Value) -> String {
        let name = text(&schema["name"]).to_owned();
        if let Some(former) = self.defined.insert(name.clone(), schema.clone()) {
            assert!(former == *schema, "{}: two different definitions", full_name(schema));
            return name;
        }
        match text(&schema["type"]) {
            "enum" => self.define_enum(&name, schema),
            "record" => self.define_record(&name, schema),
            other => panic!("{name}: no Rust type for {other}"),
        }
        name
    }

    fn define_record(&mut self, name: &str, schema: &Value) {
        let members: String = array(&schema["fields"]).iter().map(|field| self.member(field)).collect();
        let derive = "#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]";
        let _ = writeln!(self.code, "{}{derive} pub struct {name} {{ {members} }}", doc(&schema["doc"]));
    }

    /// `UNKNOWN` comes last here: serde's `other` wants it so, and enums are written by symbol.
    fn define_enum(&mut self, name: &str, schema: &Value) {
        assert!(schema["default"] == "UNKNOWN", "{name}: the default is not UNKNOWN");
        let (mut variants, mut symbols) = (String::new(), String::new());
        for symbol in array(&schema["symbols"]).iter().map(text) {
            let _ = write!(symbols, "Self::{} => {symbol:?},", camel(symbol));
            if symbol != "UNKNOWN" {
                let _ = write!(variants, "/// `{symbol}`\n #[serde(rename = {symbol:?})] {},", camel(symbol));
            }
        }
        variants +=
            "/// A symbol that this build does not know.\n #[default] #[serde(rename = \"UNKNOWN\", other)] Unknown";
        let derive = "#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]";
        let _ = writeln!(self.code, "{}{derive} pub enum {name} {{ {variants} }}", doc(&schema["doc"]));
        let _ = writeln!(
            self.code,
            "impl {name} {{ /// The symbol as the schema has it.
            pub fn symbol(self) -> &'static str {{ match self {{ {symbols} }} }} }}"
        );
    }

    /// What a field is when the writer's schema lacks it.
    fn default_attribute(&mut self, field: &Value, rust: &str) -> String {
        match field.get("default") {
            None => String::new(),
            Some(Value::Null) => "#[serde(default)]".to_owned(),
            Some(value) => {
                let name = format!("default_{}", self.code.len());
                let json = value.to_string();
                let _ = writeln!(
                    self.code,
                    "fn {name}() -> {rust} {{ serde_json::from_str({json:?}).expect(\"a test reads every default\") }}"
                );
                format!("#[serde(default = {name:?})]")
            }
        }
    }
}

/// Writes a `message!`, see `src/event.rs`; a topic of one event needs none.
fn topic_enum(code: &mut String, topic: &Value) {
    let (name, message) = (text(&topic["name"]), text(&topic["message"]));
    let events: Vec<String> = array(&topic["events"]).iter().map(|event| rust_name(text(event))).collect();
    if events != [message] {
        let numbered: Vec<String> = events.iter().enumerate().map(|(i, event)| format!("{i} {event}")).collect();
        let _ = writeln!(code, "message! {{ {message}, topic {name:?}, {{ {} }} }}", numbered.join(", "));
    }
}

fn full_name(schema: &Value) -> String {
    format!("{}.{}", text(&schema["namespace"]), text(&schema["name"]))
}

fn rust_name(full_name: &str) -> String {
    full_name.rsplit('.').next().expect("rsplit yields at least one part").to_owned()
}

/// `PICKED_UP` → `PickedUp`.
fn camel(symbol: &str) -> String {
    let capital = |word: &str| word[..1].to_owned() + &word[1..].to_lowercase();
    symbol.split('_').map(capital).collect()
}

fn doc(text: &Value) -> String {
    format!("#[doc = {:?}]\n", text.as_str().unwrap_or_else(|| panic!("a doc is missing")))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is not a string"))
}

fn array(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("{value} is not a list"))
}
