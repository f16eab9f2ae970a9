//! The store behind a windowed table: a value and the time of its last update per key and window start.

use super::{CacheEntry, CachedWrite, Room, WriteCache, read_stored, split_timestamp};
use crate::error::StreamsError;
use crate::record::{Change, Data, Record, ValueAndTimestamp, Window, Windowed};
use crate::serde::Serde;
use crate::task::{CacheFlush, TaskContext};
use crate::topology::{Outputs, StoreId, Wiring};
use comanda_state_stores::{TaskStores, WindowStore as ByteStore};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// A windowed table's store in the topology.
pub(crate) struct WindowStoreDef<K, V> {
    pub id: StoreId,
    pub name: Arc<str>,
    pub caching: bool,
    pub window_size_ms: i64,
    pub keys: Serde<K>,
    pub values: Serde<V>,
}

impl<K, V> Clone for WindowStoreDef<K, V> {
    fn clone(&self) -> Self {
        Self {
            id: self.id,
            name: self.name.clone(),
            caching: self.caching,
            window_size_ms: self.window_size_ms,
            keys: self.keys.clone(),
            values: self.values.clone(),
        }
    }
}

impl<K: Data, V: Data> WindowStoreDef<K, V> {
    pub fn open(&self, wiring: &mut Wiring) -> Result<Rc<TimestampedWindowStore<K, V>>, StreamsError> {
        let def = self.clone();
        wiring.store(self.id, |wiring| {
            let caching = def.caching && wiring.cache_max_bytes > 0;
            Ok(TimestampedWindowStore {
                bytes: wiring.stores.window(&def.name)?,
                changelog: format!("{}-{}-changelog", wiring.application_id, def.name).into(),
                cache: caching.then(RefCell::default),
                key_room: Room::default(),
                value_room: Room::default(),
                window_size_ms: def.window_size_ms,
                keys: def.keys,
                values: def.values,
            })
        })
    }
}

/// One task's instance.
pub(crate) struct TimestampedWindowStore<K, V> {
    bytes: ByteStore,
    changelog: Arc<str>,
    cache: Option<RefCell<WriteCache>>,
    key_room: Room,
    value_room: Room,
    window_size_ms: i64,
    keys: Serde<K>,
    values: Serde<V>,
}

impl<K: Data, V: Data> TimestampedWindowStore<K, V> {
    pub fn is_cached(&self) -> bool {
        self.cache.is_some()
    }

    /// The row of `key` in the window that starts at `start_ms`.
    pub fn fetch(&self, key: &K, start_ms: i64) -> Result<Option<ValueAndTimestamp<V>>, StreamsError> {
        let mut key = self.key_room.of(&self.keys, &self.changelog, key)?;
        let length = key.len();
        if let Some(cache) = &self.cache {
            key.extend_from_slice(&start_ms.to_be_bytes());
            if let Some(dirty) = cache.borrow().get(&key) {
                return dirty.as_deref().map(|bytes| self.decode(bytes)).transpose();
            }
        }
        self.bytes.fetch(&key[..length], start_ms)?.map(|bytes| self.decode(&bytes)).transpose()
    }

    /// Writes a row; `record` gives the time and headers of a cached one.
    pub fn put<T>(
        &self,
        record: &Record<K, T>,
        start_ms: i64,
        value: Option<&V>,
        timestamp: i64,
    ) -> Result<(), StreamsError> {
        let Some(key) = &record.key else { return Ok(()) };
        let mut key = self.key_room.of(&self.keys, &self.changelog, key)?;
        let stored = |v| self.value_room.timestamped(&self.values, &self.changelog, v, timestamp);
        let value = value.map(stored).transpose()?;
        let Some(cache) = &self.cache else {
            self.bytes.put(&key, value.as_deref().map(Vec::as_slice), start_ms);
            return Ok(());
        };
        key.extend_from_slice(&start_ms.to_be_bytes());
        let value = value.map(|bytes| bytes.as_slice().into());
        let write = CachedWrite { value, timestamp: record.timestamp, headers: record.headers.clone() };
        cache.borrow_mut().put(&key, write);
        Ok(())
    }

    fn decode(&self, bytes: &[u8]) -> Result<ValueAndTimestamp<V>, StreamsError> {
        let (timestamp, value) = split_timestamp(bytes)?;
        Ok(ValueAndTimestamp { value: read_stored(&self.values, &self.changelog, value)?, timestamp })
    }
}

/// Forwards a windowed table's updates: at once, or when the cache is flushed.
pub(crate) struct WindowedForwarder<K, V> {
    pub store: Rc<TimestampedWindowStore<K, V>>,
    pub outputs: Outputs<Windowed<K>, Change<V>>,
    pub send_old_values: bool,
}

impl<K: Data, V: Data> WindowedForwarder<K, V> {
    pub fn new(
        wiring: &mut Wiring,
        def: &WindowStoreDef<K, V>,
        outputs: Outputs<Windowed<K>, Change<V>>,
        send_old_values: bool,
    ) -> Result<Self, StreamsError> {
        let store = def.open(wiring)?;
        if store.is_cached() {
            let flush = WindowFlush {
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
    pub fn maybe_forward(
        &self,
        ctx: &mut TaskContext,
        record: Record<Windowed<K>, Change<V>>,
    ) -> Result<(), StreamsError> {
        if self.store.is_cached() {
            return Ok(());
        }
        self.outputs.forward(ctx, record)
    }
}

struct WindowFlush<K, V> {
    stores: TaskStores,
    store: Rc<TimestampedWindowStore<K, V>>,
    outputs: Outputs<Windowed<K>, Change<V>>,
    send_old_values: bool,
    /// Room for what is flushed.
    taken: Vec<CacheEntry>,
}

impl<K: Data, V: Data> CacheFlush for WindowFlush<K, V> {
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

impl<K: Data, V: Data> WindowFlush<K, V> {
    /// As `CachingWindowStore.putAndMaybeForward`.
    fn flush_one(&self, ctx: &mut TaskContext, key: &[u8], write: CachedWrite) -> Result<(), StreamsError> {
        let store = &*self.store;
        // The update takes place at the time of its own record, not of the one that happens to be in process.
        self.stores.set_record_timestamp(write.timestamp);
        let (key_bytes, start) = key.split_at(key.len() - 8);
        let start_ms = i64::from_be_bytes(start.try_into().expect("a cached window key ends with 8 bytes"));
        let needs_old = write.value.is_none() || self.send_old_values;
        let old = if needs_old { store.bytes.fetch(key_bytes, start_ms)? } else { None };
        if write.value.is_none() && old.is_none() {
            return Ok(());
        }
        let new = write.value.as_deref().map(|bytes| store.decode(bytes)).transpose()?;
        let timestamp = new.as_ref().map_or(write.timestamp, |new| new.timestamp);
        store.bytes.put(key_bytes, write.value.as_deref(), start_ms);
        let old = if self.send_old_values { old.map(|bytes| store.decode(&bytes)).transpose()? } else { None };
        let change = Change { new: new.map(|new| new.value), old: old.map(|old| old.value) };
        let window = Window { start_ms, end_ms: start_ms + store.window_size_ms };
        let key = Windowed { key: read_stored(&store.keys, &store.changelog, key_bytes)?, window };
        let record = Record { key: Some(key), value: Some(change), timestamp, headers: write.headers };
        self.outputs.forward(ctx, record)
    }
}
