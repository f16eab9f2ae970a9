//! The committed layer as other threads see it: immutable pieces, one per commit, merged as they grow.
//!
//! A commit adds a piece with what it changed and copies nothing else. Pieces of like size are merged, so that there are
//! few of them and each entry is moved a logarithmic number of times. Order is made by the first reader who scans.

use crate::SharedBytes;
use crate::backend::{Direction, KeyRange, MapCursor, SharedMap};
use hashbrown::HashTable;
use std::hash::BuildHasher;
use std::sync::{Arc, OnceLock};

/// An entry with the hash of its key; no value is a delete.
pub(crate) struct LayerEntry {
    pub hash: u64,
    pub key: SharedBytes,
    pub value: Option<SharedBytes>,
}

struct Piece {
    index: HashTable<u32>,
    entries: Vec<LayerEntry>,
    ordered: OnceLock<SharedMap<Option<SharedBytes>>>,
}

/// A committed layer. Cloning shares the pieces.
#[derive(Clone)]
pub(crate) struct SharedLayer {
    /// Oldest first.
    pieces: Vec<Arc<Piece>>,
    hasher: foldhash::fast::RandomState,
}

/// A piece is merged with the one before unless that is larger by this factor.
const GROWTH: usize = 2;

impl SharedLayer {
    /// An empty layer for entries hashed by `hasher`.
    pub fn new(hasher: foldhash::fast::RandomState) -> Self {
        Self { pieces: Vec::new(), hasher }
    }

    /// Adds what a commit changed; no key may come twice.
    pub fn add(&mut self, entries: impl Iterator<Item = LayerEntry>) {
        let mut piece = Piece::new(entries.collect());
        if piece.entries.is_empty() {
            return;
        }
        while let Some(before) = self.pieces.pop_if(|before| before.entries.len() < GROWTH * piece.entries.len()) {
            piece = piece.over(&before);
        }
        self.pieces.push(Arc::new(piece));
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.pieces.clear();
    }

    /// The newest write to `key`: `Some(None)` says that it is deleted.
    pub fn get(&self, key: &[u8]) -> Option<Option<&SharedBytes>> {
        let hash = self.hasher.hash_one(key);
        self.pieces.iter().rev().find_map(|piece| piece.get(hash, key)).map(|entry| entry.value.as_ref())
    }

    /// A cursor per piece, newest first.
    pub fn scan(&self, range: &KeyRange, direction: Direction) -> Vec<MapCursor<Option<SharedBytes>>> {
        let cursor = |piece: &Arc<Piece>| MapCursor::new(piece.ordered().clone(), range.clone(), direction);
        self.pieces.iter().rev().map(cursor).collect()
    }
}

impl Piece {
    fn new(entries: Vec<LayerEntry>) -> Self {
        let mut index = HashTable::with_capacity(entries.len());
        for (number, entry) in (0u32..).zip(&entries) {
            index.insert_unique(entry.hash, number, |other| entries[*other as usize].hash);
        }
        Self { index, entries, ordered: OnceLock::new() }
    }

    fn get(&self, hash: u64, key: &[u8]) -> Option<&LayerEntry> {
        let number = self.index.find(hash, |number| *self.entries[*number as usize].key == *key)?;
        self.entries.get(*number as usize)
    }

    /// This piece, and of the older one what it does not replace.
    fn over(mut self, older: &Piece) -> Self {
        for entry in &older.entries {
            if self.get(entry.hash, &entry.key).is_some() {
                continue;
            }
            let LayerEntry { hash, key, value } = entry;
            self.entries.push(LayerEntry { hash: *hash, key: key.clone(), value: value.clone() });
            let (entries, number) = (&self.entries, self.entries.len() as u32 - 1);
            self.index.insert_unique(*hash, number, |other| entries[*other as usize].hash);
        }
        self.ordered = OnceLock::new();
        self
    }

    fn ordered(&self) -> &SharedMap<Option<SharedBytes>> {
        self.ordered.get_or_init(|| self.entries.iter().map(|entry| (entry.key.clone(), entry.value.clone())).collect())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use foldhash::fast::RandomState;

    fn commit(layer: &mut SharedLayer, writes: &[(u32, Option<u8>)]) {
        let hasher = layer.hasher.clone();
        layer.add(writes.iter().map(|(key, value)| {
            let key: SharedBytes = key.to_be_bytes().as_slice().into();
            LayerEntry { hash: hasher.hash_one(&*key), key, value: value.map(|value| [value].as_slice().into()) }
        }));
    }

    #[test]
    fn pieces_stay_few_and_the_newest_write_wins() {
        let mut layer = SharedLayer::new(RandomState::default());
        for round in 0..200u32 {
            commit(&mut layer, &[(round, Some(1)), (7, Some(round as u8))]);
        }
        assert!(layer.pieces.len() <= 9, "{} pieces", layer.pieces.len());
        assert_eq!(layer.get(&7u32.to_be_bytes()).unwrap().unwrap().as_ref(), [199]);
        assert_eq!(layer.get(&199u32.to_be_bytes()).unwrap().unwrap().as_ref(), [1]);
    }

    #[test]
    fn a_clone_does_not_see_later_commits() {
        let mut layer = SharedLayer::new(RandomState::default());
        commit(&mut layer, &[(1, Some(1))]);
        let before = layer.clone();
        commit(&mut layer, &[(1, None), (2, Some(2))]);
        assert_eq!(before.get(&1u32.to_be_bytes()).unwrap().unwrap().as_ref(), [1]);
        assert_eq!(before.get(&2u32.to_be_bytes()), None);
        assert_eq!(layer.get(&1u32.to_be_bytes()), Some(None));
    }
}
