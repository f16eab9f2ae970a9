//! The buffer of a suppression: updates that wait, in the order of the times they wait for.

use super::buffered_change::BufferedChange;
use super::{bytes_of, read_stored};
use crate::error::StreamsError;
use crate::record::{Change, Data, Record, ValueAndTimestamp};
use crate::serde::Serde;
use crate::task::{CacheFlush, NO_TIME, RecordMetadata, TaskContext};
use crate::topology::{StoreId, Wiring};
use comanda_state_stores::{Direction, KeyValueStore as ByteStore, SharedBytes};
use hashbrown::HashMap;
use std::cell::{RefCell, RefMut};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

/// A suppression's buffer in the topology.
pub(crate) struct BufferDef<K, V> {
    pub id: StoreId,
    pub name: Arc<str>,
    pub keys: Serde<K>,
    pub values: Serde<V>,
}

impl<K, V> Clone for BufferDef<K, V> {
    fn clone(&self) -> Self {
        Self { id: self.id, name: self.name.clone(), keys: self.keys.clone(), values: self.values.clone() }
    }
}

impl<K: Data, V: Data> BufferDef<K, V> {
    /// The buffer's one instance in the task.
    pub fn open(&self, wiring: &mut Wiring) -> Result<Rc<SuppressionBuffer<K, V>>, StreamsError> {
        let def = self.clone();
        wiring.store(self.id, |wiring| {
            let order = Rc::new(RefCell::new(None));
            wiring.flushes.push((def.id, Rc::new(RefCell::new(ForgetOnAbort(order.clone())))));
            Ok(SuppressionBuffer {
                bytes: wiring.stores.key_value(&def.name)?,
                changelog: format!("{}-{}-changelog", wiring.application_id, def.name).into(),
                order,
                keys: def.keys,
                values: def.values,
            })
        })
    }
}

/// One task's instance (`InMemoryTimeOrderedKeyValueChangeBuffer`). The updates are a change-logged store by key, so
/// that they commit, abort and restore with all other state; only their order is kept beside it.
pub(crate) struct SuppressionBuffer<K, V> {
    bytes: ByteStore,
    changelog: Arc<str>,
    order: Rc<RefCell<Option<Order>>>,
    keys: Serde<K>,
    values: Serde<V>,
}

/// The waiting keys by time, then key bytes; read from the store at first use.
#[derive(Default)]
struct Order {
    places: HashMap<SharedBytes, Place, foldhash::fast::FixedState>,
    queue: BTreeSet<(i64, SharedBytes)>,
    size_bytes: usize,
}

/// An update's time and size.
#[derive(Clone, Copy)]
struct Place {
    time_ms: i64,
    size_bytes: usize,
}

impl Order {
    fn set(&mut self, key: SharedBytes, place: Place) {
        self.size_bytes += place.size_bytes;
        match self.places.insert(key.clone(), place) {
            Some(before) => self.size_bytes -= before.size_bytes,
            None => _ = self.queue.insert((place.time_ms, key)),
        }
    }

    fn remove(&mut self, time_ms: i64, key: &SharedBytes) {
        self.queue.remove(&(time_ms, key.clone()));
        if let Some(place) = self.places.remove(key) {
            self.size_bytes -= place.size_bytes;
        }
    }
}

/// The update that comes out next.
pub(crate) struct Eviction<K, V> {
    time_ms: i64,
    key: SharedBytes,
    /// The record that the update came from.
    pub from: RecordMetadata,
    pub record: Record<K, Change<V>>,
}

impl<K: Data, V: Data> SuppressionBuffer<K, V> {
    /// Lets an update wait for `time_ms`. A key that waits already keeps its place.
    pub fn put(
        &self,
        time_ms: i64,
        record: &Record<K, Change<V>>,
        from: Option<&RecordMetadata>,
    ) -> Result<(), StreamsError> {
        let (Some(key), Some(change)) = (&record.key, &record.value) else { return Ok(()) };
        let key: SharedBytes = bytes_of(&self.keys, &self.changelog, key)?.into();
        let value = |value: &Option<V>| -> Result<Option<Vec<u8>>, StreamsError> {
            value.as_ref().map(|value| bytes_of(&self.values, &self.changelog, value)).transpose()
        };
        let (old, new) = (value(&change.old)?, value(&change.new)?);
        let waiting = self.order()?.places.get(&key).copied();
        let prior = match waiting {
            Some(_) => self.stored(&key)?.0.prior,
            None => old.clone(),
        };
        // A punctuation has no record.
        let nowhere = || RecordMetadata { topic: "".into(), partition: -1, offset: -1 };
        let (from, headers) = (from.cloned().unwrap_or_else(nowhere), record.headers.clone());
        let change = BufferedChange { from, timestamp: record.timestamp, headers, prior, old, new };
        let time_ms = waiting.map_or(time_ms, |place| place.time_ms);
        self.bytes.put_shared(&key, change.encode(time_ms).into());
        let place = Place { time_ms, size_bytes: change.size_bytes(&key) };
        self.order()?.set(key, place);
        Ok(())
    }

    /// The earliest time that an update waits for.
    pub fn first_time_ms(&self) -> Result<Option<i64>, StreamsError> {
        Ok(self.order()?.queue.first().map(|(time_ms, _)| *time_ms))
    }

    /// How many updates wait, and their size.
    pub fn held(&self) -> Result<(usize, usize), StreamsError> {
        let order = self.order()?;
        Ok((order.places.len(), order.size_bytes))
    }

    /// The update that waits for the earliest time. It stays until it is removed: a join that it leads to still reads
    /// the row as it was before.
    pub fn first(&self) -> Result<Option<Eviction<K, V>>, StreamsError> {
        let Some((time_ms, key)) = self.order()?.queue.first().cloned() else { return Ok(None) };
        let (change, _) = self.stored(&key)?;
        let value = |bytes: Option<Vec<u8>>| bytes.map(|bytes| self.value(&bytes)).transpose();
        let record = Record {
            key: Some(read_stored(&self.keys, &self.changelog, &key)?),
            value: Some(Change { new: value(change.new)?, old: value(change.old)? }),
            timestamp: change.timestamp,
            headers: change.headers,
        };
        Ok(Some(Eviction { time_ms, key, from: change.from, record }))
    }

    /// Ends an update's wait.
    pub fn remove(&self, evicted: &Eviction<K, V>) -> Result<(), StreamsError> {
        self.bytes.delete(&evicted.key);
        self.order()?.remove(evicted.time_ms, &evicted.key);
        Ok(())
    }

    /// What `key` was before its updates began to wait; `None` if none does. The time of that row is not known.
    pub fn prior_of(&self, key: &K) -> Result<Option<Option<ValueAndTimestamp<V>>>, StreamsError> {
        let key: SharedBytes = bytes_of(&self.keys, &self.changelog, key)?.into();
        if !self.order()?.places.contains_key(&key) {
            return Ok(None);
        }
        let Some(prior) = self.stored(&key)?.0.prior else { return Ok(Some(None)) };
        Ok(Some(Some(ValueAndTimestamp { value: self.value(&prior)?, timestamp: NO_TIME })))
    }

    fn stored(&self, key: &SharedBytes) -> Result<(BufferedChange, i64), StreamsError> {
        let found = self.bytes.get_with(key, BufferedChange::decode)?.flatten();
        found.ok_or_else(|| self.unreadable())
    }

    fn value(&self, bytes: &[u8]) -> Result<V, StreamsError> {
        read_stored(&self.values, &self.changelog, bytes)
    }

    fn order(&self) -> Result<RefMut<'_, Order>, StreamsError> {
        if self.order.borrow().is_none() {
            let read = self.read_order()?;
            *self.order.borrow_mut() = Some(read);
        }
        Ok(RefMut::map(self.order.borrow_mut(), |order| order.get_or_insert_default()))
    }

    fn read_order(&self) -> Result<Order, StreamsError> {
        let mut order = Order::default();
        for entry in self.bytes.all(Direction::Forward)? {
            let (key, stored) = entry?;
            let (change, time_ms) = BufferedChange::decode(&stored).ok_or_else(|| self.unreadable())?;
            order.set(key.to_vec().into(), Place { time_ms, size_bytes: change.size_bytes(&key) });
        }
        Ok(order)
    }

    fn unreadable(&self) -> StreamsError {
        StreamsError::Fatal(format!("the buffer behind `{}` holds what is no buffered change", self.changelog))
    }
}

/// After an abort the store holds what it held before; so must its order.
struct ForgetOnAbort(Rc<RefCell<Option<Order>>>);

impl CacheFlush for ForgetOnAbort {
    /// Everything is in the store already.
    fn flush(&mut self, _ctx: &mut TaskContext) -> Result<(), StreamsError> {
        Ok(())
    }

    /// Nothing that a flush would free.
    fn size_bytes(&self) -> usize {
        0
    }

    fn clear(&mut self) {
        *self.0.borrow_mut() = None;
    }
}
