//! A database as of one moment, for other threads.

use super::cursor::{RocksCursor, bounded};
use super::errors::error;
use super::handles::{OwnedIterator, OwnedSnapshot};
use crate::StoreError;
use crate::backend::{Cursor, Direction, KeyRange, ReadTables, Snapshot, TableId};
use std::path::PathBuf;
use std::sync::Arc;

pub(super) struct RocksSnapshot {
    pub snapshot: Arc<OwnedSnapshot>,
    pub directory: PathBuf,
}

impl Snapshot for RocksSnapshot {}

impl ReadTables for RocksSnapshot {
    fn read(&self, table: TableId, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool, StoreError> {
        let family = self.snapshot.borrow_owner().borrow_dependent().get(&table).ok_or(StoreError::Closed)?;
        let pinned = self.snapshot.borrow_dependent().get_pinned_cf(family, key);
        let value = pinned.map_err(|cause| error("read", "a table", &self.directory, cause))?;
        value.iter().for_each(|value| visit(value));
        Ok(value.is_some())
    }

    fn scan(&self, table: TableId, range: &KeyRange, direction: Direction) -> Result<Box<dyn Cursor>, StoreError> {
        let families = self.snapshot.borrow_owner();
        let family = families.borrow_dependent().get(&table).ok_or(StoreError::Closed)?;
        let mut options = bounded(range);
        options.set_snapshot(self.snapshot.borrow_dependent());
        let iterator = OwnedIterator::new(Arc::clone(families.borrow_owner()), |database| {
            database.raw_iterator_cf_opt(family, options)
        });
        let held = Some(Arc::clone(&self.snapshot));
        RocksCursor::start(iterator, held, range, direction, &self.directory)
    }
}
