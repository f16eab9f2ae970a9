//! Tables in memory. Nothing survives the process; a snapshot shares structure and costs next to nothing.

use super::{Backend, Batch, Cursor, Direction, KeyRange, METADATA_NAME, ReadTables, Snapshot, TableId};
use crate::{SharedBytes, StoreError};
use imbl::OrdMap;
use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

/// An ordered table that may be cloned cheaply: both copies share what neither has changed since.
pub(crate) type SharedMap<V> = OrdMap<SharedBytes, V>;

/// [`Backend`] in memory.
#[derive(Clone)]
pub struct MemoryBackend {
    tables: BTreeMap<TableId, MemoryTable>,
    next_id: u32,
}

#[derive(Clone)]
struct MemoryTable {
    name: Arc<str>,
    entries: SharedMap<SharedBytes>,
}

impl Default for MemoryBackend {
    fn default() -> Self {
        let metadata = MemoryTable { name: METADATA_NAME.into(), entries: OrdMap::new() };
        Self { tables: BTreeMap::from([(TableId::METADATA, metadata)]), next_id: TableId::METADATA.0 + 1 }
    }
}

impl MemoryBackend {
    fn entries(&self, table: TableId) -> Result<&SharedMap<SharedBytes>, StoreError> {
        Ok(&self.tables.get(&table).ok_or(StoreError::Closed)?.entries)
    }
}

impl ReadTables for MemoryBackend {
    fn read(&self, table: TableId, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool, StoreError> {
        let value = self.entries(table)?.get(key);
        value.into_iter().for_each(|value| visit(value));
        Ok(value.is_some())
    }

    fn scan(&self, table: TableId, range: &KeyRange, direction: Direction) -> Result<Box<dyn Cursor>, StoreError> {
        Ok(Box::new(MapCursor::new(self.entries(table)?.clone(), range.clone(), direction)))
    }

    fn get(&self, table: TableId, key: &[u8]) -> Result<Option<SharedBytes>, StoreError> {
        Ok(self.entries(table)?.get(key).cloned())
    }
}

impl Snapshot for MemoryBackend {}

impl Backend for MemoryBackend {
    fn open_table(&mut self, name: &str) -> Result<TableId, StoreError> {
        let known = self.tables.iter().find(|(id, table)| **id != TableId::METADATA && &*table.name == name);
        if let Some((id, _)) = known {
            return Ok(*id);
        }
        let id = TableId(self.next_id);
        self.next_id += 1;
        self.tables.insert(id, MemoryTable { name: name.into(), entries: OrdMap::new() });
        Ok(id)
    }

    fn table_names(&self) -> Vec<String> {
        self.tables.iter().filter(|(id, _)| **id != TableId::METADATA).map(|(_, t)| t.name.to_string()).collect()
    }

    fn drop_table(&mut self, table: TableId) -> Result<(), StoreError> {
        self.tables.remove(&table);
        Ok(())
    }

    fn write(&mut self, batch: Batch<'_>) -> Result<(), StoreError> {
        if batch.operations.iter().any(|operation| !self.tables.contains_key(&operation.table)) {
            return Err(StoreError::Closed);
        }
        for operation in batch.operations {
            let Some(table) = self.tables.get_mut(&operation.table) else {
                continue;
            };
            match operation.value {
                Some(value) => table.entries.insert(operation.key.into_shared(), value.into_shared()),
                None => table.entries.remove(operation.key.bytes(&mut Vec::new())),
            };
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn snapshot(&self) -> Result<Arc<dyn Snapshot>, StoreError> {
        Ok(Arc::new(self.clone()))
    }

    fn approximate_entries(&self, table: TableId) -> u64 {
        self.entries(table).map_or(0, |entries| entries.len() as u64)
    }

    fn wipe(&mut self) -> Result<(), StoreError> {
        *self = Self::default();
        Ok(())
    }
}

/// Entries fetched at a time: few at first (most scans end early), then more.
const FIRST_CHUNK: usize = 8;
/// Bound of a chunk.
const LARGEST_CHUNK: usize = 256;

/// A scan over its own copy of a [`SharedMap`].
pub(crate) struct MapCursor<V> {
    map: SharedMap<V>,
    rest: KeyRange,
    direction: Direction,
    chunk: VecDeque<(SharedBytes, V)>,
    chunk_size: usize,
    /// Backward only: the last key fetched, past which (downwards) the next chunk starts.
    before: Option<SharedBytes>,
}

impl<V: Clone> MapCursor<V> {
    pub(crate) fn new(map: SharedMap<V>, range: KeyRange, direction: Direction) -> Self {
        let mut cursor =
            Self { map, rest: range, direction, chunk: VecDeque::new(), chunk_size: FIRST_CHUNK, before: None };
        cursor.fill();
        cursor
    }

    /// The entry under the cursor.
    pub(crate) fn peek(&self) -> Option<&(SharedBytes, V)> {
        self.chunk.front()
    }

    /// Goes on to the next entry.
    pub(crate) fn step(&mut self) {
        self.chunk.pop_front();
        if self.chunk.is_empty() {
            self.chunk_size = (self.chunk_size * 4).min(LARGEST_CHUNK);
            self.fill();
        }
    }

    fn fill(&mut self) {
        if self.rest.is_empty() {
            return;
        }
        match self.direction {
            Direction::Forward => self.fill_forward(),
            Direction::Backward => self.fill_backward(),
        }
    }

    fn fill_forward(&mut self) {
        let from = match &self.before {
            Some(last) => Bound::Excluded(&**last),
            None => Bound::Included(self.rest.from.as_slice()),
        };
        let to = self.rest.to.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        if !bounds_are_ordered(from, to) {
            return;
        }
        let entries = self.map.range::<_, [u8]>((from, to)).take(self.chunk_size);
        self.chunk.extend(entries.map(|(key, value)| (key.clone(), value.clone())));
        self.before = self.chunk.back().map(|(key, _)| key.clone()).or(self.before.take());
    }

    fn fill_backward(&mut self) {
        let from = Bound::Included(self.rest.from.as_slice());
        let to = match &self.before {
            Some(last) => Bound::Excluded(&**last),
            None => self.rest.to.as_deref().map_or(Bound::Unbounded, Bound::Excluded),
        };
        if !bounds_are_ordered(from, to) {
            return;
        }
        let entries = self.map.range::<_, [u8]>((from, to)).rev().take(self.chunk_size);
        self.chunk.extend(entries.map(|(key, value)| (key.clone(), value.clone())));
        self.before = self.chunk.back().map(|(key, _)| key.clone()).or(self.before.take());
    }
}

/// Ranges whose end lies before their start are refused by ordered maps; here they are merely empty.
fn bounds_are_ordered(from: Bound<&[u8]>, to: Bound<&[u8]>) -> bool {
    match (from, to) {
        (Bound::Included(from) | Bound::Excluded(from), Bound::Excluded(to)) => from < to,
        _ => true,
    }
}

impl Cursor for MapCursor<SharedBytes> {
    fn entry(&self) -> Option<(&[u8], &[u8])> {
        self.peek().map(|(key, value)| (&**key, &**value))
    }

    fn shared_entry(&self) -> Option<(SharedBytes, SharedBytes)> {
        self.peek().cloned()
    }

    fn advance(&mut self) -> Result<(), StoreError> {
        self.step();
        Ok(())
    }
}
