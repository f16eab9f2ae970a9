//! A schema as the codec walks it: names resolved, logical types as the types that carry them.

use super::CodecError;
use serde_json::{Map, Value};
use std::collections::HashMap;

/// Place of a node in its schema.
pub(crate) type NodeId = usize;

/// One type (Avro specification 1.12, "Schema Declaration").
#[derive(Debug)]
pub(crate) enum Node {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    /// Length in bytes.
    Fixed(usize),
    Enum(Vec<String>),
    Array(NodeId),
    Map(NodeId),
    Union(Vec<NodeId>),
    Record(Vec<Field>),
}

impl Node {
    /// For errors.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Node::Null => "null",
            Node::Boolean => "boolean",
            Node::Int => "int",
            Node::Long => "long",
            Node::Float => "float",
            Node::Double => "double",
            Node::Bytes => "bytes",
            Node::String => "string",
            Node::Fixed(_) => "fixed",
            Node::Enum(_) => "an enum",
            Node::Array(_) => "an array",
            Node::Map(_) => "a map",
            Node::Union(_) => "a union",
            Node::Record(_) => "a record",
        }
    }
}

#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) node: NodeId,
}

/// A schema whose top is a record.
#[derive(Debug)]
pub struct AvroSchema {
    full_name: String,
    pub(crate) root: NodeId,
    nodes: Vec<Node>,
}

impl AvroSchema {
    /// Reads the JSON text of a schema that stands alone. It is lenient: the registry has judged the schema already.
    pub fn parse(json: &str) -> Result<Self, CodecError> {
        let json: Value = serde_json::from_str(json).map_err(|error| CodecError::new(error.to_string()))?;
        let top = json.as_object().filter(|top| top.get("type").is_some_and(|kind| kind == "record"));
        let full_name = full_name(top.ok_or_else(|| CodecError::new("its top is not a record"))?, "")?;
        let mut parser = Parser { nodes: vec![], named: HashMap::new() };
        let root = parser.node(&json, "")?;
        Ok(Self { full_name, root, nodes: parser.nodes })
    }

    /// Namespace and name of the record at the top.
    pub fn full_name(&self) -> &str {
        &self.full_name
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id]
    }
}

struct Parser {
    nodes: Vec<Node>,
    /// By full name; a record is in here before its fields are read, so that it may contain itself.
    named: HashMap<String, NodeId>,
}

impl Parser {
    fn node(&mut self, schema: &Value, namespace: &str) -> Result<NodeId, CodecError> {
        match schema {
            Value::String(name) => self.primitive_or_named(name, namespace),
            Value::Array(variants) => {
                let variants =
                    variants.iter().map(|variant| self.node(variant, namespace)).collect::<Result<_, _>>()?;
                Ok(self.add(Node::Union(variants)))
            }
            Value::Object(definition) => match definition.get("type") {
                Some(Value::String(kind)) => self.definition(kind, definition, namespace),
                Some(inner) => self.node(inner, namespace),
                None => Err(CodecError::new("a type is missing")),
            },
            other => Err(CodecError::new(format!("{other} is not a type"))),
        }
    }

    fn add(&mut self, node: Node) -> NodeId {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    fn primitive_or_named(&mut self, name: &str, namespace: &str) -> Result<NodeId, CodecError> {
        let primitive = match name {
            "null" => Node::Null,
            "boolean" => Node::Boolean,
            "int" => Node::Int,
            "long" => Node::Long,
            "float" => Node::Float,
            "double" => Node::Double,
            "bytes" => Node::Bytes,
            "string" => Node::String,
            _ => {
                let full_name = qualified(name, namespace);
                let known = self.named.get(&full_name).copied();
                return known.ok_or_else(|| CodecError::new(format!("the type {full_name} is not defined in it")));
            }
        };
        Ok(self.add(primitive))
    }

    fn definition(
        &mut self,
        kind: &str,
        definition: &Map<String, Value>,
        namespace: &str,
    ) -> Result<NodeId, CodecError> {
        let part = |name: &str| definition.get(name).ok_or_else(|| CodecError::new(format!("{kind} without {name}")));
        match kind {
            "array" => {
                let items = self.node(part("items")?, namespace)?;
                Ok(self.add(Node::Array(items)))
            }
            "map" => {
                let values = self.node(part("values")?, namespace)?;
                Ok(self.add(Node::Map(values)))
            }
            "enum" => {
                let symbols = part("symbols")?.as_array().map(|all| all.iter().filter_map(Value::as_str));
                let symbols = symbols.into_iter().flatten().map(str::to_owned).collect();
                self.define(definition, namespace, Node::Enum(symbols))
            }
            "fixed" => {
                let size = part("size")?.as_u64().and_then(|size| usize::try_from(size).ok());
                let size = size.ok_or_else(|| CodecError::new("the size of a fixed is not a number"))?;
                self.define(definition, namespace, Node::Fixed(size))
            }
            "record" => self.record(definition, namespace, part("fields")?),
            primitive_or_named => self.primitive_or_named(primitive_or_named, namespace),
        }
    }

    fn define(&mut self, definition: &Map<String, Value>, namespace: &str, node: Node) -> Result<NodeId, CodecError> {
        let full_name = full_name(definition, namespace)?;
        let id = self.add(node);
        self.named.insert(full_name, id);
        Ok(id)
    }

    fn record(
        &mut self,
        definition: &Map<String, Value>,
        namespace: &str,
        fields: &Value,
    ) -> Result<NodeId, CodecError> {
        let id = self.define(definition, namespace, Node::Record(vec![]))?;
        let full_name = full_name(definition, namespace)?;
        let inner = full_name.rsplit_once('.').map_or("", |(namespace, _)| namespace);
        let mut read = vec![];
        for field in fields.as_array().into_iter().flatten() {
            let name = field.get("name").and_then(Value::as_str);
            let name = name.ok_or_else(|| CodecError::new(format!("a field of {full_name} has no name")))?;
            let kind = field.get("type").ok_or_else(|| CodecError::new(format!("{full_name}.{name} has no type")))?;
            let node = self.node(kind, inner).map_err(|error| error.within(name))?;
            read.push(Field { name: name.to_owned(), node });
        }
        self.nodes[id] = Node::Record(read);
        Ok(id)
    }
}

/// Avro specification 1.12, "Names": a dotted name is whole, another stands in the namespace given or around it.
fn full_name(definition: &Map<String, Value>, around: &str) -> Result<String, CodecError> {
    let name = definition.get("name").and_then(Value::as_str).ok_or_else(|| CodecError::new("a type has no name"))?;
    Ok(qualified(name, definition.get("namespace").and_then(Value::as_str).unwrap_or(around)))
}

fn qualified(name: &str, namespace: &str) -> String {
    match namespace {
        "" => name.to_owned(),
        _ if name.contains('.') => name.to_owned(),
        _ => format!("{namespace}.{name}"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn check_error(json: &str, expected: &str) {
        assert_eq!(AvroSchema::parse(json).unwrap_err().to_string(), expected);
    }

    #[test]
    fn names_are_found_in_the_namespace_around_them() {
        let json = r#"{ "type": "record", "name": "a.b.Top", "fields": [
            { "name": "x", "type": { "type": "fixed", "name": "Near", "size": 2 } },
            { "name": "y", "type": { "type": "record", "name": "Far", "namespace": "c", "fields": [
                { "name": "again", "type": ["null", "Far", "a.b.Near"] } ] } },
            { "name": "z", "type": ["Near", "c.Far", { "type": { "type": "map", "values": "a.b.Top" } }] } ] }"#;
        let schema = AvroSchema::parse(json).unwrap();
        assert_eq!(schema.full_name(), "a.b.Top");
        let Node::Record(fields) = schema.node(schema.root) else { panic!("{schema:?}") };
        let Node::Union(variants) = schema.node(fields[2].node) else { panic!("{schema:?}") };
        let near_and_far = [fields[0].node, fields[1].node];
        assert_eq!(variants[..2], near_and_far);
        assert!(matches!(schema.node(variants[2]), Node::Map(top) if *top == schema.root));
    }

    #[test]
    fn a_schema_that_cannot_be_used_says_why() {
        check_error(r#""string""#, "its top is not a record");
        check_error(r#"{ "type": "record", "fields": [] }"#, "a type has no name");
        check_error(
            r#"{ "type": "record", "name": "A", "namespace": "n", "fields": [{ "name": "b", "type": "B" }] }"#,
            "b: the type n.B is not defined in it",
        );
        check_error(
            r#"{ "type": "record", "name": "A", "fields": [{ "name": "b", "type": 7 }] }"#,
            "b: 7 is not a type",
        );
    }
}
