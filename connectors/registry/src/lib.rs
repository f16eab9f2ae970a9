//! Avro through a schema registry: the client for Confluent's API, and serdes in Confluent's wire format.
//!
//! What it is not: a cache of data or a place for business rules. Types and schemas come from `comanda-schemas`.

pub mod avro;
mod deserializer;
mod error;
mod http;
mod memory;
mod registry;
mod serializer;
mod wire;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod codec_tests;

pub use deserializer::AvroDeserializer;
pub use error::{DecodeError, RegistryError};
pub use http::{HttpRegistry, HttpSettings};
pub use memory::MemoryRegistry;
pub use registry::{Registered, SchemaId, SchemaRegistry, register_all};
pub use serializer::AvroSerializer;

use comanda_schemas::Message;
use comanda_streams::serde::Serde;
use std::sync::Arc;

/// Both directions for the values of one topic. Registers the schemas it writes with (no change if they are there).
pub fn avro_serde<M: Message>(registry: &Arc<dyn SchemaRegistry>) -> Result<Serde<M>, RegistryError> {
    Ok(Serde::new(AvroSerializer::<M>::new(registry.as_ref())?, AvroDeserializer::<M>::new(registry.clone())))
}
