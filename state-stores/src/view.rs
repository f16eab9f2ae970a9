//! Committed state for other threads: the committed layer, a backend snapshot and the positions, as one value.

use crate::backend::{Backend, Direction, KeyRange, MemoryBackend, Snapshot, TableId};
use crate::shared_layer::SharedLayer;
use crate::storage::{Home, MergedCursor, StoreCore, StoreReader, TableKey};
use crate::store::{
    fetch, fetch_all, fetch_key_range, fetch_range, fetch_session, find_sessions, find_sessions_ending, get_as_of,
    get_latest, live_row, live_rows,
};
use crate::{Entries, Positions, SessionEntries, SharedBytes, StoreError, StoreSpec, VersionedRecord, WindowEntries};
use arc_swap::ArcSwapOption;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where readers find the newest published state. Clones are the same place; reading it takes no lock.
#[derive(Clone, Default)]
pub struct Views(Arc<ArcSwapOption<StoresView>>);

impl Views {
    /// The newest state; `None` before the first is published, and once the task is closed or wiped.
    ///
    /// A held state keeps the task's database open: drop it soon.
    pub fn load(&self) -> Option<Arc<StoresView>> {
        self.0.load_full()
    }

    pub(crate) fn set(&self, view: Option<Arc<StoresView>>) {
        self.0.store(view);
    }
}

/// Snapshots of a task's backends. Those of one view serve the next as long as nothing is written below.
#[derive(Clone)]
pub(crate) struct Snapshots {
    memory: Arc<dyn Snapshot>,
    persistent: Option<Arc<dyn Snapshot>>,
}

impl Snapshots {
    pub(crate) fn take(memory: &MemoryBackend, persistent: Option<&dyn Backend>) -> Result<Self, StoreError> {
        let persistent = persistent.map(|backend| backend.snapshot()).transpose()?;
        Ok(Self { memory: memory.snapshot()?, persistent })
    }

    fn of(&self, home: Home) -> Arc<dyn Snapshot> {
        match (home, &self.persistent) {
            (Home::Persistent, Some(persistent)) => Arc::clone(persistent),
            _ => Arc::clone(&self.memory),
        }
    }
}

/// A task's committed state at one commit.
pub struct StoresView {
    /// In the order of their specifications.
    stores: Vec<StoreView>,
    positions: Positions,
}

impl StoresView {
    pub(crate) fn new(stores: &mut [StoreCore], snapshots: &Snapshots, positions: &Positions) -> Self {
        let view = |store: &mut StoreCore| StoreView::new(store, snapshots.of(store.home));
        Self { stores: stores.iter_mut().map(view).collect(), positions: positions.clone() }
    }

    /// A store's state.
    ///
    /// # Errors
    /// [`StoreError::UnknownStore`].
    pub fn store(&self, name: &str) -> Result<&StoreView, StoreError> {
        let found = self.stores.iter().find(|store| &*store.spec.name == name);
        found.ok_or_else(|| StoreError::UnknownStore(name.to_owned()))
    }

    /// The state of the store of that number, in the order in which the stores were given when they were opened: without
    /// looking for a name.
    pub fn numbered(&self, number: usize) -> Option<&StoreView> {
        self.stores.get(number)
    }

    /// What this state stands for: a caller that waits for its own write compares input positions.
    pub fn positions(&self) -> &Positions {
        &self.positions
    }
}

/// A store's committed state, readable on any thread.
///
/// Each kind of store has its own reads; those of another kind find nothing.
pub struct StoreView {
    spec: StoreSpec,
    observed_ms: i64,
    main: TableView,
    segments: BTreeMap<i64, TableView>,
    snapshot: Arc<dyn Snapshot>,
}

struct TableView {
    committed: SharedLayer,
    backend: Option<TableId>,
}

impl StoreView {
    fn new(store: &mut StoreCore, snapshot: Arc<dyn Snapshot>) -> Self {
        let table = |table: &mut crate::storage::Table| TableView {
            committed: table.overlay.share_committed(),
            backend: table.backend,
        };
        let main = table(&mut store.main);
        let segments = store.segments.iter_mut().map(|(id, segment)| (*id, table(segment))).collect();
        Self { spec: store.spec.clone(), observed_ms: store.committed.observed_ms, main, segments, snapshot }
    }

    /// The store's specification.
    pub fn spec(&self) -> &StoreSpec {
        &self.spec
    }

    /// Key-value, TTL: the value of `key`.
    ///
    /// # Errors
    /// The disk's, as for all reads below.
    pub fn get(&self, key: &[u8]) -> Result<Option<SharedBytes>, StoreError> {
        live_row(self, key)
    }

    /// Key-value, TTL: entries from `from` to `to`, both inclusive, `None` meaning open.
    ///
    /// # Errors
    /// The disk's.
    pub fn range(&self, from: Option<&[u8]>, to: Option<&[u8]>, direction: Direction) -> Result<Entries, StoreError> {
        live_rows(self, &KeyRange::inclusive(from, to), direction)
    }

    /// Key-value, TTL: entries whose key starts with `prefix`.
    ///
    /// # Errors
    /// The disk's.
    pub fn prefix(&self, prefix: &[u8], direction: Direction) -> Result<Entries, StoreError> {
        live_rows(self, &KeyRange::prefix(prefix), direction)
    }

    /// Window: see [`crate::WindowStore::fetch`].
    ///
    /// # Errors
    /// The disk's.
    pub fn window_fetch(&self, key: &[u8], start_ms: i64) -> Result<Option<SharedBytes>, StoreError> {
        fetch(self, key, start_ms)
    }

    /// Window: see [`crate::WindowStore::fetch_range`].
    ///
    /// # Errors
    /// The disk's.
    pub fn window_fetch_range(
        &self,
        key: &[u8],
        from_ms: i64,
        to_ms: i64,
        direction: Direction,
    ) -> Result<WindowEntries, StoreError> {
        fetch_range(self, key, (from_ms, to_ms), direction)
    }

    /// Window: see [`crate::WindowStore::fetch_key_range`].
    ///
    /// # Errors
    /// The disk's.
    pub fn window_fetch_key_range(
        &self,
        from_key: Option<&[u8]>,
        to_key: Option<&[u8]>,
        from_ms: i64,
        to_ms: i64,
        direction: Direction,
    ) -> Result<WindowEntries, StoreError> {
        fetch_key_range(self, (from_key, to_key), (from_ms, to_ms), direction)
    }

    /// Window: see [`crate::WindowStore::fetch_all`].
    ///
    /// # Errors
    /// The disk's.
    pub fn window_fetch_all(
        &self,
        from_ms: i64,
        to_ms: i64,
        direction: Direction,
    ) -> Result<WindowEntries, StoreError> {
        fetch_all(self, (from_ms, to_ms), direction)
    }

    /// Session: see [`crate::SessionStore::fetch_session`].
    ///
    /// # Errors
    /// The disk's.
    pub fn session_fetch(&self, key: &[u8], start_ms: i64, end_ms: i64) -> Result<Option<SharedBytes>, StoreError> {
        fetch_session(self, key, (start_ms, end_ms))
    }

    /// Session: see [`crate::SessionStore::find_sessions`].
    ///
    /// # Errors
    /// The disk's.
    pub fn session_find(
        &self,
        key: &[u8],
        earliest_end_ms: i64,
        latest_start_ms: i64,
        direction: Direction,
    ) -> Result<SessionEntries, StoreError> {
        find_sessions(self, key, (earliest_end_ms, latest_start_ms), direction)
    }

    /// Session: see [`crate::SessionStore::find_sessions_ending`].
    ///
    /// # Errors
    /// The disk's.
    pub fn session_find_ending(
        &self,
        earliest_end_ms: i64,
        latest_end_ms: i64,
        direction: Direction,
    ) -> Result<SessionEntries, StoreError> {
        find_sessions_ending(self, (earliest_end_ms, latest_end_ms), direction)
    }

    /// Versioned: the latest version of `key`.
    ///
    /// # Errors
    /// The disk's.
    pub fn get_latest(&self, key: &[u8]) -> Result<Option<VersionedRecord>, StoreError> {
        get_latest(self, key)
    }

    /// Versioned: the version of `key` that was valid at `as_of_ms`.
    ///
    /// # Errors
    /// The disk's.
    pub fn get_as_of(&self, key: &[u8], as_of_ms: i64) -> Result<Option<VersionedRecord>, StoreError> {
        get_as_of(self, key, as_of_ms)
    }

    fn table(&self, key: TableKey) -> Option<&TableView> {
        match key {
            TableKey::Main => Some(&self.main),
            TableKey::Segment(id) => self.segments.get(&id),
        }
    }
}

impl StoreReader for StoreView {
    fn spec(&self) -> &StoreSpec {
        &self.spec
    }

    fn observed_ms(&self) -> i64 {
        self.observed_ms
    }

    fn read(&self, table: TableKey, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool, StoreError> {
        let value = StoreReader::get(self, table, key)?;
        value.iter().for_each(|value| visit(value));
        Ok(value.is_some())
    }

    fn get(&self, table: TableKey, key: &[u8]) -> Result<Option<SharedBytes>, StoreError> {
        let Some(table) = self.table(table) else {
            return Ok(None);
        };
        match (table.committed.get(key), table.backend) {
            (Some(written), _) => Ok(written.cloned()),
            (None, Some(id)) => self.snapshot.get(id, key),
            (None, None) => Ok(None),
        }
    }

    fn scan(&self, table: TableKey, range: &KeyRange, direction: Direction) -> Result<MergedCursor, StoreError> {
        let Some(table) = self.table(table) else {
            return Ok(MergedCursor::default());
        };
        let below = table.backend.map(|id| self.snapshot.scan(id, range, direction)).transpose()?;
        Ok(MergedCursor::new(table.committed.scan(range, direction), below, direction))
    }

    fn segments(&self, from: i64, to: i64) -> Vec<i64> {
        if from > to { Vec::new() } else { self.segments.range(from..=to).map(|(id, _)| *id).collect() }
    }
}
