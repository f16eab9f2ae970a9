//! How a store is read: the same for the stream thread and for views.

use super::{MergedCursor, StoreCore, TableKey};
use crate::backend::{Backend, Direction, KeyRange, ReadTables};
use crate::{SharedBytes, StoreError, StoreSpec};

/// How the kinds of stores read: the same for the stream thread and for views.
pub(crate) trait StoreReader {
    fn spec(&self) -> &StoreSpec;

    /// Highest time put.
    fn observed_ms(&self) -> i64;

    /// Shows the value to `visit` and says whether there was one.
    fn read(&self, table: TableKey, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool, StoreError>;

    fn get(&self, table: TableKey, key: &[u8]) -> Result<Option<SharedBytes>, StoreError>;

    fn scan(&self, table: TableKey, range: &KeyRange, direction: Direction) -> Result<MergedCursor, StoreError>;

    /// Segments there are, from and to inclusive, ascending.
    fn segments(&self, from: i64, to: i64) -> Vec<i64>;

    /// The earliest time that reads see.
    fn earliest_visible(&self) -> i64 {
        self.spec().earliest_visible(self.observed_ms())
    }
}

/// Uncommitted over committed over backend.
pub(crate) struct LiveStore<'a> {
    pub store: &'a StoreCore,
    pub backend: &'a dyn Backend,
}

impl StoreReader for LiveStore<'_> {
    fn spec(&self) -> &StoreSpec {
        &self.store.spec
    }

    fn observed_ms(&self) -> i64 {
        self.store.now.observed_ms
    }

    fn read(&self, table: TableKey, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool, StoreError> {
        let Some(table) = self.store.table(table) else {
            return Ok(false);
        };
        match (table.overlay.get(key), table.backend) {
            (Some(written), _) => {
                written.into_iter().for_each(|value| visit(value));
                Ok(written.is_some())
            }
            (None, Some(id)) => self.backend.read(id, key, visit),
            (None, None) => Ok(false),
        }
    }

    fn get(&self, table: TableKey, key: &[u8]) -> Result<Option<SharedBytes>, StoreError> {
        let Some(table) = self.store.table(table) else {
            return Ok(None);
        };
        match (table.overlay.get(key), table.backend) {
            (Some(written), _) => Ok(written.cloned()),
            (None, Some(id)) => self.backend.get(id, key),
            (None, None) => Ok(None),
        }
    }

    fn scan(&self, table: TableKey, range: &KeyRange, direction: Direction) -> Result<MergedCursor, StoreError> {
        let Some(table) = self.store.table(table) else {
            return Ok(MergedCursor::default());
        };
        let backend: &dyn ReadTables = self.backend;
        let below = table.backend.map(|id| backend.scan(id, range, direction)).transpose()?;
        Ok(MergedCursor::new(table.overlay.scan(range, direction).into_iter().collect(), below, direction))
    }

    fn segments(&self, from: i64, to: i64) -> Vec<i64> {
        if from > to { Vec::new() } else { self.store.segments.range(from..=to).map(|(id, _)| *id).collect() }
    }
}
