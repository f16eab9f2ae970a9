//! From bytes to values: the writer's schema says how to read, its name says which type to read into.

use crate::{DecodeError, RegistryError, SchemaId, SchemaRegistry, wire};
use arc_swap::ArcSwap;
use comanda_schemas::Message;
use comanda_streams::serde::{Deserializer, SerdeError};
use serde_avro_fast::Schema;
use serde_avro_fast::de::read::SliceRead;
use serde_avro_fast::de::{DeserializerConfig, DeserializerState};
use serde_json::Value;
use std::io::Read;
use std::marker::PhantomData;
use std::sync::Arc;

/// Longest array or map that is read: a broken length must not keep the thread busy. A record of Kafka's default
/// 1 MB holds fewer elements, unless they take no bytes at all.
const MAX_ELEMENTS: usize = 1_000_000;

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
    full_name: String,
    /// Which event of `M` it is a version of.
    index: Option<usize>,
    schema: Schema,
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
        let unusable = |reason: String| DecodeError::UnusableSchema { id, reason };
        let full_name = record_name(json).ok_or_else(|| unusable("its top is not a record".to_owned()))?;
        let schema = json.parse().map_err(|e: serde_avro_fast::schema::SchemaError| unusable(e.to_string()))?;
        let index = M::EVENTS.iter().position(|event| event.full_name == full_name);
        Ok(Self { full_name, index, schema })
    }

    fn read<M: Message>(&self, datum: &[u8]) -> Result<M, DecodeError> {
        let Some(index) = self.index else {
            let found = self.full_name.clone();
            return M::unknown(&found).ok_or(DecodeError::UnexpectedType { found, expected: M::EVENTS[0].full_name });
        };
        let mut config = DeserializerConfig::new(&self.schema);
        config.max_seq_size = MAX_ELEMENTS;
        let mut state = DeserializerState::with_config(SliceRead::new(datum), config);
        let value = M::decode(index, state.deserializer()).map_err(|error| self.broken(error.to_string()))?;
        match state.into_reader().read(&mut [0]) {
            Ok(0) => Ok(value),
            _ => Err(self.broken("bytes are left over behind the last field".to_owned())),
        }
    }

    fn broken(&self, reason: String) -> DecodeError {
        DecodeError::Broken { full_name: self.full_name.clone(), reason }
    }
}

/// Full name of the record at the top of a schema (Avro specification, "Names").
fn record_name(json: &str) -> Option<String> {
    let schema: Value = serde_json::from_str(json).ok()?;
    let name = schema.get("name")?.as_str()?;
    let namespace = schema.get("namespace").and_then(Value::as_str).filter(|namespace| !namespace.is_empty());
    match namespace {
        _ if schema.get("type")? != "record" => None,
        Some(namespace) if !name.contains('.') => Some(format!("{namespace}.{name}")),
        _ => Some(name.to_owned()),
    }
}

impl<M: Message> Deserializer<M> for AvroDeserializer<M> {
    fn deserialize(&self, _topic: &str, bytes: &[u8]) -> Result<M, SerdeError> {
        self.read(bytes).map_err(SerdeError::from)
    }
}
