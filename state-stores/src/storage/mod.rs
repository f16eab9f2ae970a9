//! All stores of one task: one state, committed, applied and flushed as a whole.

mod merged_cursor;
mod open;
mod reader;
mod restore;
mod table;

pub(crate) use merged_cursor::MergedCursor;
pub use open::Persistence;
pub(crate) use reader::{LiveStore, StoreReader};
pub use restore::ChangelogRecord;
use table::Drained;
pub(crate) use table::{Home, StoreCore, Sweep, Table, TableKey, VersionWrite};

use crate::backend::{Backend, Batch, MemoryBackend, Payload, TableId};
use crate::kill_points;
use crate::overlay::Stamp;
use crate::positions::{SAVED_STATE_KEY, SavedState};
use crate::view::Snapshots;
use crate::{ChangelogOrigin, Positions, SharedBytes, StoreError, StoreSpec, StoresView, Views};
use std::sync::Arc;

/// Read cache of a task unless set otherwise: some ten thousand hot keys of a task, and less than a memtable.
pub const DEFAULT_READ_CACHE_BYTES: usize = 16 << 20;

/// The state of a task without handles to it: opened, restored and wiped on whatever thread, then given to
/// [`crate::TaskStores`] on the thread that processes.
///
/// Stores are numbered in the order of the specifications given to [`TaskStorage::open`].
pub struct TaskStorage {
    pub(crate) stores: Vec<StoreCore>,
    persistent: Option<Box<dyn Backend>>,
    memory: MemoryBackend,
    committed: Positions,
    applied: Positions,
    /// Positions or data were committed since the last apply.
    apply_due: bool,
    writes: u64,
    record_timestamp_ms: i64,
    /// Room to build keys in.
    pub(crate) scratch: Vec<u8>,
    drained: Drained,
    read_cache_bytes: usize,
    views: Views,
    /// Of the backends as they are now, for views; unset by whoever writes to them.
    snapshots: Option<Snapshots>,
}

impl TaskStorage {
    /// The specification of each store, in the order of their numbers.
    pub fn specs(&self) -> impl Iterator<Item = &StoreSpec> {
        self.stores.iter().map(|store| &store.spec)
    }

    /// A store's number.
    ///
    /// # Errors
    /// [`StoreError::UnknownStore`].
    pub fn store_index(&self, name: &str) -> Result<usize, StoreError> {
        let index = self.stores.iter().position(|store| &*store.spec.name == name);
        index.ok_or_else(|| StoreError::UnknownStore(name.to_owned()))
    }

    /// Which change log a store's state is of, and when it last had all of it; `None` if that is not known.
    pub fn changelog_origin(&self, index: usize) -> Option<ChangelogOrigin> {
        self.stores[index].origin
    }

    /// Notes it, to be saved with the next batch.
    pub fn set_changelog_origin(&mut self, index: usize, origin: ChangelogOrigin) {
        self.stores[index].origin = Some(origin);
    }

    /// Notes that at `now_ms` (wall clock) what is committed here is all that the change logs hold.
    pub fn set_changelogs_current(&mut self, now_ms: i64) {
        for origin in self.stores.iter_mut().filter_map(|store| store.origin.as_mut()) {
            origin.current_ms = now_ms;
        }
    }

    /// The time of the record being processed: the change log's timestamp for deletes and plain values.
    #[inline]
    pub fn set_record_timestamp(&mut self, timestamp_ms: i64) {
        self.record_timestamp_ms = timestamp_ms;
    }

    /// Sets how many bytes of what was applied stay in memory to be read again, of all stores of the task together. The
    /// bound is kept at each apply; it starts at [`DEFAULT_READ_CACHE_BYTES`].
    pub fn set_read_cache_bytes(&mut self, bytes: usize) {
        self.read_cache_bytes = bytes;
    }

    /// Bytes in the uncommitted layer, overhead estimated.
    pub fn uncommitted_bytes(&self) -> usize {
        self.overlays().map(|overlay| overlay.bytes().0).sum()
    }

    /// Bytes in the committed layer, overhead estimated.
    pub fn committed_bytes(&self) -> usize {
        self.overlays().map(|overlay| overlay.bytes().1).sum()
    }

    fn overlays(&self) -> impl Iterator<Item = &crate::overlay::Overlay> {
        self.stores.iter().flat_map(StoreCore::tables).map(|table| &table.overlay)
    }

    /// Shows every write since the last drain to `emit(store, key, value, timestamp)`, for the change logs.
    ///
    /// Store by store in the order of their numbers, within a store in the order of the last write to each key (as
    /// Kafka Streams flushes its caches). One key comes once with its last value; of versioned stores and those that
    /// keep duplicates every write comes. Values of timestamped stores come without their timestamp, which is then the
    /// record's.
    ///
    /// # Errors
    /// The first of `emit`, at which it stops; what was not shown is not shown again, so the transaction must abort.
    pub fn drain_uncommitted<E>(
        &mut self,
        mut emit: impl FnMut(usize, &[u8], Option<&[u8]>, i64) -> Result<(), E>,
    ) -> Result<(), E> {
        for (index, store) in self.stores.iter_mut().enumerate().filter(|(_, store)| store.spec.logged) {
            store.drain(&mut self.drained, |key, value, timestamp_ms| emit(index, key, value, timestamp_ms))?;
        }
        Ok(())
    }

    /// Kafka has committed: uncommitted writes become committed ones, standing for `positions`.
    pub fn commit(&mut self, positions: &Positions) {
        self.stores.iter_mut().for_each(StoreCore::commit);
        self.committed.merge(positions);
        self.apply_due = true;
    }

    /// Drops uncommitted writes and puts the stores' own times back.
    pub fn abort(&mut self) {
        self.stores.iter_mut().for_each(StoreCore::abort);
    }

    /// Writes the committed layer to the backends, one batch each, with the newest positions. Does nothing if nothing
    /// was committed since the last time.
    ///
    /// # Errors
    /// The disk's; the layer is then kept, and applying may be tried again.
    pub fn apply(&mut self) -> Result<(), StoreError> {
        if !self.apply_due {
            return Ok(());
        }
        kill_points::pass("apply.before");
        self.open_missing_tables()?;
        for home in self.homes() {
            let batch = self.committed_batch(home);
            self.backend_mut(home).write(batch)?;
            kill_points::pass("apply.inside");
        }
        let cache_bytes = self.read_cache_bytes / self.stores.len().max(1);
        self.stores.iter_mut().for_each(|store| store.applied(cache_bytes));
        self.applied.clone_from(&self.committed);
        self.apply_due = false;
        Ok(())
    }

    /// Segments get a table of their own when first written to.
    fn open_missing_tables(&mut self) -> Result<(), StoreError> {
        let (persistent, memory) = (&mut self.persistent, &mut self.memory);
        for store in &mut self.stores {
            store.open_missing_tables(home_of(store.home, persistent, memory))?;
        }
        Ok(())
    }

    fn committed_batch(&self, home: Home) -> Batch<'static> {
        let mut batch = Batch::default();
        for store in self.stores.iter().filter(|store| store.home == home) {
            for table in store.tables() {
                let Some(id) = table.backend else { continue };
                for (key, value) in table.overlay.unapplied() {
                    batch.push(id, Payload::Shared(key.clone()), value.cloned().map(Payload::Shared));
                }
            }
        }
        self.push_saved_state(home, &self.committed, &mut batch);
        batch
    }

    fn push_saved_state(&self, home: Home, positions: &Positions, batch: &mut Batch<'_>) {
        let own = || self.stores.iter().filter(|store| store.home == home);
        let mut positions = positions.clone();
        positions.changelogs.retain(|name, _| own().any(|store| store.spec.name == *name));
        let stores = own().map(|store| (store.spec.name.clone(), store.saved())).collect();
        let saved: SharedBytes = SavedState { positions, stores }.encode().into();
        batch.push(TableId::METADATA, Payload::Borrowed(SAVED_STATE_KEY), Some(Payload::Shared(saved)));
    }

    /// Makes what was applied survive a crash; then drops segments that are out of retention.
    ///
    /// # Errors
    /// The disk's.
    pub fn flush(&mut self) -> Result<(), StoreError> {
        for home in self.homes() {
            self.backend_mut(home).flush()?;
        }
        // Dropping a table is durable at once. Only now is what made it expire durable too.
        let (persistent, memory) = (&mut self.persistent, &mut self.memory);
        for store in &mut self.stores {
            store.drop_expired_segments(home_of(store.home, persistent, memory))?;
        }
        Ok(())
    }

    /// What the committed layer stands for.
    pub fn committed_positions(&self) -> &Positions {
        &self.committed
    }

    /// What the backends hold: right after opening, what is durable; later, what was applied or restored last.
    pub fn positions(&self) -> &Positions {
        &self.applied
    }

    /// Where other threads find the state of the last [`TaskStorage::publish`]. Clones lead to the same.
    pub fn views(&self) -> Views {
        self.views.clone()
    }

    /// Publishes at `views` from now on: whoever reads there need not know that a state was opened again.
    pub fn publish_to(&mut self, views: Views) {
        self.views = views;
    }

    /// Makes the committed state readable for other threads, as one value.
    ///
    /// From the first call on, each commit also keeps its layer in order: a cost for tasks that are queried only.
    ///
    /// # Errors
    /// The disk's, of taking a snapshot.
    pub fn publish(&mut self) -> Result<(), StoreError> {
        let snapshots = match self.snapshots.take() {
            Some(snapshots) => snapshots,
            None => Snapshots::take(&self.memory, self.persistent.as_deref())?,
        };
        let view = StoresView::new(&mut self.stores, &snapshots, &self.committed);
        self.snapshots = Some(snapshots);
        self.views.set(Some(Arc::new(view)));
        Ok(())
    }

    pub(crate) fn next_stamp(&mut self) -> Stamp {
        self.writes += 1;
        Stamp { number: self.writes, timestamp_ms: self.record_timestamp_ms }
    }

    /// Reads of one store, newest layer first.
    pub(crate) fn live(&self, index: usize) -> LiveStore<'_> {
        let store = &self.stores[index];
        LiveStore { store, backend: self.backend(store.home) }
    }

    /// The backends there are.
    fn homes(&self) -> impl Iterator<Item = Home> + use<> {
        self.persistent.is_some().then_some(Home::Persistent).into_iter().chain([Home::Memory])
    }

    fn backend(&self, home: Home) -> &dyn Backend {
        match (home, self.persistent.as_deref()) {
            (Home::Persistent, Some(persistent)) => persistent,
            _ => &self.memory,
        }
    }

    /// For writing.
    fn backend_mut(&mut self, home: Home) -> &mut dyn Backend {
        self.snapshots = None;
        home_of(home, &mut self.persistent, &mut self.memory)
    }
}

/// The backend of a home. Stores have a persistent home only where there is a persistent backend.
fn home_of<'a>(
    home: Home,
    persistent: &'a mut Option<Box<dyn Backend>>,
    memory: &'a mut MemoryBackend,
) -> &'a mut dyn Backend {
    match (home, persistent) {
        (Home::Persistent, Some(persistent)) => persistent.as_mut(),
        _ => memory,
    }
}

impl Drop for TaskStorage {
    /// Views hold the database open, and with it the lock on its directory.
    fn drop(&mut self) {
        self.views.set(None);
    }
}
