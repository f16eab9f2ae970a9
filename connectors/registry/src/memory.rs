//! A registry inside the process, for tests that have no servers.

use crate::{RegistryError, SchemaId, SchemaRegistry};
use std::sync::{Mutex, PoisonError};

/// Gives out ids from 1; checks no compatibility.
#[derive(Debug, Default)]
pub struct MemoryRegistry {
    schemas: Mutex<Vec<(String, String)>>,
}

impl SchemaRegistry for MemoryRegistry {
    fn register(&self, subject: &str, schema: &str) -> Result<SchemaId, RegistryError> {
        let mut schemas = self.schemas.lock().unwrap_or_else(PoisonError::into_inner);
        let known = schemas.iter().position(|(s, text)| s == subject && text == schema);
        let index = known.unwrap_or(schemas.len());
        if known.is_none() {
            schemas.push((subject.to_owned(), schema.to_owned()));
        }
        Ok(SchemaId(u32::try_from(index + 1).expect("tests register fewer than 4 billion schemas")))
    }

    fn schema(&self, id: SchemaId) -> Result<String, RegistryError> {
        let schemas = self.schemas.lock().unwrap_or_else(PoisonError::into_inner);
        let found = usize::try_from(id.0).ok().and_then(|id| schemas.get(id.checked_sub(1)?));
        found.map(|(_, schema)| schema.clone()).ok_or_else(|| RegistryError::NotFound {
            attempt: format!("schema {id}"),
            reason: format!("{} are registered", schemas.len()),
        })
    }
}
