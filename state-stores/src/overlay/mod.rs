//! The two layers above a backend table: *uncommitted* over *committed but not yet applied*.
//!
//! Each key written has one slot with its values of both layers, found by one hash probe; commit, abort and drain walk
//! lists of slots and probe nothing. Once applied, a slot may stay as a read cache. Order costs more than it gives to
//! stores that never scan, so it is built at the first scan after an apply and kept up to date from then on.

mod slab;
mod slot;

pub(crate) use slot::Stamp;

use crate::SharedBytes;
use crate::backend::{Direction, KeyRange, MapCursor, SharedMap};
use crate::shared_layer::{LayerEntry, SharedLayer};
use hashbrown::HashTable;
use slab::Slab;
use slot::Slot;
use std::cell::{Cell, OnceCell};
use std::hash::BuildHasher;

/// A slot that the change log has not seen, by the number of its last write.
pub(crate) type Undrained = (u64, u32);

/// Both layers of one table.
#[derive(Default)]
pub(crate) struct Overlay {
    index: HashTable<u32>,
    hasher: foldhash::fast::RandomState,
    slots: Slab,
    /// Slots with an uncommitted write.
    dirty: Vec<u32>,
    /// Slots with a committed write that is not applied.
    unapplied: Vec<u32>,
    /// Slots with a write that the change log has not seen.
    undrained: Vec<u32>,
    /// What a scan must see of both layers, in key order; unset until somebody scans.
    ordered: OnceCell<SharedMap<Option<SharedBytes>>>,
    /// The committed layer for other threads; unset until somebody asks for it.
    shared: Option<SharedLayer>,
    uncommitted_bytes: usize,
    committed_bytes: usize,
    clean_bytes: usize,
    /// Where eviction goes on.
    hand: usize,
    /// The slot found last: an operator writes the key that it has just read.
    last: Cell<u32>,
}

impl Overlay {
    /// The newest write to `key`, if it is known here: `Some(None)` says that it is deleted.
    #[inline]
    pub fn get(&self, key: &[u8]) -> Option<Option<&SharedBytes>> {
        let slot = self.slot(self.find(key)?);
        slot.used.set(true);
        slot.newest().map(Option::as_ref)
    }

    #[inline]
    fn find(&self, key: &[u8]) -> Option<u32> {
        let last = self.last.get();
        if self.slots.get(last).is_some_and(|slot| *slot.key == *key) {
            return Some(last);
        }
        let number = *self.index.find(self.hasher.hash_one(key), |number| *self.slot(*number).key == *key)?;
        self.last.set(number);
        Some(number)
    }

    #[inline]
    fn slot(&self, number: u32) -> &Slot {
        self.slots.get(number).expect("index and lists name only slots in use")
    }

    #[inline]
    fn slot_mut(&mut self, number: u32) -> &mut Slot {
        self.slots.get_mut(number).expect("index and lists name only slots in use")
    }

    /// Writes to the uncommitted layer.
    pub fn write(&mut self, key: &[u8], value: Option<SharedBytes>, stamp: Stamp, logged: bool) {
        let number = self.find(key).unwrap_or_else(|| self.add_slot(key));
        let slot = self.slots.get_mut(number).expect("found or added just now");
        if let Some(ordered) = self.ordered.get_mut() {
            ordered.insert(slot.key.clone(), value.clone());
        }
        slot.stamp = stamp;
        slot.used.set(true);
        if logged && !std::mem::replace(&mut slot.undrained, true) {
            self.undrained.push(number);
        }
        self.uncommitted_bytes += slot.cost(&value);
        match slot.uncommitted.replace(value) {
            Some(old) => self.uncommitted_bytes -= slot.cost(&old),
            None => self.dirty.push(number),
        }
    }

    fn add_slot(&mut self, key: &[u8]) -> u32 {
        let (hash, key, stamp) = (self.hasher.hash_one(key), key.into(), Stamp::default());
        let slot = Slot {
            key,
            hash,
            uncommitted: None,
            committed: None,
            clean: false,
            undrained: false,
            used: Cell::new(true),
            stamp,
        };
        let number = self.slots.add(slot);
        let slots = &self.slots;
        let hash_of = |number: &u32| slots.get(*number).map_or(0, |slot| slot.hash);
        self.index.insert_unique(hash, number, hash_of);
        number
    }

    fn remove_slot(&mut self, number: u32) {
        let Some(slot) = self.slots.remove(number) else {
            return;
        };
        if let Ok(entry) = self.index.find_entry(slot.hash, |other| *other == number) {
            entry.remove();
        }
    }

    /// Takes note of what the change log has not seen: each key once, in no particular order.
    pub fn take_undrained(&mut self, out: &mut Vec<Undrained>) {
        for position in 0..self.undrained.len() {
            let number = self.undrained[position];
            let slot = self.slot_mut(number);
            slot.undrained = false;
            out.push((slot.stamp.number, number));
        }
        self.undrained.clear();
    }

    /// The last uncommitted write to a slot that was drained just now.
    pub fn drained(&self, (_, number): Undrained) -> (&[u8], Option<&[u8]>, i64) {
        let slot = self.slot(number);
        (&slot.key, slot.uncommitted.as_ref().and_then(Option::as_deref), slot.stamp.timestamp_ms)
    }

    /// Moves the uncommitted layer down into the committed one.
    pub fn commit(&mut self) {
        for position in 0..self.dirty.len() {
            let number = self.dirty[position];
            let slot = self.slots.get_mut(number).expect("dirty slots are in use");
            let Some(value) = slot.uncommitted.take() else {
                continue;
            };
            slot.undrained = false;
            match &slot.committed {
                Some(old) if slot.clean => self.clean_bytes -= slot.cost(old),
                Some(old) => self.committed_bytes -= slot.cost(old),
                None => {}
            }
            if slot.committed.is_none() || slot.clean {
                self.unapplied.push(number);
            }
            self.committed_bytes += slot.cost(&value);
            slot.committed = Some(value);
            slot.clean = false;
        }
        if let Some(shared) = &mut self.shared {
            shared.add(layer_entries(&self.slots, &self.dirty));
        }
        self.dirty.clear();
        self.undrained.clear();
        self.uncommitted_bytes = 0;
    }

    /// Drops the uncommitted layer.
    pub fn abort(&mut self) {
        for position in 0..self.dirty.len() {
            let number = self.dirty[position];
            let slot = self.slots.get_mut(number).expect("dirty slots are in use");
            slot.uncommitted = None;
            slot.undrained = false;
            if let Some(ordered) = self.ordered.get_mut() {
                match slot.newest_unapplied() {
                    Some(value) => ordered.insert(slot.key.clone(), value.clone()),
                    None => ordered.remove(&*slot.key),
                };
            }
            if slot.committed.is_none() {
                self.remove_slot(number);
            }
        }
        self.dirty.clear();
        self.undrained.clear();
        self.uncommitted_bytes = 0;
    }

    /// What is committed and not applied, in the order of first commits.
    pub fn unapplied(&self) -> impl Iterator<Item = (&SharedBytes, Option<&SharedBytes>)> {
        self.unapplied.iter().filter_map(|number| {
            let slot = self.slot(*number);
            Some((&slot.key, slot.committed.as_ref()?.as_ref()))
        })
    }

    /// Whether anything is committed and not applied.
    pub fn has_unapplied(&self) -> bool {
        !self.unapplied.is_empty()
    }

    /// The backend now has the committed layer: of it and what was kept before, up to `cache_bytes` stay as a cache.
    pub fn applied(&mut self, cache_bytes: usize) {
        for position in 0..self.unapplied.len() {
            let number = self.unapplied[position];
            self.slot_mut(number).clean = true;
        }
        self.unapplied.clear();
        self.clean_bytes += std::mem::take(&mut self.committed_bytes);
        self.ordered = OnceCell::new();
        if let Some(shared) = &mut self.shared {
            shared.clear();
        }
        self.evict(cache_bytes);
    }

    /// Second chance: what was used since the hand last came by is passed over once.
    fn evict(&mut self, cache_bytes: usize) {
        if cache_bytes == 0 && self.dirty.is_empty() && self.unapplied.is_empty() {
            self.index.clear();
            self.slots.clear();
            self.clean_bytes = 0;
            return;
        }
        // Two rounds reach every clean slot: the first may pass it over.
        for _ in 0..2 * self.slots.len() {
            if self.clean_bytes <= cache_bytes {
                return;
            }
            self.hand = if self.hand + 1 < self.slots.len() { self.hand + 1 } else { 0 };
            let number = self.hand as u32;
            let Some(slot) = self.slots.get(number) else {
                continue;
            };
            if !slot.clean || (slot.used.replace(false) && cache_bytes > 0) {
                continue;
            }
            let cost = slot.committed.as_ref().map_or(0, |value| slot.cost(value));
            self.clean_bytes -= cost;
            match self.slots.get_mut(number) {
                Some(slot) if slot.uncommitted.is_some() => {
                    slot.committed = None;
                    slot.clean = false;
                }
                _ => self.remove_slot(number),
            }
        }
    }

    /// Writes that the backend does not have, deletes included; a key in both layers counts twice.
    pub fn unapplied_len(&self) -> usize {
        self.dirty.len() + self.unapplied.len()
    }

    /// Whether nothing is written here that the backend does not have.
    pub fn is_clean(&self) -> bool {
        self.dirty.is_empty() && self.unapplied.is_empty()
    }

    /// Bytes of the (uncommitted, committed) layer.
    pub fn bytes(&self) -> (usize, usize) {
        (self.uncommitted_bytes, self.committed_bytes)
    }

    /// Both layers in key order, deletes included, as they are now; `None` if there is nothing.
    pub fn scan(&self, range: &KeyRange, direction: Direction) -> Option<MapCursor<Option<SharedBytes>>> {
        if self.is_clean() {
            return None;
        }
        let ordered = self.ordered.get_or_init(|| {
            let unapplied = self.dirty.iter().chain(&self.unapplied).map(|number| self.slot(*number));
            unapplied.filter_map(|slot| Some((slot.key.clone(), slot.newest_unapplied()?.clone()))).collect()
        });
        Some(MapCursor::new(ordered.clone(), range.clone(), direction))
    }

    /// The committed layer, to be given to other threads. From the first call on, each commit keeps it up to date, at a
    /// cost in proportion to what the commit changed.
    pub fn share_committed(&mut self) -> SharedLayer {
        let (slots, unapplied, hasher) = (&self.slots, &self.unapplied, &self.hasher);
        let shared = self.shared.get_or_insert_with(|| {
            let mut layer = SharedLayer::new(hasher.clone());
            layer.add(layer_entries(slots, unapplied));
            layer
        });
        shared.clone()
    }
}

/// What is committed in those slots.
fn layer_entries(slots: &Slab, numbers: &[u32]) -> impl Iterator<Item = LayerEntry> {
    numbers.iter().filter_map(|number| {
        let slot = slots.get(*number)?;
        Some(LayerEntry { hash: slot.hash, key: slot.key.clone(), value: slot.committed.clone()? })
    })
}

#[cfg(test)]
mod tests;
