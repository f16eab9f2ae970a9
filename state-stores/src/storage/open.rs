//! Opening a task's state: what is there, what still fits the specifications, what must go.

use super::table::{OwnTimes, UNOBSERVED, parse_table_name, table_name};
use super::{DEFAULT_READ_CACHE_BYTES, Home, StoreCore, TableKey, TaskStorage, home_of};
use crate::backend::{Backend, Batch, MemoryBackend, RocksBackend, SharedResources, TableId};
use crate::positions::{SAVED_STATE_KEY, SavedState};
use crate::{Positions, StoreError, StoreSpec, Views};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Where a task's persistent stores live.
pub enum Persistence {
    /// In memory like all others: for tests, and tasks without persistent stores.
    Memory,
    /// In a RocksDB directory of the task's own.
    RocksDb {
        /// The task's directory; created if it is missing.
        directory: PathBuf,
        /// What all tasks of the process share.
        resources: SharedResources,
    },
    /// In a backend given: the simulator's disk.
    Backend(Box<dyn Backend>),
}

impl TaskStorage {
    /// Opens a task's state as of its last flush (of what was applied, if the process still lives).
    ///
    /// State of stores that are no longer asked for, or that were stored in another layout (another kind or segment
    /// length), is deleted; such a store then has no change-log position and is restored from the beginning.
    ///
    /// # Errors
    /// [`StoreError::Corrupted`]: [`TaskStorage::destroy`] the directory and open again; [`StoreError::Locked`],
    /// [`StoreError::DuplicateStore`], [`StoreError::BadSpec`], or the disk's.
    pub fn open(specs: &[StoreSpec], persistence: Persistence) -> Result<Self, StoreError> {
        check(specs)?;
        let persistent: Option<Box<dyn Backend>> = match persistence {
            Persistence::Memory => None,
            Persistence::RocksDb { .. } if !specs.iter().any(|spec| spec.persistent) => None,
            Persistence::RocksDb { directory, resources } => Some(Box::new(RocksBackend::open(&directory, resources)?)),
            Persistence::Backend(backend) => Some(backend),
        };
        let saved = match &persistent {
            Some(backend) => read_saved(backend.as_ref())?,
            None => SavedState::default(),
        };
        let mut storage = Self {
            stores: stores(specs, persistent.is_some(), &saved),
            persistent,
            memory: MemoryBackend::default(),
            committed: Positions::default(),
            applied: Positions::default(),
            apply_due: false,
            writes: 0,
            record_timestamp_ms: 0,
            scratch: Vec::new(),
            drained: Default::default(),
            read_cache_bytes: DEFAULT_READ_CACHE_BYTES,
            views: Views::default(),
            snapshots: None,
        };
        storage.take_over(saved)?;
        storage.open_main_tables()?;
        Ok(storage)
    }

    /// Deletes what a task stored in `directory`, if anything: for state that does not even open.
    ///
    /// # Errors
    /// The file system's.
    pub fn destroy(directory: &std::path::Path) -> Result<(), StoreError> {
        RocksBackend::destroy(directory)
    }

    /// Keeps the positions and tables of stores that are stored as they are asked for now, and deletes the rest.
    fn take_over(&mut self, saved: SavedState) -> Result<(), StoreError> {
        let SavedState { mut positions, stores } = saved;
        let usable: BTreeSet<_> = self
            .stores
            .iter()
            .filter(|store| stores.get(&store.spec.name).is_some_and(|saved| saved.layout == store.layout()))
            .filter(|store| store.home == Home::Persistent)
            .map(|store| store.spec.name.clone())
            .collect();
        positions.changelogs.retain(|store, _| usable.contains(store));
        self.committed = positions.clone();
        self.applied = positions;
        let Some(names) = self.persistent.as_ref().map(|backend| backend.table_names()) else {
            return Ok(());
        };
        let (kept, dropped): (Vec<_>, Vec<_>) =
            names.into_iter().partition(|name| parse_table_name(name).is_some_and(|(store, _)| usable.contains(store)));
        if !dropped.is_empty() {
            self.forget_tables(&dropped)?;
        }
        for name in kept {
            self.attach(&name)?;
        }
        Ok(())
    }

    /// First forgets durably that the tables were restored, then drops them: not the other way round, or a crash in
    /// between would leave positions without their data.
    fn forget_tables(&mut self, names: &[String]) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        self.push_saved_state(Home::Persistent, &self.applied, &mut batch);
        let Some(backend) = &mut self.persistent else {
            return Ok(());
        };
        backend.write(batch)?;
        backend.flush()?;
        for name in names {
            let table = backend.open_table(name)?;
            backend.drop_table(table)?;
        }
        Ok(())
    }

    fn attach(&mut self, table: &str) -> Result<(), StoreError> {
        let (Some(backend), Some((name, key))) = (&mut self.persistent, parse_table_name(table)) else {
            return Ok(());
        };
        if let Some(store) = self.stores.iter_mut().find(|store| &*store.spec.name == name) {
            store.table_mut(key).backend = Some(backend.open_table(table)?);
        }
        Ok(())
    }

    fn open_main_tables(&mut self) -> Result<(), StoreError> {
        for store in self.stores.iter_mut().filter(|store| store.has_main() && store.main.backend.is_none()) {
            let backend = home_of(store.home, &mut self.persistent, &mut self.memory);
            store.main.backend = Some(backend.open_table(&table_name(&store.spec, TableKey::Main))?);
        }
        Ok(())
    }

    /// Deletes all state, durably: every store is to be restored from the beginning.
    ///
    /// # Errors
    /// The disk's.
    pub fn wipe(&mut self) -> Result<(), StoreError> {
        self.views.set(None);
        self.snapshots = None;
        self.memory.wipe()?;
        if let Some(persistent) = &mut self.persistent {
            persistent.wipe()?;
        }
        for store in &mut self.stores {
            *store = StoreCore::new(store.spec.clone(), store.home, UNOBSERVED);
        }
        self.committed = Positions::default();
        self.applied = Positions::default();
        self.apply_due = false;
        self.open_main_tables()
    }

    /// Deletes the state of one store, durably: it is to be restored from the beginning, the others stay.
    ///
    /// # Errors
    /// [`StoreError::UncommittedWrites`], or the disk's.
    pub fn wipe_store(&mut self, index: usize) -> Result<(), StoreError> {
        self.refuse_uncommitted("wiping a store")?;
        self.apply()?;
        let store = &mut self.stores[index];
        let empty = StoreCore::new(store.spec.clone(), store.home, UNOBSERVED);
        let (home, old) = (store.home, std::mem::replace(store, empty));
        self.committed.changelogs.remove(&old.spec.name);
        self.applied.changelogs.remove(&old.spec.name);
        let mut batch = Batch::default();
        self.push_saved_state(home, &self.applied, &mut batch);
        let backend = self.backend_mut(home);
        backend.write(batch)?;
        backend.flush()?;
        for table in old.tables().filter_map(|table| table.backend) {
            backend.drop_table(table)?;
        }
        self.open_main_tables()
    }
}

fn check(specs: &[StoreSpec]) -> Result<(), StoreError> {
    let mut names = BTreeSet::new();
    for spec in specs {
        spec.check()?;
        if !names.insert(&spec.name) {
            return Err(StoreError::DuplicateStore(spec.name.to_string()));
        }
    }
    Ok(())
}

fn stores(specs: &[StoreSpec], on_disk: bool, saved: &SavedState) -> Vec<StoreCore> {
    let build = |spec: &StoreSpec| {
        let home = if spec.persistent && on_disk { Home::Persistent } else { Home::Memory };
        let mut store = StoreCore::new(spec.clone(), home, UNOBSERVED);
        if let Some(saved) = saved.stores.get(&spec.name).filter(|saved| saved.layout == store.layout())
            && home == Home::Persistent
        {
            let times = OwnTimes { observed_ms: saved.observed_ms, sequence: saved.sequence };
            store = StoreCore::new(spec.clone(), home, times);
            store.origin = saved.origin;
        }
        store
    };
    specs.iter().map(build).collect()
}

fn read_saved(backend: &dyn Backend) -> Result<SavedState, StoreError> {
    match backend.get(TableId::METADATA, SAVED_STATE_KEY)? {
        None => Ok(SavedState::default()),
        Some(bytes) => SavedState::decode(&bytes).ok_or_else(|| StoreError::Corrupted {
            action: "read",
            table: "the saved positions".into(),
            directory: PathBuf::new(),
            cause: "not in a format this build writes".into(),
        }),
    }
}
