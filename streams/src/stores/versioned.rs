//! A versioned key-value store for processors.

use super::{bytes_of, read_stored};
use crate::error::StreamsError;
use crate::serde::Serde;
use comanda_state_stores::{Validity, VersionedRecord as ByteRecord, VersionedStore as ByteStore};
use std::sync::Arc;

/// Values of a processor by key and the time from which they hold (KIP-889). Writes belong to the running transaction.
pub struct VersionedKeyValueStore<K, V> {
    bytes: ByteStore,
    changelog: Arc<str>,
    keys: Serde<K>,
    values: Serde<V>,
}

/// A version found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionedRecord<V> {
    /// Value.
    pub value: V,
    /// From when it holds, milliseconds since the epoch.
    pub timestamp: i64,
    /// Until when it holds, exclusive; `None` for the latest.
    pub valid_to: Option<i64>,
}

impl<K, V> VersionedKeyValueStore<K, V> {
    pub(crate) fn new(bytes: ByteStore, changelog: Arc<str>, keys: Serde<K>, values: Serde<V>) -> Self {
        Self { bytes, changelog, keys, values }
    }

    /// Puts the version of `key` that holds from `timestamp` on; `None` deletes as of then. Tells what became of it:
    /// older than the history it is not stored.
    pub fn put(&self, key: &K, value: Option<&V>, timestamp: i64) -> Result<Validity, StreamsError> {
        let key = bytes_of(&self.keys, &self.changelog, key)?;
        let value = value.map(|v| bytes_of(&self.values, &self.changelog, v)).transpose()?;
        Ok(self.bytes.put(&key, value.as_deref(), timestamp)?)
    }

    /// The latest version of `key`.
    pub fn get(&self, key: &K) -> Result<Option<VersionedRecord<V>>, StreamsError> {
        self.decode(self.bytes.get(&bytes_of(&self.keys, &self.changelog, key)?)?)
    }

    /// The version of `key` that held at `as_of`; none if that lies before the history.
    pub fn get_as_of(&self, key: &K, as_of: i64) -> Result<Option<VersionedRecord<V>>, StreamsError> {
        self.decode(self.bytes.get_as_of(&bytes_of(&self.keys, &self.changelog, key)?, as_of)?)
    }

    fn decode(&self, found: Option<ByteRecord>) -> Result<Option<VersionedRecord<V>>, StreamsError> {
        let Some(found) = found else { return Ok(None) };
        let value = read_stored(&self.values, &self.changelog, &found.value)?;
        Ok(Some(VersionedRecord { value, timestamp: found.valid_from_ms, valid_to: found.valid_to_ms }))
    }
}
