//! A plain window store for processors.

use super::{bytes_of, read_stored};
use crate::error::StreamsError;
use crate::serde::Serde;
use comanda_state_stores::{Direction, WindowStore as ByteStore};
use std::sync::Arc;

/// Values of a processor by key and window start. Writes belong to the running transaction.
pub struct WindowStore<K, V> {
    bytes: ByteStore,
    changelog: Arc<str>,
    keys: Serde<K>,
    values: Serde<V>,
}

impl<K, V> WindowStore<K, V> {
    pub(crate) fn new(bytes: ByteStore, changelog: Arc<str>, keys: Serde<K>, values: Serde<V>) -> Self {
        Self { bytes, changelog, keys, values }
    }

    /// The value of `key` in the window that starts at `start_ms`.
    pub fn fetch(&self, key: &K, start_ms: i64) -> Result<Option<V>, StreamsError> {
        let found = self.bytes.fetch(&bytes_of(&self.keys, &self.changelog, key)?, start_ms)?;
        found.map(|value| read_stored(&self.values, &self.changelog, &value)).transpose()
    }

    /// Windows of `key` with starts in `from_ms..=to_ms`, by start.
    pub fn fetch_range(&self, key: &K, from_ms: i64, to_ms: i64) -> Result<Vec<(i64, V)>, StreamsError> {
        let key = bytes_of(&self.keys, &self.changelog, key)?;
        let found = self.bytes.fetch_range(&key, from_ms, to_ms, Direction::Forward)?;
        let decoded = found.map(|entry| {
            let entry = entry?;
            Ok((entry.start_ms, read_stored(&self.values, &self.changelog, &entry.value)?))
        });
        decoded.collect()
    }

    /// Sets (or with `None` deletes) a window's value; older than the retention it is dropped.
    pub fn put(&self, key: &K, value: Option<&V>, start_ms: i64) -> Result<(), StreamsError> {
        let key = bytes_of(&self.keys, &self.changelog, key)?;
        let value = value.map(|v| bytes_of(&self.values, &self.changelog, v)).transpose()?;
        self.bytes.put(&key, value.as_deref(), start_ms);
        Ok(())
    }
}
