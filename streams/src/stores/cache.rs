//! The record cache of one store: merges updates of a key until the commit (`statestore.cache.max.bytes`).

use crate::broker::Headers;
use comanda_state_stores::SharedBytes;
use hashbrown::HashTable;
use std::cell::Cell;
use std::hash::BuildHasher;

/// A merged update that waits for the flush.
pub(crate) struct CachedWrite {
    /// Store bytes; `None` deletes.
    pub value: Option<SharedBytes>,
    /// Time and headers of the record that wrote last.
    pub timestamp: i64,
    pub headers: Headers,
}

/// A key with its merged update.
pub(crate) struct CacheEntry {
    pub key: SharedBytes,
    pub write: CachedWrite,
    hash: u64,
    written: u64,
}

/// Dirty entries by key; flushed in order of last write, as Kafka Streams' `NamedCache`.
#[derive(Default)]
pub(crate) struct WriteCache {
    entries: Vec<CacheEntry>,
    index: HashTable<u32>,
    hasher: foldhash::fast::RandomState,
    /// The entry found last: an operator writes the key that it has just read.
    last: Cell<u32>,
    writes: u64,
    size_bytes: usize,
}

impl WriteCache {
    /// The merged value of `key`, if it is dirty.
    pub fn get(&self, key: &[u8]) -> Option<&Option<SharedBytes>> {
        self.find(key).map(|number| &self.entries[number as usize].write.value)
    }

    fn find(&self, key: &[u8]) -> Option<u32> {
        let last = self.last.get();
        if self.entries.get(last as usize).is_some_and(|entry| *entry.key == *key) {
            return Some(last);
        }
        let same = |number: &u32| *self.entries[*number as usize].key == *key;
        let number = *self.index.find(self.hasher.hash_one(key), same)?;
        self.last.set(number);
        Some(number)
    }

    /// Merges an update of `key`.
    pub fn put(&mut self, key: &[u8], write: CachedWrite) {
        self.writes += 1;
        self.size_bytes += size(key, &write);
        match self.find(key) {
            Some(number) => {
                let merged = &mut self.entries[number as usize];
                self.size_bytes -= size(key, &merged.write);
                (merged.write, merged.written) = (write, self.writes);
            }
            None => self.add(key, write),
        }
    }

    fn add(&mut self, key: &[u8], write: CachedWrite) {
        let hash = self.hasher.hash_one(key);
        let number = u32::try_from(self.entries.len()).expect("caches are bounded in bytes, far below 2^32 entries");
        self.entries.push(CacheEntry { key: key.into(), write, hash, written: self.writes });
        let entries = &self.entries;
        self.index.insert_unique(hash, number, |other| entries[*other as usize].hash);
        self.last.set(number);
    }

    /// Bytes held.
    pub fn size_bytes(&self) -> usize {
        self.size_bytes
    }

    /// Moves everything to `out`, which must be empty, in order of last write. The room that `out` has stays here.
    pub fn take(&mut self, out: &mut Vec<CacheEntry>) {
        std::mem::swap(&mut self.entries, out);
        self.clear();
        out.sort_unstable_by_key(|entry| entry.written);
    }

    /// Forgets everything (abort).
    pub fn clear(&mut self) {
        self.entries.clear();
        self.index.clear();
        self.size_bytes = 0;
    }
}

fn size(key: &[u8], write: &CachedWrite) -> usize {
    /// What an entry takes beside its bytes: the entry, its place in the index, allocator.
    const OVERHEAD: usize = 120;
    key.len() + write.value.as_ref().map_or(0, |value| value.len()) + write.headers.size() + OVERHEAD
}
