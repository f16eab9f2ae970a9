//! A key-value store for processors whose rows live for a time.

use super::{bytes_of, read_stored, split_timestamp};
use crate::error::StreamsError;
use crate::processor::{Punctuated, PunctuationType};
use crate::record::ValueAndTimestamp;
use crate::serde::Serde;
use crate::task::TaskContext;
use crate::topology::Wiring;
use comanda_state_stores::{Direction, Entries, TtlStore as ByteStore};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

/// Expired rows that are looked at after a record, and once a step: more than one record can bring, so that they do not
/// pile up, and little beside the record's own work.
const DELETED_AT_ONCE: usize = 16;

/// Keys, values and timestamps of a processor, in key-byte order. Writes belong to the running transaction.
///
/// A row with timestamp `t` is seen while the task's stream time is below `t + ttl`, and not from the record on that makes
/// it reach that; interactive queries see what the last commit's stream time leaves. Soon after it is deleted, which the
/// change log is told. Stream time stands still in a task that gets no more records, and so do its rows: what must go by
/// the clock is a matter for a wall-clock punctuation.
pub struct TtlKeyValueStore<K, V> {
    bytes: ByteStore,
    stream_time_ms: Rc<Cell<i64>>,
    changelog: Arc<str>,
    keys: Serde<K>,
    values: Serde<V>,
}

impl<K, V> TtlKeyValueStore<K, V> {
    /// The store in a task, which deletes its expired rows from now on.
    pub(crate) fn open(
        wiring: &mut Wiring,
        name: &str,
        keys: Serde<K>,
        values: Serde<V>,
    ) -> Result<Self, StreamsError> {
        let bytes = wiring.stores.ttl(name)?;
        let stream_time_ms = wiring.stream_time_ms.clone();
        wiring.punctuated.push(Rc::new(RefCell::new(DeleteExpired(bytes.clone()))));
        let changelog = format!("{}-{name}-changelog", wiring.application_id).into();
        Ok(Self { bytes, stream_time_ms, changelog, keys, values })
    }

    /// The row of `key`, unless it has expired.
    pub fn get(&self, key: &K) -> Result<Option<ValueAndTimestamp<V>>, StreamsError> {
        let found = self.now().get(&bytes_of(&self.keys, &self.changelog, key)?)?;
        found.map(|row| self.row(&row)).transpose()
    }

    /// Sets the row of `key`, to live from `timestamp_ms` on. A row that has expired by then is not put and leaves what
    /// there is: the answer is false.
    pub fn put(&self, key: &K, value: &V, timestamp_ms: i64) -> Result<bool, StreamsError> {
        let key = bytes_of(&self.keys, &self.changelog, key)?;
        let value = bytes_of(&self.values, &self.changelog, value)?;
        Ok(self.now().put(&key, &value, timestamp_ms)?)
    }

    /// Removes `key`.
    pub fn delete(&self, key: &K) -> Result<(), StreamsError> {
        Ok(self.bytes.delete(&bytes_of(&self.keys, &self.changelog, key)?)?)
    }

    /// All live rows in key-byte order. Reads them before returning: the store may be written while they are used.
    pub fn all(&self) -> Result<Vec<(K, ValueAndTimestamp<V>)>, StreamsError> {
        self.decode(self.now().range(None, None, Direction::Forward)?)
    }

    /// Live rows whose key bytes lie in `from..=to`, in order.
    pub fn range(&self, from: &K, to: &K) -> Result<Vec<(K, ValueAndTimestamp<V>)>, StreamsError> {
        let (from, to) = (bytes_of(&self.keys, &self.changelog, from)?, bytes_of(&self.keys, &self.changelog, to)?);
        self.decode(self.now().range(Some(&from), Some(&to), Direction::Forward)?)
    }

    /// Live rows whose key bytes start with `prefix`, in order.
    pub fn prefix_scan(&self, prefix: &[u8]) -> Result<Vec<(K, ValueAndTimestamp<V>)>, StreamsError> {
        self.decode(self.now().prefix(prefix, Direction::Forward)?)
    }

    /// The bytes as of this moment's stream time.
    fn now(&self) -> &ByteStore {
        self.bytes.observe_stream_time(self.stream_time_ms.get());
        &self.bytes
    }

    fn decode(&self, entries: Entries) -> Result<Vec<(K, ValueAndTimestamp<V>)>, StreamsError> {
        let decoded = entries.map(|entry| {
            let (key, row) = entry?;
            Ok((read_stored(&self.keys, &self.changelog, &key)?, self.row(&row)?))
        });
        decoded.collect()
    }

    fn row(&self, stored: &[u8]) -> Result<ValueAndTimestamp<V>, StreamsError> {
        let (timestamp, value) = split_timestamp(stored)?;
        Ok(ValueAndTimestamp { value: read_stored(&self.values, &self.changelog, value)?, timestamp })
    }
}

/// Deletes expired rows, some after each record and some in each step.
struct DeleteExpired(ByteStore);

impl Punctuated for DeleteExpired {
    fn fire(&mut self, ctx: &mut TaskContext, _kind: PunctuationType, _time_ms: i64) -> Result<bool, StreamsError> {
        self.0.observe_stream_time(ctx.current_stream_time_ms());
        Ok(self.0.delete_expired(DELETED_AT_ONCE)? > 0)
    }

    /// What is to be deleted stands in the store.
    fn save(&self) -> Vec<(i64, bool)> {
        vec![]
    }

    fn restore(&mut self, _saved: &[(i64, bool)]) {}
}
