//! A disk that can crash: keeps, as a real one would, some prefix of the writes since the last flush.

use super::{Backend, Batch, Cursor, Direction, KeyRange, MemoryBackend, ReadTables, Snapshot, TableId};
use crate::{SharedBytes, StoreError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// What outlives the process in a simulation. Clones are the same disk.
#[derive(Clone, Default)]
pub struct SimulatedDisk(Arc<Mutex<Disk>>);

#[derive(Default)]
struct Disk {
    /// As of the last flush or crash.
    durable: MemoryBackend,
    /// After each write since then, oldest first.
    since_flush: Vec<MemoryBackend>,
    /// Counts crashes and openings: a backend of before can no longer write.
    generation: u64,
    /// Alive while the backend that was opened last is, and no crash has ended its process.
    opened: Weak<()>,
}

impl SimulatedDisk {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// The process dies: `keep` is told how many writes are not flushed, and says how many of them (the oldest ones)
    /// reached the disk all the same. Backends opened before fail from now on.
    pub fn crash(&self, keep: impl FnOnce(usize) -> usize) {
        let mut disk = self.lock();
        let unflushed = disk.since_flush.len();
        let kept = keep(unflushed).min(unflushed);
        if let Some(last) = kept.checked_sub(1) {
            disk.durable = disk.since_flush.swap_remove(last);
        }
        disk.since_flush.clear();
        disk.generation += 1;
        disk.opened = Weak::new();
    }

    /// Whether somebody has it open: a database would refuse to be opened by another one.
    pub fn is_open(&self) -> bool {
        self.lock().opened.strong_count() > 0
    }

    /// Writes that a crash could lose.
    pub fn unflushed_writes(&self) -> usize {
        self.lock().since_flush.len()
    }

    fn lock(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// [`Backend`] on a [`SimulatedDisk`].
pub struct SimulatedDiskBackend {
    disk: SimulatedDisk,
    current: MemoryBackend,
    generation: u64,
    _open: Arc<()>,
}

impl SimulatedDiskBackend {
    /// Opens the disk as the last crash left it. Whoever had it open before can no longer write.
    pub fn open(disk: &SimulatedDisk) -> Self {
        let mut state = disk.lock();
        state.generation += 1;
        let current = state.since_flush.last().unwrap_or(&state.durable).clone();
        let open = Arc::new(());
        state.opened = Arc::downgrade(&open);
        Self { disk: disk.clone(), current, generation: state.generation, _open: open }
    }

    /// The disk, unless it crashed or was opened by somebody else.
    fn own_disk(&self) -> Result<MutexGuard<'_, Disk>, StoreError> {
        let disk = self.disk.lock();
        if disk.generation == self.generation { Ok(disk) } else { Err(StoreError::Closed) }
    }
}

impl ReadTables for SimulatedDiskBackend {
    fn read(&self, table: TableId, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool, StoreError> {
        self.current.read(table, key, visit)
    }

    fn scan(&self, table: TableId, range: &KeyRange, direction: Direction) -> Result<Box<dyn Cursor>, StoreError> {
        self.current.scan(table, range, direction)
    }

    fn get(&self, table: TableId, key: &[u8]) -> Result<Option<SharedBytes>, StoreError> {
        self.current.get(table, key)
    }
}

impl Backend for SimulatedDiskBackend {
    fn open_table(&mut self, name: &str) -> Result<TableId, StoreError> {
        let mut disk = self.own_disk()?;
        disk.durable.open_table(name)?;
        for state in &mut disk.since_flush {
            state.open_table(name)?;
        }
        drop(disk);
        self.current.open_table(name)
    }

    fn table_names(&self) -> Vec<String> {
        self.current.table_names()
    }

    fn drop_table(&mut self, table: TableId) -> Result<(), StoreError> {
        let mut disk = self.own_disk()?;
        disk.durable.drop_table(table)?;
        for state in &mut disk.since_flush {
            state.drop_table(table)?;
        }
        drop(disk);
        self.current.drop_table(table)
    }

    fn write(&mut self, batch: Batch<'_>) -> Result<(), StoreError> {
        drop(self.own_disk()?);
        self.current.write(batch)?;
        let state = self.current.clone();
        self.own_disk()?.since_flush.push(state);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        let mut disk = self.own_disk()?;
        disk.durable = self.current.clone();
        disk.since_flush.clear();
        Ok(())
    }

    fn snapshot(&self) -> Result<Arc<dyn Snapshot>, StoreError> {
        self.current.snapshot()
    }

    fn approximate_entries(&self, table: TableId) -> u64 {
        self.current.approximate_entries(table)
    }

    fn wipe(&mut self) -> Result<(), StoreError> {
        drop(self.own_disk()?);
        self.current.wipe()?;
        self.flush()
    }
}
