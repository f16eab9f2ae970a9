//! From bytes to values: the writer's schema says how to read, its name says which type to read into.

use crate::avro::{AvroSchema, Datum};
use crate::{DecodeError, RegistryError, SchemaId, SchemaRegistry, wire};
use arc_swap::ArcSwap;
use comanda_schemas::Message;
use comanda_streams::serde::{Deserializer, SerdeError};
use std::marker::PhantomData;
use std::sync::Arc;

/// Reads values of `M`. A type that `M` does not list becomes [`Message::unknown`], to be counted by the caller, or an
/// error if `M` has no value for it.
pub struct AvroDeserializer<M> {
    registry: Arc<dyn SchemaRegistry>,
    /// Sorted by id; schemas never change, so it only grows: by one entry per version of each event.
    writers: ArcSwap<Vec<(SchemaId, Arc<Writer>)>>,
    message: PhantomData<fn() -> M>,
}

/// A schema that somebody wrote with.
struct Writer {
    /// Which event of `M` it is a version of.
    index: Option<usize>,
    schema: AvroSchema,
}

impl<M: Message> AvroDeserializer<M> {
    /// Asks the registry for each schema when the first record with it comes.
    pub fn new(registry: Arc<dyn SchemaRegistry>) -> Self {
        Self { registry, writers: ArcSwap::default(), message: PhantomData }
    }

    /// Reads one value.
    pub fn read(&self, bytes: &[u8]) -> Result<M, DecodeError> {
        let (id, datum) = wire::split(bytes)?;
        let writers = self.writers.load();
        match writers.binary_search_by_key(&id, |(known, _)| *known) {
            Ok(place) => writers[place].1.read(datum),
            Err(_) => self.find_writer(id)?.read(datum),
        }
    }

    fn find_writer(&self, id: SchemaId) -> Result<Arc<Writer>, DecodeError> {
        let json = self.registry.schema(id).map_err(|error| match error {
            RegistryError::NotFound { .. } => DecodeError::UnknownSchema(id),
            RegistryError::Refused { reason, .. } => DecodeError::UnusableSchema { id, reason },
            other => DecodeError::Registry(other),
        })?;
        let writer = Arc::new(Writer::new::<M>(id, &json)?);
        self.writers.rcu(|known| {
            let mut grown = Vec::clone(known);
            if let Err(place) = grown.binary_search_by_key(&id, |(known, _)| *known) {
                grown.insert(place, (id, writer.clone()));
            }
            grown
        });
        Ok(writer)
    }
}

impl Writer {
    fn new<M: Message>(id: SchemaId, json: &str) -> Result<Self, DecodeError> {
        let schema =
            AvroSchema::parse(json).map_err(|error| DecodeError::UnusableSchema { id, reason: error.to_string() })?;
        let index = M::EVENTS.iter().position(|event| event.full_name == schema.full_name());
        Ok(Self { index, schema })
    }

    fn read<M: Message>(&self, bytes: &[u8]) -> Result<M, DecodeError> {
        let Some(index) = self.index else {
            let found = self.schema.full_name().to_owned();
            return M::unknown(&found).ok_or(DecodeError::UnexpectedType { found, expected: M::EVENTS[0].full_name });
        };
        Datum::read(bytes, &self.schema, |reader| M::decode(index, reader)).map_err(|error| DecodeError::Broken {
            full_name: self.schema.full_name().to_owned(),
            reason: error.to_string(),
        })
    }
}

impl<M: Message> Deserializer<M> for AvroDeserializer<M> {
    fn deserialize(&self, _topic: &str, bytes: &[u8]) -> Result<M, SerdeError> {
        self.read(bytes).map_err(SerdeError::from)
    }
}
