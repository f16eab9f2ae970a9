//! The two layers above a backend table: *uncommitted* over *committed but not yet applied*.
//!
//! One hash map answers point reads of both layers with a single probe. Order costs more than it gives to stores that
//! never scan, so it is built at the first scan after an apply and kept up to date from then on.

use crate::backend::{Direction, KeyRange, MapCursor, SharedBytes, SharedMap};
use hashbrown::HashMap;
use hashbrown::hash_map::EntryRef;
use std::cell::OnceCell;

/// A write to one key: `Some(None)` is a delete, `None` no write.
type Write = Option<Option<SharedBytes>>;

/// What an entry costs beside its key and value, for the bounds in bytes: map slot, reference counts, allocator.
const ENTRY_OVERHEAD_BYTES: usize = 128;

/// When a write happened: its number in the task, and the time of the record that caused it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamp {
    pub number: u64,
    pub timestamp_ms: i64,
}

#[derive(Default)]
struct Entry {
    uncommitted: Write,
    committed: Write,
    last_write: Option<Stamp>,
    /// Written since the change log last asked.
    undrained: bool,
}

/// A write that the change log has not seen.
pub(crate) struct Undrained {
    pub stamp: Stamp,
    pub key: SharedBytes,
    pub value: Option<SharedBytes>,
}

/// Both layers of one table.
#[derive(Default)]
pub(crate) struct Overlay {
    entries: HashMap<SharedBytes, Entry, foldhash::fast::RandomState>,
    /// Keys with an uncommitted write.
    dirty: Vec<SharedBytes>,
    /// Keys with a write that the change log has not seen.
    undrained: Vec<SharedBytes>,
    /// What a reader of both layers sees, in key order; unset until somebody scans.
    ordered: OnceCell<SharedMap<Option<SharedBytes>>>,
    /// The committed layer in key order for other threads; unset until somebody asks for it.
    shared: Option<SharedMap<Option<SharedBytes>>>,
    uncommitted_bytes: usize,
    committed_bytes: usize,
}

impl Overlay {
    /// The newest write to `key`, if either layer has one: `Some(None)` says that it is deleted.
    #[inline]
    pub fn get(&self, key: &[u8]) -> Option<Option<&SharedBytes>> {
        let entry = self.entries.get(key)?;
        entry.uncommitted.as_ref().or(entry.committed.as_ref()).map(Option::as_ref)
    }

    /// Writes to the uncommitted layer.
    pub fn write(&mut self, key: &[u8], value: Option<SharedBytes>, stamp: Stamp, logged: bool) {
        let cost = cost(key, value.as_ref());
        let mut slot = match self.entries.entry_ref(key) {
            EntryRef::Occupied(slot) => slot,
            EntryRef::Vacant(slot) => slot.insert_entry_with_key(key.into(), Entry::default()),
        };
        if let Some(ordered) = self.ordered.get_mut() {
            ordered.insert(slot.key().clone(), value.clone());
        }
        let entry = slot.get_mut();
        let replaced = entry.uncommitted.replace(value);
        entry.last_write = Some(stamp);
        let newly_undrained = logged && !std::mem::replace(&mut entry.undrained, logged);
        self.uncommitted_bytes += cost;
        match &replaced {
            Some(old) => self.uncommitted_bytes -= self::cost(key, old.as_ref()),
            None => self.dirty.push(slot.key().clone()),
        }
        if newly_undrained {
            self.undrained.push(slot.key().clone());
        }
    }

    /// Takes what the change log has not seen: each key once, with its last value, in no particular order.
    pub fn take_undrained(&mut self, out: &mut Vec<Undrained>) {
        for key in self.undrained.drain(..) {
            let Some(entry) = self.entries.get_mut(&*key) else { continue };
            entry.undrained = false;
            if let (Some(stamp), Some(value)) = (entry.last_write, &entry.uncommitted) {
                out.push(Undrained { stamp, value: value.clone(), key });
            }
        }
    }

    /// Moves the uncommitted layer down into the committed one.
    pub fn commit(&mut self) {
        for key in self.dirty.drain(..) {
            let Some(entry) = self.entries.get_mut(&*key) else { continue };
            let Some(value) = entry.uncommitted.take() else { continue };
            entry.undrained = false;
            if let Some(old) = &entry.committed {
                self.committed_bytes -= cost(&key, old.as_ref());
            }
            self.committed_bytes += cost(&key, value.as_ref());
            if let Some(shared) = &mut self.shared {
                shared.insert(key, value.clone());
            }
            entry.committed = Some(value);
        }
        self.undrained.clear();
        self.uncommitted_bytes = 0;
    }

    /// Drops the uncommitted layer.
    pub fn abort(&mut self) {
        for key in self.dirty.drain(..) {
            let Some(entry) = self.entries.get_mut(&*key) else { continue };
            entry.uncommitted = None;
            entry.undrained = false;
            if let Some(ordered) = self.ordered.get_mut() {
                match &entry.committed {
                    Some(value) => ordered.insert(key.clone(), value.clone()),
                    None => ordered.remove(&*key),
                };
            }
            if entry.committed.is_none() {
                self.entries.remove(&*key);
            }
        }
        self.undrained.clear();
        self.uncommitted_bytes = 0;
    }

    /// The committed layer, in no particular order.
    pub fn committed(&self) -> impl Iterator<Item = (&SharedBytes, Option<&SharedBytes>)> {
        self.entries.iter().filter_map(|(key, entry)| Some((key, entry.committed.as_ref()?.as_ref())))
    }

    /// Whether the committed layer holds anything.
    pub fn has_committed(&self) -> bool {
        self.committed_bytes > 0
    }

    /// Forgets the committed layer, which the backend now has.
    pub fn clear_committed(&mut self) {
        if !self.has_committed() {
            return;
        }
        if self.dirty.is_empty() {
            self.entries.clear();
        } else {
            self.entries.retain(|_, entry| {
                entry.committed = None;
                entry.uncommitted.is_some()
            });
        }
        self.committed_bytes = 0;
        self.ordered = OnceCell::new();
        if let Some(shared) = &mut self.shared {
            *shared = SharedMap::new();
        }
    }

    /// Keys in either layer, deletes included.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether neither layer holds anything.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of the (uncommitted, committed) layer.
    pub fn bytes(&self) -> (usize, usize) {
        (self.uncommitted_bytes, self.committed_bytes)
    }

    /// Both layers in key order, deletes included, as they are now; `None` if there is nothing.
    pub fn scan(&self, range: &KeyRange, direction: Direction) -> Option<MapCursor<Option<SharedBytes>>> {
        if self.entries.is_empty() {
            return None;
        }
        let ordered = self.ordered.get_or_init(|| {
            let newest = |entry: &Entry| entry.uncommitted.as_ref().or(entry.committed.as_ref()).cloned();
            self.entries.iter().filter_map(|(key, entry)| Some((key.clone(), newest(entry)?))).collect()
        });
        Some(MapCursor::new(ordered.clone(), range.clone(), direction))
    }

    /// The committed layer in key order, to be given to other threads. From the first call on, each commit keeps it up
    /// to date, at a cost in proportion to what the commit changed.
    pub fn share_committed(&mut self) -> SharedMap<Option<SharedBytes>> {
        let entries = &self.entries;
        let shared = self.shared.get_or_insert_with(|| {
            let committed = entries.iter().filter_map(|(key, entry)| Some((key.clone(), entry.committed.clone()?)));
            committed.collect()
        });
        shared.clone()
    }
}

fn cost(key: &[u8], value: Option<&SharedBytes>) -> usize {
    ENTRY_OVERHEAD_BYTES + key.len() + value.map_or(0, |value| value.len())
}
