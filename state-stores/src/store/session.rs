//! Session stores: (key, start, end) → value; a session lives as long as its end is within retention.

use super::entries::{Filter, Keys};
use super::{Direction, Entries, Handle, SessionEntries};
use crate::backend::KeyRange;
use crate::keys::{after_key, session_key, write_session_key};
use crate::storage::{StoreReader, TableKey};
use crate::{SharedBytes, StoreError, TaskStorage};

/// A session store of the task. Clones are the same store.
///
/// Its own time is the highest session end put; sessions that end before it − retention + 1 are hidden.
#[derive(Clone)]
pub struct SessionStore(pub(super) Handle);

impl SessionStore {
    /// Sets the value of the session of `key` from `start_ms` to `end_ms`, and moves the store's time. Returns false, and
    /// does nothing else, if such an end is hidden already, or the times are negative.
    pub fn put(&self, key: &[u8], start_ms: i64, end_ms: i64, value: &[u8]) -> bool {
        self.0.storage.borrow_mut().session_put(self.0.index, key, (start_ms, end_ms), Some(value))
    }

    /// Removes the session. Like a put, it moves the store's time, and returns false for a hidden end.
    pub fn remove(&self, key: &[u8], start_ms: i64, end_ms: i64) -> bool {
        self.0.storage.borrow_mut().session_put(self.0.index, key, (start_ms, end_ms), None)
    }

    /// The value of exactly that session.
    ///
    /// # Errors
    /// The disk's.
    pub fn fetch_session(&self, key: &[u8], start_ms: i64, end_ms: i64) -> Result<Option<SharedBytes>, StoreError> {
        fetch_session(&self.0.storage.borrow().live(self.0.index), key, (start_ms, end_ms))
    }

    /// The sessions of `key` that end at or after `earliest_end_ms` and start at or before `latest_start_ms`, in the
    /// order of ends, then starts.
    ///
    /// # Errors
    /// The disk's.
    pub fn find_sessions(
        &self,
        key: &[u8],
        earliest_end_ms: i64,
        latest_start_ms: i64,
        direction: Direction,
    ) -> Result<SessionEntries, StoreError> {
        let bounds = (earliest_end_ms, latest_start_ms);
        find_sessions(&self.0.storage.borrow().live(self.0.index), key, bounds, direction)
    }

    /// All sessions of `key`.
    ///
    /// # Errors
    /// The disk's.
    pub fn fetch(&self, key: &[u8], direction: Direction) -> Result<SessionEntries, StoreError> {
        self.find_sessions(key, 0, i64::MAX, direction)
    }

    /// The sessions of all keys that end from `earliest_end_ms` to `latest_end_ms`, both inclusive.
    ///
    /// # Errors
    /// The disk's.
    pub fn find_sessions_ending(
        &self,
        earliest_end_ms: i64,
        latest_end_ms: i64,
        direction: Direction,
    ) -> Result<SessionEntries, StoreError> {
        let ends = (earliest_end_ms, latest_end_ms);
        find_sessions_ending(&self.0.storage.borrow().live(self.0.index), ends, direction)
    }

    /// The store's time: the highest session end put, `i64::MIN` if none.
    pub fn observed_stream_time(&self) -> i64 {
        self.0.storage.borrow().stores[self.0.index].now.observed_ms
    }

    /// Sets the store's time, for an owner that keeps it elsewhere too. It is saved with the next commit.
    pub fn set_observed_stream_time(&self, time_ms: i64) {
        self.0.storage.borrow_mut().stores[self.0.index].now.observed_ms = time_ms;
    }

    /// About how many entries there are, hidden ones included.
    pub fn approximate_num_entries(&self) -> u64 {
        super::approximate_entries(&self.0.storage.borrow().live(self.0.index))
    }
}

impl TaskStorage {
    fn session_put(&mut self, index: usize, key: &[u8], (start_ms, end_ms): (i64, i64), value: Option<&[u8]>) -> bool {
        let store = &mut self.stores[index];
        if start_ms < 0 || end_ms < start_ms {
            return false;
        }
        store.now.observed_ms = store.now.observed_ms.max(end_ms);
        if end_ms < store.earliest_visible() {
            return false;
        }
        let table = store.segment_of(end_ms);
        let mut stored_key = std::mem::take(&mut self.scratch);
        stored_key.clear();
        write_session_key(&mut stored_key, key, start_ms, end_ms);
        self.put(index, table, &stored_key, value.map(SharedBytes::from));
        self.scratch = stored_key;
        true
    }
}

pub(crate) fn fetch_session(
    reader: &impl StoreReader,
    key: &[u8],
    (start_ms, end_ms): (i64, i64),
) -> Result<Option<SharedBytes>, StoreError> {
    let Some(segments) = reader.spec().segments() else {
        return Ok(None);
    };
    if end_ms < reader.earliest_visible() || start_ms < 0 {
        return Ok(None);
    }
    reader.get(TableKey::Segment(segments.segment_of(end_ms)), &session_key(key, start_ms, end_ms))
}

pub(crate) fn find_sessions(
    reader: &impl StoreReader,
    key: &[u8],
    (earliest_end_ms, latest_start_ms): (i64, i64),
    direction: Direction,
) -> Result<SessionEntries, StoreError> {
    let earliest_end_ms = earliest_end_ms.max(reader.earliest_visible()).max(0);
    let range = KeyRange {
        from: session_key(key, 0, earliest_end_ms),
        to: Some(after_key(&session_key(key, i64::MAX, i64::MAX))),
    };
    let keys = Keys::One(key.to_vec());
    let filter = Filter::Session { keys, earliest_end_ms, latest_end_ms: i64::MAX, latest_start_ms };
    Entries::of_segments(reader, (earliest_end_ms, i64::MAX), &range, filter, direction).map(SessionEntries)
}

pub(crate) fn find_sessions_ending(
    reader: &impl StoreReader,
    (earliest_end_ms, latest_end_ms): (i64, i64),
    direction: Direction,
) -> Result<SessionEntries, StoreError> {
    let earliest_end_ms = earliest_end_ms.max(reader.earliest_visible()).max(0);
    if latest_end_ms < earliest_end_ms {
        return Ok(SessionEntries(Entries::empty()));
    }
    let filter = Filter::Session { keys: Keys::All, earliest_end_ms, latest_end_ms, latest_start_ms: i64::MAX };
    let ends = (earliest_end_ms, latest_end_ms);
    Entries::of_segments(reader, ends, &KeyRange::all(), filter, direction).map(SessionEntries)
}
