//! Window stores: (key, window start) → value, hidden and dropped when out of retention.

use super::entries::{Filter, Keys};
use super::{Direction, Entries, Handle, WindowEntries};
use crate::backend::KeyRange;
use crate::keys::{after_key, window_key, write_window_key};
use crate::storage::{StoreReader, TableKey};
use crate::{SharedBytes, StoreError, StoreKind, TaskStorage};

/// A window store of the task. Clones are the same store.
///
/// The store has a time of its own: the highest start put. Entries whose start lies before that time − retention + 1 are
/// hidden at once (one tick later where the specification says so), and dropped with their segment some time later.
#[derive(Clone)]
pub struct WindowStore(pub(super) Handle);

impl WindowStore {
    /// Sets (`None`: removes) the value of the window of `key` that starts at `start_ms`, and moves the store's time.
    /// Returns false, and does nothing else, if that start is hidden already or negative.
    ///
    /// Where duplicates are kept, every put adds an entry and a put of `None` does nothing.
    pub fn put(&self, key: &[u8], value: Option<&[u8]>, start_ms: i64) -> bool {
        self.0.storage.borrow_mut().window_put(self.0.index, key, value, start_ms)
    }

    /// The value of the window of `key` that starts at `start_ms`. Not for stores that keep duplicates.
    ///
    /// # Errors
    /// The disk's.
    pub fn fetch(&self, key: &[u8], start_ms: i64) -> Result<Option<SharedBytes>, StoreError> {
        fetch(&self.0.storage.borrow().live(self.0.index), key, start_ms)
    }

    /// The windows of `key` that start from `from_ms` to `to_ms`, both inclusive, in the order of starts.
    ///
    /// # Errors
    /// The disk's.
    pub fn fetch_range(
        &self,
        key: &[u8],
        from_ms: i64,
        to_ms: i64,
        direction: Direction,
    ) -> Result<WindowEntries, StoreError> {
        fetch_range(&self.0.storage.borrow().live(self.0.index), key, (from_ms, to_ms), direction)
    }

    /// The windows of keys from `from_key` to `to_key` that start from `from_ms` to `to_ms`, all inclusive.
    ///
    /// # Errors
    /// The disk's.
    pub fn fetch_key_range(
        &self,
        from_key: Option<&[u8]>,
        to_key: Option<&[u8]>,
        from_ms: i64,
        to_ms: i64,
        direction: Direction,
    ) -> Result<WindowEntries, StoreError> {
        let times = (from_ms, to_ms);
        fetch_key_range(&self.0.storage.borrow().live(self.0.index), (from_key, to_key), times, direction)
    }

    /// The windows of all keys that start from `from_ms` to `to_ms`, both inclusive.
    ///
    /// # Errors
    /// The disk's.
    pub fn fetch_all(&self, from_ms: i64, to_ms: i64, direction: Direction) -> Result<WindowEntries, StoreError> {
        fetch_all(&self.0.storage.borrow().live(self.0.index), (from_ms, to_ms), direction)
    }

    /// The store's time: the highest start put, `i64::MIN` if none.
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

/// `WindowKeySchema`'s sequence numbers stay non-negative as Java's ints.
const SEQUENCE_MASK: u32 = 0x7fff_ffff;

impl TaskStorage {
    fn window_put(&mut self, index: usize, key: &[u8], value: Option<&[u8]>, start_ms: i64) -> bool {
        let store = &mut self.stores[index];
        let duplicates = matches!(&store.spec.kind, StoreKind::Window(window) if window.retain_duplicates);
        if start_ms < 0 {
            return false;
        }
        if duplicates && value.is_none() {
            return true;
        }
        store.now.observed_ms = store.now.observed_ms.max(start_ms);
        if start_ms < store.earliest_visible() {
            return false;
        }
        let mut sequence = 0;
        if duplicates {
            store.now.sequence = (store.now.sequence + 1) & SEQUENCE_MASK;
            sequence = store.now.sequence;
        }
        let table = store.segment_of(start_ms);
        let mut stored_key = std::mem::take(&mut self.scratch);
        stored_key.clear();
        write_window_key(&mut stored_key, key, start_ms, sequence);
        self.put(index, table, &stored_key, value.map(SharedBytes::from));
        self.scratch = stored_key;
        true
    }
}

pub(crate) fn fetch(reader: &impl StoreReader, key: &[u8], start_ms: i64) -> Result<Option<SharedBytes>, StoreError> {
    let Some(segments) = reader.spec().segments() else {
        return Ok(None);
    };
    if start_ms < reader.earliest_visible() || start_ms < 0 {
        return Ok(None);
    }
    reader.get(TableKey::Segment(segments.segment_of(start_ms)), &window_key(key, start_ms, 0))
}

pub(crate) fn fetch_range(
    reader: &impl StoreReader,
    key: &[u8],
    times: (i64, i64),
    direction: Direction,
) -> Result<WindowEntries, StoreError> {
    let Some((from_ms, to_ms)) = visible(reader, times) else {
        return Ok(WindowEntries(Entries::empty()));
    };
    let range = KeyRange { from: window_key(key, from_ms, 0), to: Some(after_key(&window_key(key, to_ms, u32::MAX))) };
    let filter = Filter::Window { keys: Keys::One(key.to_vec()), from_ms, to_ms };
    Entries::of_segments(reader, (from_ms, to_ms), &range, filter, direction).map(WindowEntries)
}

pub(crate) fn fetch_key_range(
    reader: &impl StoreReader,
    (from_key, to_key): (Option<&[u8]>, Option<&[u8]>),
    times: (i64, i64),
    direction: Direction,
) -> Result<WindowEntries, StoreError> {
    let Some((from_ms, to_ms)) = visible(reader, times) else {
        return Ok(WindowEntries(Entries::empty()));
    };
    let range = KeyRange {
        from: from_key.unwrap_or_default().to_vec(),
        to: to_key.map(|key| after_windows_of_keys_up_to(key, to_ms)),
    };
    let keys = Keys::Between(from_key.map(<[u8]>::to_vec), to_key.map(<[u8]>::to_vec));
    let filter = Filter::Window { keys, from_ms, to_ms };
    Entries::of_segments(reader, (from_ms, to_ms), &range, filter, direction).map(WindowEntries)
}

pub(crate) fn fetch_all(
    reader: &impl StoreReader,
    times: (i64, i64),
    direction: Direction,
) -> Result<WindowEntries, StoreError> {
    let Some((from_ms, to_ms)) = visible(reader, times) else {
        return Ok(WindowEntries(Entries::empty()));
    };
    let filter = Filter::Window { keys: Keys::All, from_ms, to_ms };
    Entries::of_segments(reader, (from_ms, to_ms), &KeyRange::all(), filter, direction).map(WindowEntries)
}

/// The part of a range of times that reads see; `None` if there is none.
fn visible(reader: &impl StoreReader, (from_ms, to_ms): (i64, i64)) -> Option<(i64, i64)> {
    let from_ms = from_ms.max(reader.earliest_visible()).max(0);
    (from_ms <= to_ms).then_some((from_ms, to_ms))
}

/// The first stored key after all of user keys up to `key` (windows up to `to_ms`). A user key that is a prefix of
/// `key` is below it, but its stored key may be above: the start's bytes follow at once.
fn after_windows_of_keys_up_to(key: &[u8], to_ms: i64) -> Vec<u8> {
    let prefixes = (0..=key.len()).filter_map(|length| key.get(..length));
    let last = prefixes.map(|prefix| window_key(prefix, to_ms, u32::MAX)).max().unwrap_or_default();
    after_key(&last)
}
