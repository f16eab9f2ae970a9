//! From a record's bytes to values, by the schema that its writer used; also for events this build does not know.

use crate::schema::RecordSchema;
use crate::value::Value;
use comanda_registry::avro::{self, AvroSchema};
use comanda_registry::{DecodeError, RegistryError, SchemaId, SchemaRegistry};
use std::collections::HashMap;
use std::sync::Arc;

/// Knows every schema that it has met.
pub(crate) struct Decoder {
    registry: Arc<dyn SchemaRegistry>,
    writers: HashMap<SchemaId, Arc<Writer>>,
}

/// A schema that somebody wrote with.
pub(crate) struct Writer {
    pub id: SchemaId,
    /// The fields that [`Value::Record`] has, in order.
    pub record: Arc<RecordSchema>,
    schema: AvroSchema,
}

impl Decoder {
    pub fn new(registry: Arc<dyn SchemaRegistry>) -> Self {
        Self { registry, writers: HashMap::new() }
    }

    /// The schema a record was written with, and its datum (Confluent's wire format: a zero byte, the schema id as four
    /// bytes big-endian, the datum). Asks the registry once per schema.
    pub fn writer<'r>(&mut self, record: &'r [u8]) -> Result<(Arc<Writer>, &'r [u8]), DecodeError> {
        let [0, a, b, c, d, datum @ ..] = record else {
            let start = record.iter().copied().take(8).collect();
            return Err(DecodeError::NotAvro(record.len(), start));
        };
        let id = SchemaId(u32::from_be_bytes([*a, *b, *c, *d]));
        if let Some(known) = self.writers.get(&id) {
            return Ok((known.clone(), datum));
        }
        let writer = Arc::new(self.find(id)?);
        self.writers.insert(id, writer.clone());
        Ok((writer, datum))
    }

    fn find(&self, id: SchemaId) -> Result<Writer, DecodeError> {
        let json = self.registry.schema(id).map_err(|error| match error {
            RegistryError::NotFound { .. } => DecodeError::UnknownSchema(id),
            RegistryError::Refused { reason, .. } => DecodeError::UnusableSchema { id, reason },
            other => DecodeError::Registry(other),
        })?;
        let unusable = |reason| DecodeError::UnusableSchema { id, reason };
        let record = RecordSchema::parse(&json).map_err(unusable)?;
        let schema = AvroSchema::parse(&json).map_err(|error| unusable(error.to_string()))?;
        Ok(Writer { id, record, schema })
    }
}

impl Writer {
    /// Reads a datum; bytes left over are an error.
    pub fn read<'r>(&self, datum: &'r [u8]) -> Result<Value<'r>, DecodeError> {
        avro::read(&self.schema, datum).map_err(|error| self.broken(error.to_string()))
    }

    fn broken(&self, reason: String) -> DecodeError {
        DecodeError::Broken { full_name: self.record.name.clone(), reason }
    }
}
