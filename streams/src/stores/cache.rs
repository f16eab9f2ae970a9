//! The record cache of one store: merges updates of a key until the commit (`statestore.cache.max.bytes`).

use crate::broker::Headers;
use comanda_state_stores::SharedBytes;
use hashbrown::HashMap;

/// A merged update that waits for the flush.
pub(crate) struct CachedWrite {
    /// Store bytes; `None` deletes.
    pub value: Option<SharedBytes>,
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
    entries: HashMap<SharedBytes, Entry, foldhash::fast::FixedState>,
    writes: u64,
    size_bytes: usize,
}

impl WriteCache {
    /// The merged value of `key`, if it is dirty.
    pub fn get(&self, key: &[u8]) -> Option<&Option<SharedBytes>> {
        self.entries.get(key).map(|entry| &entry.write.value)
    }

    /// Merges an update of `key`.
    pub fn put(&mut self, key: &[u8], write: CachedWrite) {
        self.writes += 1;
        self.size_bytes += size(key, &write);
        let entry = Entry { written: self.writes, write };
        if let Some(merged) = self.entries.get_mut(key) {
            self.size_bytes -= size(key, &merged.write);
            *merged = entry;
        } else {
            self.entries.insert(key.into(), entry);
        }
    }

    /// Bytes held.
    pub fn size_bytes(&self) -> usize {
        self.size_bytes
    }

    /// Takes everything, in order of last write.
    pub fn take(&mut self) -> Vec<(SharedBytes, CachedWrite)> {
        let mut entries: Vec<(SharedBytes, Entry)> = self.entries.drain().collect();
        self.size_bytes = 0;
        entries.sort_unstable_by_key(|(_, entry)| entry.written);
        entries.into_iter().map(|(key, entry)| (key, entry.write)).collect()
    }

    /// Forgets everything (abort).
    pub fn clear(&mut self) {
        self.entries.clear();
        self.size_bytes = 0;
    }
}

fn size(key: &[u8], write: &CachedWrite) -> usize {
    /// What an entry takes beside its bytes: map slot, reference counts, allocator.
    const OVERHEAD: usize = 120;
    key.len() + write.value.as_ref().map_or(0, |value| value.len()) + write.headers.size() + OVERHEAD
}
