//! The stores under test, on a disk that outlives them, and their answers in the form of [`Reads`].

use crate::reads::{Found, Reads};
use comanda_state_stores::backend::{SharedResources, SimulatedDisk, SimulatedDiskBackend};
use comanda_state_stores::{
    Direction, Persistence, SessionEntry, SharedBytes, StoreError, StoreSpec, StoresView, TaskStorage, TaskStores,
    VersionedRecord, WindowEntry,
};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// So small a read cache evicts at nearly every apply.
const FEW_ENTRIES_PER_STORE: usize = 12_000;

/// What is left when a process ends.
pub enum Disk {
    None,
    Simulated(SimulatedDisk),
    Rocks { root: TempDir, lives: u32 },
}

impl Disk {
    pub fn none() -> Self {
        Disk::None
    }

    pub fn simulated() -> Self {
        Disk::Simulated(SimulatedDisk::new())
    }

    pub fn rocks() -> Self {
        Disk::Rocks { root: TempDir::new().unwrap(), lives: 0 }
    }

    pub fn open(&self, specs: &[StoreSpec]) -> TaskStores {
        let persistence = match self {
            Disk::None => Persistence::Memory,
            Disk::Simulated(disk) => Persistence::Backend(Box::new(SimulatedDiskBackend::open(disk))),
            Disk::Rocks { root, lives } => {
                let resources = SharedResources::default();
                Persistence::RocksDb { directory: directory(root, *lives), resources }
            }
        };
        let mut storage = TaskStorage::open(specs, persistence).unwrap();
        storage.set_read_cache_bytes(FEW_ENTRIES_PER_STORE);
        TaskStores::new(storage)
    }

    /// What `kill -9` leaves: for RocksDB the files as they are while it still runs, since closing it writes more.
    pub fn crash(&mut self, stores: TaskStores, keep_percent: usize) {
        match self {
            Disk::None => {}
            Disk::Simulated(disk) => disk.crash(|unflushed| unflushed * keep_percent / 100),
            Disk::Rocks { root, lives } => {
                copy(&directory(root, *lives), &directory(root, *lives + 1));
                *lives += 1;
            }
        }
        drop(stores);
    }
}

fn directory(root: &TempDir, life: u32) -> PathBuf {
    root.path().join(life.to_string())
}

/// As a crash leaves it: all files of one moment. While a compaction replaces files, it is tried again.
fn copy(from: &Path, to: &Path) {
    loop {
        let before = files(from);
        std::fs::create_dir_all(to).unwrap();
        let all = before.iter().all(|(name, _)| std::fs::copy(from.join(name), to.join(name)).is_ok());
        if all && files(from) == before {
            return;
        }
        std::fs::remove_dir_all(to).unwrap();
    }
}

/// Names and sizes; the log that RocksDB keeps for people grows at any time.
fn files(directory: &Path) -> BTreeMap<OsString, u64> {
    let files = std::fs::read_dir(directory).unwrap().map(Result::unwrap).filter(|file| file.file_name() != "LOG");
    files.map(|file| (file.file_name(), file.metadata().map_or(0, |file| file.len()))).collect()
}

/// The answers of the task's own thread.
pub struct Live<'a>(pub &'a TaskStores, pub &'a [StoreSpec]);

/// The answers of a published state.
pub struct View<'a>(pub &'a Arc<StoresView>, pub &'a [StoreSpec]);

fn bytes(value: Option<SharedBytes>) -> Option<Vec<u8>> {
    value.map(|value| value.to_vec())
}

fn pairs(entries: impl Iterator<Item = Result<(SharedBytes, SharedBytes), StoreError>>) -> Vec<Found> {
    entries.map(Result::unwrap).map(|(key, value)| (key.to_vec(), 0, 0, value.to_vec())).collect()
}

fn windows(entries: impl Iterator<Item = Result<WindowEntry, StoreError>>) -> Vec<Found> {
    entries.map(Result::unwrap).map(|e| (e.key().to_vec(), e.start_ms, 0, e.value.to_vec())).collect()
}

fn sessions(entries: impl Iterator<Item = Result<SessionEntry, StoreError>>) -> Vec<Found> {
    entries.map(Result::unwrap).map(|e| (e.key().to_vec(), e.start_ms, e.end_ms, e.value.to_vec())).collect()
}

fn version(key: &[u8], record: Option<VersionedRecord>) -> Option<Found> {
    record.map(|r| (key.to_vec(), r.valid_from_ms, r.valid_to_ms.unwrap_or(i64::MAX), r.value.to_vec()))
}

impl Reads for Live<'_> {
    fn get(&self, store: usize, key: &[u8]) -> Option<Vec<u8>> {
        if let Ok(store) = self.0.ttl(&self.1[store].name) {
            return bytes(store.get(key).unwrap());
        }
        let store = self.0.key_value(&self.1[store].name).unwrap();
        let borrowed = store.get_with(key, <[u8]>::to_vec).unwrap();
        assert_eq!(borrowed, bytes(store.get(key).unwrap()));
        borrowed
    }

    fn range(&self, store: usize, from: Option<&[u8]>, to: Option<&[u8]>, direction: Direction) -> Vec<Found> {
        let name = &self.1[store].name;
        match self.0.ttl(name) {
            Ok(store) => pairs(store.range(from, to, direction).unwrap()),
            Err(_) => pairs(self.0.key_value(name).unwrap().range(from, to, direction).unwrap()),
        }
    }

    fn prefix(&self, store: usize, prefix: &[u8], direction: Direction) -> Vec<Found> {
        let name = &self.1[store].name;
        match self.0.ttl(name) {
            Ok(store) => pairs(store.prefix(prefix, direction).unwrap()),
            Err(_) => pairs(self.0.key_value(name).unwrap().prefix(prefix, direction).unwrap()),
        }
    }

    fn window_fetch(&self, store: usize, key: &[u8], start_ms: i64) -> Option<Vec<u8>> {
        bytes(self.0.window(&self.1[store].name).unwrap().fetch(key, start_ms).unwrap())
    }

    fn window_range(&self, store: usize, key: &[u8], times: (i64, i64), direction: Direction) -> Vec<Found> {
        windows(self.0.window(&self.1[store].name).unwrap().fetch_range(key, times.0, times.1, direction).unwrap())
    }

    fn window_keys(
        &self,
        store: usize,
        keys: (Option<&[u8]>, Option<&[u8]>),
        times: (i64, i64),
        direction: Direction,
    ) -> Vec<Found> {
        let store = self.0.window(&self.1[store].name).unwrap();
        let found = windows(store.fetch_key_range(keys.0, keys.1, times.0, times.1, direction).unwrap());
        if keys == (None, None) {
            assert_eq!(found, windows(store.fetch_all(times.0, times.1, direction).unwrap()));
        }
        found
    }

    fn session_fetch(&self, store: usize, key: &[u8], times: (i64, i64)) -> Option<Vec<u8>> {
        bytes(self.0.session(&self.1[store].name).unwrap().fetch_session(key, times.0, times.1).unwrap())
    }

    fn session_find(&self, store: usize, key: &[u8], bounds: (i64, i64), direction: Direction) -> Vec<Found> {
        let store = self.0.session(&self.1[store].name).unwrap();
        sessions(store.find_sessions(key, bounds.0, bounds.1, direction).unwrap())
    }

    fn session_ending(&self, store: usize, ends: (i64, i64), direction: Direction) -> Vec<Found> {
        let store = self.0.session(&self.1[store].name).unwrap();
        sessions(store.find_sessions_ending(ends.0, ends.1, direction).unwrap())
    }

    fn version(&self, store: usize, key: &[u8], as_of_ms: Option<i64>) -> Option<Found> {
        let store = self.0.versioned(&self.1[store].name).unwrap();
        let found = match as_of_ms {
            Some(as_of_ms) => store.get_as_of(key, as_of_ms),
            None => store.get(key),
        };
        version(key, found.unwrap())
    }
}

impl Reads for View<'_> {
    fn get(&self, store: usize, key: &[u8]) -> Option<Vec<u8>> {
        bytes(self.0.store(&self.1[store].name).unwrap().get(key).unwrap())
    }

    fn range(&self, store: usize, from: Option<&[u8]>, to: Option<&[u8]>, direction: Direction) -> Vec<Found> {
        pairs(self.0.store(&self.1[store].name).unwrap().range(from, to, direction).unwrap())
    }

    fn prefix(&self, store: usize, prefix: &[u8], direction: Direction) -> Vec<Found> {
        pairs(self.0.store(&self.1[store].name).unwrap().prefix(prefix, direction).unwrap())
    }

    fn window_fetch(&self, store: usize, key: &[u8], start_ms: i64) -> Option<Vec<u8>> {
        bytes(self.0.store(&self.1[store].name).unwrap().window_fetch(key, start_ms).unwrap())
    }

    fn window_range(&self, store: usize, key: &[u8], times: (i64, i64), direction: Direction) -> Vec<Found> {
        let store = self.0.store(&self.1[store].name).unwrap();
        windows(store.window_fetch_range(key, times.0, times.1, direction).unwrap())
    }

    fn window_keys(
        &self,
        store: usize,
        keys: (Option<&[u8]>, Option<&[u8]>),
        times: (i64, i64),
        direction: Direction,
    ) -> Vec<Found> {
        let store = self.0.store(&self.1[store].name).unwrap();
        windows(store.window_fetch_key_range(keys.0, keys.1, times.0, times.1, direction).unwrap())
    }

    fn session_fetch(&self, store: usize, key: &[u8], times: (i64, i64)) -> Option<Vec<u8>> {
        bytes(self.0.store(&self.1[store].name).unwrap().session_fetch(key, times.0, times.1).unwrap())
    }

    fn session_find(&self, store: usize, key: &[u8], bounds: (i64, i64), direction: Direction) -> Vec<Found> {
        let store = self.0.store(&self.1[store].name).unwrap();
        sessions(store.session_find(key, bounds.0, bounds.1, direction).unwrap())
    }

    fn session_ending(&self, store: usize, ends: (i64, i64), direction: Direction) -> Vec<Found> {
        let store = self.0.store(&self.1[store].name).unwrap();
        sessions(store.session_find_ending(ends.0, ends.1, direction).unwrap())
    }

    fn version(&self, store: usize, key: &[u8], as_of_ms: Option<i64>) -> Option<Found> {
        let store = self.0.store(&self.1[store].name).unwrap();
        let found = match as_of_ms {
            Some(as_of_ms) => store.get_as_of(key, as_of_ms),
            None => store.get_latest(key),
        };
        version(key, found.unwrap())
    }
}

/// Stores to stand in while others are being reopened.
pub fn nothing() -> TaskStorage {
    TaskStorage::open(&[], Persistence::Memory).unwrap()
}
