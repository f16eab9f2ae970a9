//! From values to bytes: every event with the id its own schema has in the registry.

use crate::avro::{AvroSchema, ValueWriter};
use crate::{RegistryError, SchemaRegistry, wire};
use comanda_schemas::{EventSchema, Message};
use comanda_streams::serde::{SerdeError, Serializer};
use std::marker::PhantomData;

/// Writes values of `M`. The subject is that of the event's own topic wherever the value goes, so change logs and
/// repartition topics need no subjects of their own.
pub struct AvroSerializer<M> {
    /// By `Message::index`.
    encoders: Vec<Encoder>,
    message: PhantomData<fn(M)>,
}

struct Encoder {
    header: [u8; 5],
    schema: AvroSchema,
}

impl<M: Message> AvroSerializer<M> {
    /// Registers the schemas of `M`, or finds out their ids.
    pub fn new(registry: &dyn SchemaRegistry) -> Result<Self, RegistryError> {
        let encoders = M::EVENTS.iter().map(|event| Encoder::new(event, registry)).collect::<Result<_, _>>()?;
        Ok(Self { encoders, message: PhantomData })
    }
}

impl Encoder {
    fn new(event: &EventSchema, registry: &dyn SchemaRegistry) -> Result<Self, RegistryError> {
        let schema = AvroSchema::parse(event.json).map_err(|error| RegistryError::Schema {
            full_name: event.full_name.to_owned(),
            reason: error.to_string(),
        })?;
        Ok(Self { header: wire::header(registry.register(&event.subject(), event.json)?), schema })
    }
}

impl<M: Message> Serializer<M> for AvroSerializer<M> {
    fn serialize(&self, topic: &str, value: &M, out: &mut Vec<u8>) -> Result<(), SerdeError> {
        let encoder = value.index().and_then(|index| self.encoders.get(index)).ok_or_else(|| {
            SerdeError::invalid(format!("a value for {topic} is of a type that this build does not know"))
        })?;
        let before = out.len();
        out.extend_from_slice(&encoder.header);
        value.encode(ValueWriter::new(&encoder.schema, out)).map_err(|error| {
            out.truncate(before);
            SerdeError::invalid(format!("a value for {topic} cannot be written: {error}"))
        })
    }
}
