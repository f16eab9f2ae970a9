//! A global table as tasks read it: the committed state that the instance's global thread published last.

use super::{Room, read_stored, split_timestamp};
use crate::error::StreamsError;
use crate::operators::ValueGetter;
use crate::record::{Data, ValueAndTimestamp};
use crate::serde::Serde;
use crate::topology::Wiring;
use comanda_state_stores::Views;
use std::sync::Arc;

/// A global table's store in the topology.
pub(crate) struct GlobalStoreDef<K, V> {
    /// Among the global tables.
    pub number: usize,
    pub name: Arc<str>,
    pub topic: Arc<str>,
    pub keys: Serde<K>,
    pub values: Serde<V>,
}

impl<K, V> Clone for GlobalStoreDef<K, V> {
    fn clone(&self) -> Self {
        Self {
            number: self.number,
            name: self.name.clone(),
            topic: self.topic.clone(),
            keys: self.keys.clone(),
            values: self.values.clone(),
        }
    }
}

impl<K, V> GlobalStoreDef<K, V> {
    pub fn open(&self, wiring: &Wiring) -> ReadOnlyKeyValueStore<K, V> {
        ReadOnlyKeyValueStore { def: self.clone(), views: wiring.globals.clone(), room: Room::default() }
    }
}

/// A global table to be looked into (Kafka Streams' `ReadOnlyKeyValueStore`). It may be newer or older than the record in
/// process: the instance reads its topic apart from all tasks, and what was read once may read otherwise after an abort.
pub struct ReadOnlyKeyValueStore<K, V> {
    def: GlobalStoreDef<K, V>,
    views: Views,
    room: Room,
}

impl<K, V> ReadOnlyKeyValueStore<K, V> {
    /// The value of `key`.
    ///
    /// # Errors
    /// `Retry` while the table is being read anew; the disk's; `Fatal` if what is stored cannot be read.
    pub fn get(&self, key: &K) -> Result<Option<V>, StreamsError> {
        Ok(self.row(key)?.map(|row| row.value))
    }

    fn row(&self, key: &K) -> Result<Option<ValueAndTimestamp<V>>, StreamsError> {
        let key = self.room.of(&self.def.keys, &self.def.topic, key)?;
        let view = self.views.load().ok_or_else(|| self.is_away())?;
        let store = view.numbered(self.def.number).ok_or_else(|| self.is_away())?;
        let Some(bytes) = store.get(&key)? else { return Ok(None) };
        let (timestamp, value) = split_timestamp(&bytes)?;
        Ok(Some(ValueAndTimestamp { value: read_stored(&self.def.values, &self.def.topic, value)?, timestamp }))
    }

    fn is_away(&self) -> StreamsError {
        StreamsError::Retry(format!("global table `{}` is being read anew", self.def.name))
    }
}

impl<K: Data, V: Data> ValueGetter<K, V> for ReadOnlyKeyValueStore<K, V> {
    fn get(&self, key: &K) -> Result<Option<ValueAndTimestamp<V>>, StreamsError> {
        self.row(key)
    }
}
