//! The record cache of one store: merges updates of a key until the commit (`statestore.cache.max.bytes`).

use crate::broker::Headers;
use bytes::Bytes;
use hashbrown::HashMap;

/// A merged update that waits for the flush.
pub(crate) struct CachedWrite {
    pub key: Bytes,
    /// Store bytes; `None` deletes.
    pub value: Option<Bytes>,
    /// Time and headers of the record that wrote last.
    pub timestamp: i64,
    pub headers: Headers,
}

struct Entry {
    written: u64,
    write: CachedWrite,
}

/// Dirty entries by key; flushed in order of last write, as Kafka Streams' `NamedCache`.
#[derive(Default)]
pub(crate) struct WriteCache {
    entries: HashMap<Bytes, Entry, foldhash::fast::FixedState>,
    writes: u64,
    size_bytes: usize,
}

impl WriteCache {
    /// The merged value of `key`, if it is dirty.
    pub fn get(&self, key: &[u8]) -> Option<&Option<Bytes>> {
        self.entries.get(key).map(|entry| &entry.write.value)
    }

    pub fn put(&mut self, write: CachedWrite) {
        self.writes += 1;
        self.size_bytes += size(&write);
        let entry = Entry { written: self.writes, write };
        if let Some(before) = self.entries.insert(entry.write.key.clone(), entry) {
            self.size_bytes -= size(&before.write);
        }
    }

    /// Bytes held.
    pub fn size_bytes(&self) -> usize {
        self.size_bytes
    }

    /// Takes everything, in order of last write.
    pub fn take(&mut self) -> Vec<CachedWrite> {
        let mut entries: Vec<Entry> = self.entries.drain().map(|(_, entry)| entry).collect();
        self.size_bytes = 0;
        entries.sort_unstable_by_key(|entry| entry.written);
        entries.into_iter().map(|entry| entry.write).collect()
    }

    /// Forgets everything (abort).
    pub fn clear(&mut self) {
        self.entries.clear();
        self.size_bytes = 0;
    }
}

fn size(write: &CachedWrite) -> usize {
    /// What an entry takes beside its bytes: map slot, two `Bytes`, counters.
    const OVERHEAD: usize = 120;
    write.key.len() + write.value.as_ref().map_or(0, Bytes::len) + write.headers.size() + OVERHEAD
}
