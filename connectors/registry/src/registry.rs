//! What serdes ask of a registry, and how the contract gets into one.

use crate::{HttpRegistry, RegistryError};
use comanda_schemas::{COMPATIBILITY, EVENTS, EventSchema, Topic};
use std::fmt;

/// The registry's number for a schema; stands in front of every record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SchemaId(pub u32);

impl fmt::Display for SchemaId {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Gives schemas for ids and ids for schemas.
pub trait SchemaRegistry: Send + Sync {
    /// The id of `schema` under `subject`; registers it if it is not there yet.
    fn register(&self, subject: &str, schema: &str) -> Result<SchemaId, RegistryError>;

    /// The schema of an id, as JSON text.
    fn schema(&self, id: SchemaId) -> Result<String, RegistryError>;
}

/// A schema that is in the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// Its subject.
    pub subject: String,
    /// Its id.
    pub id: SchemaId,
}

/// Registers every schema of the topics, under the contract's compatibility. Doing it again changes nothing.
pub fn register_all(registry: &HttpRegistry, topics: &[Topic]) -> Result<Vec<Registered>, RegistryError> {
    let is_in = |event: &&EventSchema| topics.iter().any(|topic| topic.name == event.topic);
    let mut registered = vec![];
    for event in EVENTS.iter().filter(is_in) {
        let subject = event.subject();
        let id = registry.register(&subject, event.json)?;
        registry.set_compatibility(&subject, COMPATIBILITY)?;
        registered.push(Registered { subject, id });
    }
    Ok(registered)
}
