//! A plain key-value store for processors.

use super::{bytes_of, read_stored};
use crate::error::StreamsError;
use crate::serde::Serde;
use comanda_state_stores::{Direction, Entries, KeyValueStore as ByteStore};
use std::sync::Arc;

/// Keys and values of a processor, in key-byte order. Writes belong to the running transaction.
pub struct KeyValueStore<K, V> {
    bytes: ByteStore,
    changelog: Arc<str>,
    keys: Serde<K>,
    values: Serde<V>,
}

impl<K, V> KeyValueStore<K, V> {
    pub(crate) fn new(bytes: ByteStore, changelog: Arc<str>, keys: Serde<K>, values: Serde<V>) -> Self {
        Self { bytes, changelog, keys, values }
    }

    /// The value of `key`.
    pub fn get(&self, key: &K) -> Result<Option<V>, StreamsError> {
        let found = self.bytes.get(&bytes_of(&self.keys, &self.changelog, key)?)?;
        found.map(|value| self.value(&value)).transpose()
    }

    /// Sets the value of `key`; the change log carries the timestamp of the record in process.
    pub fn put(&self, key: &K, value: &V) -> Result<(), StreamsError> {
        let key = bytes_of(&self.keys, &self.changelog, key)?;
        let value = bytes_of(&self.values, &self.changelog, value)?;
        self.bytes.put(&key, &value);
        Ok(())
    }

    /// Removes `key`.
    pub fn delete(&self, key: &K) -> Result<(), StreamsError> {
        self.bytes.delete(&bytes_of(&self.keys, &self.changelog, key)?);
        Ok(())
    }

    /// All entries in key-byte order. Reads them before returning: the store may be written while they are used.
    pub fn all(&self) -> Result<Vec<(K, V)>, StreamsError> {
        self.decode(self.bytes.all(Direction::Forward)?)
    }

    /// Entries whose key bytes lie in `from..=to`, in order.
    pub fn range(&self, from: &K, to: &K) -> Result<Vec<(K, V)>, StreamsError> {
        let (from, to) = (bytes_of(&self.keys, &self.changelog, from)?, bytes_of(&self.keys, &self.changelog, to)?);
        self.decode(self.bytes.range(Some(&from), Some(&to), Direction::Forward)?)
    }

    /// Entries whose key bytes start with `prefix`, in order.
    pub fn prefix_scan(&self, prefix: &[u8]) -> Result<Vec<(K, V)>, StreamsError> {
        self.decode(self.bytes.prefix(prefix, Direction::Forward)?)
    }

    fn decode(&self, entries: Entries) -> Result<Vec<(K, V)>, StreamsError> {
        let decoded = entries.map(|entry| {
            let (key, value) = entry?;
            Ok((read_stored(&self.keys, &self.changelog, &key)?, self.value(&value)?))
        });
        decoded.collect()
    }

    fn value(&self, bytes: &[u8]) -> Result<V, StreamsError> {
        read_stored(&self.values, &self.changelog, bytes)
    }
}
