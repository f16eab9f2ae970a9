//! Key-value stores.

use super::{Direction, Entries, Handle};
use crate::backend::KeyRange;
use crate::storage::{LiveStore, StoreReader, TableKey};
use crate::{SharedBytes, StoreError, TaskStorage};

/// A key-value store of the task. Clones are the same store.
///
/// In stores of timestamped values the bytes start with the timestamp: see [`crate::ValueAndTimestamp`].
#[derive(Clone)]
pub struct KeyValueStore(pub(super) Handle);

impl KeyValueStore {
    /// The value of `key`.
    ///
    /// # Errors
    /// The disk's.
    pub fn get(&self, key: &[u8]) -> Result<Option<SharedBytes>, StoreError> {
        self.0.storage.borrow().live(self.0.index).get(TableKey::Main, key)
    }

    /// What `read` makes of the value of `key`, without copying or sharing it. `read` must not write to this task's
    /// stores.
    ///
    /// # Errors
    /// The disk's.
    pub fn get_with<R>(&self, key: &[u8], read: impl FnOnce(&[u8]) -> R) -> Result<Option<R>, StoreError> {
        let mut read = Some(read);
        let mut result = None;
        self.0.storage.borrow().live(self.0.index).read(TableKey::Main, key, &mut |value| {
            result = read.take().map(|read| read(value));
        })?;
        Ok(result)
    }

    /// Sets the value of `key`.
    pub fn put(&self, key: &[u8], value: &[u8]) {
        self.0.storage.borrow_mut().put(self.0.index, TableKey::Main, key, Some(value.into()));
    }

    /// Sets the value of `key` without copying it.
    pub fn put_shared(&self, key: &[u8], value: SharedBytes) {
        self.0.storage.borrow_mut().put(self.0.index, TableKey::Main, key, Some(value));
    }

    /// Removes `key`. The change log gets a tombstone, also if it was not there.
    pub fn delete(&self, key: &[u8]) {
        self.0.storage.borrow_mut().put(self.0.index, TableKey::Main, key, None);
    }

    /// Sets the value of `key` if it has none; returns the one it had.
    ///
    /// # Errors
    /// The disk's.
    pub fn put_if_absent(&self, key: &[u8], value: &[u8]) -> Result<Option<SharedBytes>, StoreError> {
        let present = self.get(key)?;
        if present.is_none() {
            self.put(key, value);
        }
        Ok(present)
    }

    /// Entries from `from` to `to`, both inclusive, `None` meaning open.
    ///
    /// # Errors
    /// The disk's.
    pub fn range(&self, from: Option<&[u8]>, to: Option<&[u8]>, direction: Direction) -> Result<Entries, StoreError> {
        self.scan(&KeyRange::inclusive(from, to), direction)
    }

    /// Entries whose key starts with `prefix`.
    ///
    /// # Errors
    /// The disk's.
    pub fn prefix(&self, prefix: &[u8], direction: Direction) -> Result<Entries, StoreError> {
        self.scan(&KeyRange::prefix(prefix), direction)
    }

    /// All entries.
    ///
    /// # Errors
    /// The disk's.
    pub fn all(&self, direction: Direction) -> Result<Entries, StoreError> {
        self.scan(&KeyRange::all(), direction)
    }

    fn scan(&self, range: &KeyRange, direction: Direction) -> Result<Entries, StoreError> {
        Entries::of_main(&self.0.storage.borrow().live(self.0.index), range, direction)
    }

    /// About how many entries there are: keys that are both in the backend and in a layer above count twice.
    pub fn approximate_num_entries(&self) -> u64 {
        approximate_entries(&self.0.storage.borrow().live(self.0.index))
    }
}

pub(crate) fn approximate_entries(live: &LiveStore<'_>) -> u64 {
    let count = |table: &crate::storage::Table| {
        let below = table.backend.map_or(0, |id| live.backend.approximate_entries(id));
        below + table.overlay.unapplied_len() as u64
    };
    live.store.tables().map(count).sum()
}

impl TaskStorage {
    /// Writes to the uncommitted layer.
    pub(crate) fn put(&mut self, index: usize, table: TableKey, key: &[u8], value: Option<SharedBytes>) {
        let stamp = self.next_stamp();
        let store = &mut self.stores[index];
        let logged = store.spec.logged;
        store.table_mut(table).overlay.write(key, value, stamp, logged);
    }
}
