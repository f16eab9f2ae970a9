//! The stores of a task as its operators hold them: cheap handles, one per kind, on one thread.

mod entries;
mod key_value;
mod session;
mod ttl;
mod versioned;
mod window;

pub use crate::backend::Direction;
pub use entries::{Entries, SessionEntries, SessionEntry, WindowEntries, WindowEntry};
pub use key_value::KeyValueStore;
pub use session::SessionStore;
pub use ttl::TtlStore;
pub use versioned::{Validity, VersionedRecord, VersionedStore};
pub use window::WindowStore;

pub(crate) use key_value::approximate_entries;
pub(crate) use session::{fetch_session, find_sessions, find_sessions_ending};
pub(crate) use ttl::{expiry_entry, live_row, live_rows};
pub(crate) use versioned::{get_as_of, get_latest};
pub(crate) use window::{fetch, fetch_all, fetch_key_range, fetch_range};

use crate::{Positions, StoreError, StoreKind, StoreSpec, TaskStorage, Views};
use std::cell::RefCell;
use std::rc::Rc;

/// The stores of one task on the thread that processes it. Clones, and the handles it gives, are the same stores.
#[derive(Clone)]
pub struct TaskStores {
    storage: Rc<RefCell<TaskStorage>>,
}

/// A handle's way to its store.
#[derive(Clone)]
struct Handle {
    storage: Rc<RefCell<TaskStorage>>,
    index: usize,
}

impl TaskStores {
    /// Stores over an opened (and restored) state.
    pub fn new(storage: TaskStorage) -> Self {
        Self { storage: Rc::new(RefCell::new(storage)) }
    }

    /// The state back, to be given to another thread.
    ///
    /// # Errors
    /// The stores themselves, while clones or handles of them are held.
    pub fn into_storage(self) -> Result<TaskStorage, Self> {
        Rc::try_unwrap(self.storage).map(RefCell::into_inner).map_err(|storage| Self { storage })
    }

    /// The key-value store of that name.
    ///
    /// # Errors
    /// [`StoreError::UnknownStore`], [`StoreError::WrongKind`].
    pub fn key_value(&self, name: &str) -> Result<KeyValueStore, StoreError> {
        self.handle(name, "key-value", |kind| matches!(kind, StoreKind::KeyValue)).map(KeyValueStore)
    }

    /// The window store of that name.
    ///
    /// # Errors
    /// [`StoreError::UnknownStore`], [`StoreError::WrongKind`].
    pub fn window(&self, name: &str) -> Result<WindowStore, StoreError> {
        self.handle(name, "window", |kind| matches!(kind, StoreKind::Window(_))).map(WindowStore)
    }

    /// The session store of that name.
    ///
    /// # Errors
    /// [`StoreError::UnknownStore`], [`StoreError::WrongKind`].
    pub fn session(&self, name: &str) -> Result<SessionStore, StoreError> {
        self.handle(name, "session", |kind| matches!(kind, StoreKind::Session(_))).map(SessionStore)
    }

    /// The versioned store of that name.
    ///
    /// # Errors
    /// [`StoreError::UnknownStore`], [`StoreError::WrongKind`].
    pub fn versioned(&self, name: &str) -> Result<VersionedStore, StoreError> {
        self.handle(name, "versioned", |kind| matches!(kind, StoreKind::Versioned(_))).map(VersionedStore)
    }

    /// The TTL store of that name.
    ///
    /// # Errors
    /// [`StoreError::UnknownStore`], [`StoreError::WrongKind`].
    pub fn ttl(&self, name: &str) -> Result<TtlStore, StoreError> {
        self.handle(name, "ttl", |kind| matches!(kind, StoreKind::Ttl { .. })).map(TtlStore)
    }

    fn handle(&self, name: &str, asked: &'static str, fits: fn(&StoreKind) -> bool) -> Result<Handle, StoreError> {
        let storage = self.storage.borrow();
        let index = storage.store_index(name)?;
        let spec = &storage.stores[index].spec;
        if !fits(&spec.kind) {
            return Err(StoreError::WrongKind { store: name.to_owned(), is: spec.kind_name(), asked });
        }
        Ok(Handle { storage: Rc::clone(&self.storage), index })
    }

    /// A store's number: see [`TaskStorage::store_index`].
    ///
    /// # Errors
    /// [`StoreError::UnknownStore`].
    pub fn store_index(&self, name: &str) -> Result<usize, StoreError> {
        self.storage.borrow().store_index(name)
    }

    /// The specifications, in the order of the stores' numbers.
    pub fn specs(&self) -> Vec<StoreSpec> {
        self.storage.borrow().specs().cloned().collect()
    }

    /// See [`TaskStorage::set_record_timestamp`].
    #[inline]
    pub fn set_record_timestamp(&self, timestamp_ms: i64) {
        self.storage.borrow_mut().set_record_timestamp(timestamp_ms);
    }

    /// See [`TaskStorage::observe_stream_time`].
    pub fn observe_stream_time(&self, stream_time_ms: i64) {
        self.storage.borrow_mut().observe_stream_time(stream_time_ms);
    }

    /// See [`TaskStorage::uncommitted_bytes`].
    pub fn uncommitted_bytes(&self) -> usize {
        self.storage.borrow().uncommitted_bytes()
    }

    /// See [`TaskStorage::committed_bytes`].
    pub fn committed_bytes(&self) -> usize {
        self.storage.borrow().committed_bytes()
    }

    /// See [`TaskStorage::drain_uncommitted`]. `emit` must not touch this task's stores.
    ///
    /// # Errors
    /// The first of `emit`.
    pub fn drain_uncommitted<E>(
        &self,
        emit: impl FnMut(usize, &[u8], Option<&[u8]>, i64) -> Result<(), E>,
    ) -> Result<(), E> {
        self.storage.borrow_mut().drain_uncommitted(emit)
    }

    /// See [`TaskStorage::commit`].
    pub fn commit(&self, positions: &Positions) {
        self.storage.borrow_mut().commit(positions);
    }

    /// See [`TaskStorage::abort`].
    pub fn abort(&self) {
        self.storage.borrow_mut().abort();
    }

    /// See [`TaskStorage::apply`].
    ///
    /// # Errors
    /// The disk's.
    pub fn apply(&self) -> Result<(), StoreError> {
        self.storage.borrow_mut().apply()
    }

    /// See [`TaskStorage::set_changelogs_current`].
    pub fn set_changelogs_current(&self, now_ms: i64) {
        self.storage.borrow_mut().set_changelogs_current(now_ms);
    }

    /// See [`TaskStorage::flush`].
    ///
    /// # Errors
    /// The disk's.
    pub fn flush(&self) -> Result<(), StoreError> {
        self.storage.borrow_mut().flush()
    }

    /// See [`TaskStorage::positions`].
    pub fn positions(&self) -> Positions {
        self.storage.borrow().positions().clone()
    }

    /// See [`TaskStorage::committed_positions`].
    pub fn committed_positions(&self) -> Positions {
        self.storage.borrow().committed_positions().clone()
    }

    /// See [`TaskStorage::publish`].
    ///
    /// # Errors
    /// The disk's.
    pub fn publish(&self) -> Result<(), StoreError> {
        self.storage.borrow_mut().publish()
    }

    /// See [`TaskStorage::views`].
    pub fn views(&self) -> Views {
        self.storage.borrow().views()
    }

    /// Runs `act` on the state itself: for restoring, wiping, or several things at once without handles in between.
    pub fn with_storage<R>(&self, act: impl FnOnce(&mut TaskStorage) -> R) -> R {
        act(&mut self.storage.borrow_mut())
    }
}
