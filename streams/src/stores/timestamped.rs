//! The store behind a table: a value and the time of its last update per key, cached where the table's updates are
//! merged.

use super::{CacheEntry, CachedWrite, Room, WriteCache, read_stored, split_timestamp};
use crate::error::StreamsError;
use crate::record::{Change, Data, Record, ValueAndTimestamp};
use crate::serde::Serde;
use crate::task::{CacheFlush, TaskContext};
use crate::topology::{Outputs, StoreId, Wiring};
use comanda_state_stores::{KeyValueStore as ByteStore, SharedBytes, TaskStores};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// A table's store in the topology.
pub(crate) struct StoreDef<K, V> {
    pub id: StoreId,
    pub name: Arc<str>,
    pub caching: bool,
    pub keys: Serde<K>,
    pub values: Serde<V>,
}

impl<K, V> Clone for StoreDef<K, V> {
    fn clone(&self) -> Self {
        Self {
            id: self.id,
            name: self.name.clone(),
            caching: self.caching,
            keys: self.keys.clone(),
            values: self.values.clone(),
        }
    }
}

impl<K: Data, V: Data> StoreDef<K, V> {
    /// The store's one instance in the task.
    pub fn open(&self, wiring: &mut Wiring) -> Result<Rc<TimestampedStore<K, V>>, StreamsError> {
        let def = self.clone();
        wiring.store(self.id, |wiring| {
            let caching = def.caching && wiring.cache_max_bytes > 0;
            Ok(TimestampedStore {
                bytes: wiring.stores.key_value(&def.name)?,
                changelog: format!("{}-{}-changelog", wiring.application_id, def.name).into(),
                cache: caching.then(RefCell::default),
                key_room: Room::default(),
                value_room: Room::default(),
                keys: def.keys,
                values: def.values,
            })
        })
    }
}

/// One task's instance.
pub(crate) struct TimestampedStore<K, V> {
    bytes: ByteStore,
    changelog: Arc<str>,
    cache: Option<RefCell<WriteCache>>,
    key_room: Room,
    value_room: Room,
    keys: Serde<K>,
    values: Serde<V>,
}

impl<K: Data, V: Data> TimestampedStore<K, V> {
    /// Whether updates are held back until the flush.
    pub fn is_cached(&self) -> bool {
        self.cache.is_some()
    }

    /// The row of `key`.
    pub fn get(&self, key: &K) -> Result<Option<ValueAndTimestamp<V>>, StreamsError> {
        let key = self.key_room.of(&self.keys, &self.changelog, key)?;
        if let Some(cache) = &self.cache
            && let Some(dirty) = cache.borrow().get(&key)
        {
            return dirty.as_deref().map(|bytes| self.decode(bytes)).transpose();
        }
        self.bytes.get_with(&key, |bytes| self.decode(bytes))?.transpose()
    }

    /// Writes the row of `record.key` (`None` deletes).
    pub fn put<T>(&self, record: &Record<K, T>, value: Option<&V>, timestamp: i64) -> Result<(), StreamsError> {
        let Some(key) = &record.key else { return Ok(()) };
        let key = self.key_room.of(&self.keys, &self.changelog, key)?;
        let value = value.map(|v| self.stored(v, timestamp)).transpose()?;
        match &self.cache {
            None => write_bytes(&self.bytes, &key, value),
            Some(cache) => {
                let write = CachedWrite { value, timestamp: record.timestamp, headers: record.headers.clone() };
                cache.borrow_mut().put(&key, write);
            }
        }
        Ok(())
    }

    fn stored(&self, value: &V, timestamp: i64) -> Result<SharedBytes, StreamsError> {
        let bytes = self.value_room.timestamped(&self.values, &self.changelog, value, timestamp)?;
        Ok(bytes.as_slice().into())
    }

    fn decode(&self, bytes: &[u8]) -> Result<ValueAndTimestamp<V>, StreamsError> {
        let (timestamp, value) = split_timestamp(bytes)?;
        Ok(ValueAndTimestamp { value: read_stored(&self.values, &self.changelog, value)?, timestamp })
    }
}

fn write_bytes(store: &ByteStore, key: &[u8], value: Option<SharedBytes>) {
    match value {
        Some(value) => store.put_shared(key, value),
        None => store.delete(key),
    }
}

/// Forwards a table's updates: at once, or when the cache is flushed.
pub(crate) struct TupleForwarder<K, V> {
    pub store: Rc<TimestampedStore<K, V>>,
    pub outputs: Outputs<K, Change<V>>,
    pub send_old_values: bool,
}

impl<K: Data, V: Data> TupleForwarder<K, V> {
    /// Registers the flush with the task.
    pub fn new(
        wiring: &mut Wiring,
        def: &StoreDef<K, V>,
        outputs: Outputs<K, Change<V>>,
        send_old_values: bool,
    ) -> Result<Self, StreamsError> {
        let store = def.open(wiring)?;
        if store.is_cached() {
            let flush = TableFlush {
                stores: wiring.stores.clone(),
                store: store.clone(),
                outputs: outputs.clone(),
                send_old_values,
                taken: vec![],
            };
            wiring.flushes.push((def.id, Rc::new(RefCell::new(flush))));
        }
        Ok(Self { store, outputs, send_old_values })
    }

    /// Forwards now unless a cache will.
    pub fn maybe_forward(&self, ctx: &mut TaskContext, record: Record<K, Change<V>>) -> Result<(), StreamsError> {
        if self.store.is_cached() {
            return Ok(());
        }
        self.outputs.forward(ctx, record)
    }
}

struct TableFlush<K, V> {
    stores: TaskStores,
    store: Rc<TimestampedStore<K, V>>,
    outputs: Outputs<K, Change<V>>,
    send_old_values: bool,
    /// Room for what is flushed.
    taken: Vec<CacheEntry>,
}

impl<K: Data, V: Data> CacheFlush for TableFlush<K, V> {
    fn flush(&mut self, ctx: &mut TaskContext) -> Result<(), StreamsError> {
        let Some(cache) = &self.store.cache else { return Ok(()) };
        let mut entries = std::mem::take(&mut self.taken);
        cache.borrow_mut().take(&mut entries);
        let flushed = entries.drain(..).try_for_each(|entry| self.flush_one(ctx, &entry.key, entry.write));
        self.taken = entries;
        flushed
    }

    fn size_bytes(&self) -> usize {
        self.store.cache.as_ref().map_or(0, |cache| cache.borrow().size_bytes())
    }

    fn clear(&mut self) {
        if let Some(cache) = &self.store.cache {
            cache.borrow_mut().clear();
        }
    }
}

impl<K: Data, V: Data> TableFlush<K, V> {
    /// Writes one merged update and forwards it. Nothing over nothing is neither written nor forwarded
    /// (`CachingKeyValueStore.putAndMaybeForward`).
    fn flush_one(&self, ctx: &mut TaskContext, key: &[u8], write: CachedWrite) -> Result<(), StreamsError> {
        let store = &*self.store;
        // The update takes place at the time of its own record, not of the one that happens to be in process.
        self.stores.set_record_timestamp(write.timestamp);
        let needs_old = write.value.is_none() || self.send_old_values;
        let old = if needs_old { store.bytes.get(key)? } else { None };
        if write.value.is_none() && old.is_none() {
            return Ok(());
        }
        let new = write.value.as_deref().map(|bytes| store.decode(bytes)).transpose()?;
        let timestamp = new.as_ref().map_or(write.timestamp, |new| new.timestamp);
        write_bytes(&store.bytes, key, write.value);
        let old = if self.send_old_values { old.map(|bytes| store.decode(&bytes)).transpose()? } else { None };
        let change = Change { new: new.map(|new| new.value), old: old.map(|old| old.value) };
        let key = read_stored(&store.keys, &store.changelog, key)?;
        let record = Record { key: Some(key), value: Some(change), timestamp, headers: write.headers };
        self.outputs.forward(ctx, record)
    }
}
