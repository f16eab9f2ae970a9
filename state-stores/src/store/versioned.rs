//! Versioned stores: what a key's value was at a time (KIP-889).
//!
//! The main table holds the latest version, `key → valid from ‖ value`, unless that is a delete. Superseded versions are
//! in segments by the time they ceased to be valid: `key ‖ valid to ‖ valid from → 1 ‖ value`, or `0` for a delete. A
//! delete that is the latest version stands there as an empty interval (valid from = valid to), so that it ages too.

use super::entries::{Filter, Keys};
use super::{Direction, Entries, Handle, SessionEntries};
use crate::backend::KeyRange;
use crate::keys::{after_key, session_key};
use crate::storage::{StoreReader, TableKey, VersionWrite};
use crate::{SharedBytes, StoreError, TaskStorage, ValueAndTimestamp};

/// A versioned store of the task. Clones are the same store.
///
/// Its own time is the highest version put. Puts older than it − history are refused; so are reads of a past before
/// that, except where the latest version is as old.
#[derive(Clone)]
pub struct VersionedStore(pub(super) Handle);

/// What became of a put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// Not stored: older than the history kept.
    NotPut,
    /// It is the latest version of its key.
    Latest,
    /// It was valid until that time, where the next version begins.
    Until(i64),
}

/// A version found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionedRecord {
    /// The value, without time.
    pub value: SharedBytes,
    /// The version's timestamp.
    pub valid_from_ms: i64,
    /// The next version's timestamp; `None` for the latest.
    pub valid_to_ms: Option<i64>,
}

impl VersionedStore {
    /// Puts the version of `key` at `timestamp_ms`; `None` is a delete as of then.
    ///
    /// # Errors
    /// The disk's; nothing is written then.
    pub fn put(&self, key: &[u8], value: Option<&[u8]>, timestamp_ms: i64) -> Result<Validity, StoreError> {
        self.0.storage.borrow_mut().versioned_put(self.0.index, key, value, timestamp_ms)
    }

    /// Deletes `key` as of `timestamp_ms`, and returns the version that was valid then.
    ///
    /// # Errors
    /// The disk's; nothing is written then.
    pub fn delete(&self, key: &[u8], timestamp_ms: i64) -> Result<Option<VersionedRecord>, StoreError> {
        let before = self.get_as_of(key, timestamp_ms)?;
        self.put(key, None, timestamp_ms)?;
        Ok(before)
    }

    /// The latest version of `key`; `None` also if that is a delete.
    ///
    /// # Errors
    /// The disk's.
    pub fn get(&self, key: &[u8]) -> Result<Option<VersionedRecord>, StoreError> {
        get_latest(&self.0.storage.borrow().live(self.0.index), key)
    }

    /// The version of `key` that was valid at `as_of_ms`.
    ///
    /// # Errors
    /// The disk's.
    pub fn get_as_of(&self, key: &[u8], as_of_ms: i64) -> Result<Option<VersionedRecord>, StoreError> {
        get_as_of(&self.0.storage.borrow().live(self.0.index), key, as_of_ms)
    }

    /// The store's time: the highest version put, `i64::MIN` if none.
    pub fn observed_stream_time(&self) -> i64 {
        self.0.storage.borrow().stores[self.0.index].now.observed_ms
    }

    /// About how many versions there are, expired ones included.
    pub fn approximate_num_entries(&self) -> u64 {
        super::approximate_entries(&self.0.storage.borrow().live(self.0.index))
    }
}

/// The earliest time whose version can be told. Unlike other stores' retention this bound is inclusive.
fn history_start(reader: &impl StoreReader) -> i64 {
    let observed_ms = reader.observed_ms();
    match reader.spec().segments() {
        Some(segments) if observed_ms != i64::MIN => observed_ms.saturating_sub(segments.retention_ms),
        _ => i64::MIN,
    }
}

pub(crate) fn get_latest(reader: &impl StoreReader, key: &[u8]) -> Result<Option<VersionedRecord>, StoreError> {
    let stored = reader.get(TableKey::Main, key)?;
    Ok(stored.as_deref().and_then(ValueAndTimestamp::decode).map(|latest| VersionedRecord {
        value: latest.value.into(),
        valid_from_ms: latest.timestamp_ms,
        valid_to_ms: None,
    }))
}

pub(crate) fn get_as_of(
    reader: &impl StoreReader,
    key: &[u8],
    as_of_ms: i64,
) -> Result<Option<VersionedRecord>, StoreError> {
    if let Some(latest) = get_latest(reader, key)?
        && latest.valid_from_ms <= as_of_ms
    {
        return Ok(Some(latest));
    }
    if as_of_ms < history_start(reader) {
        return Ok(None);
    }
    let past = first_ending_after(reader, key, as_of_ms)?.filter(|past| past.valid_from_ms <= as_of_ms);
    Ok(past.and_then(|past| {
        let valid_to_ms = Some(past.valid_to_ms);
        Some(VersionedRecord { value: past.value?, valid_from_ms: past.valid_from_ms, valid_to_ms })
    }))
}

/// A superseded version.
struct Past {
    valid_from_ms: i64,
    valid_to_ms: i64,
    value: Option<SharedBytes>,
}

/// The superseded version that ends first after `time_ms`. If it also begins after it, no version but a delete was
/// valid then, and it tells where the next one begins.
fn first_ending_after(reader: &impl StoreReader, key: &[u8], time_ms: i64) -> Result<Option<Past>, StoreError> {
    let earliest_end_ms = time_ms.saturating_add(1).max(0);
    let range = KeyRange {
        from: session_key(key, 0, earliest_end_ms),
        to: Some(after_key(&session_key(key, i64::MAX, i64::MAX))),
    };
    let bounds = (earliest_end_ms, i64::MAX);
    let filter = Filter::Session {
        keys: Keys::One(key.to_vec()),
        earliest_end_ms,
        latest_end_ms: i64::MAX,
        latest_start_ms: i64::MAX,
    };
    let found = SessionEntries(Entries::of_segments(reader, bounds, &range, filter, Direction::Forward)?).next();
    let Some(entry) = found.transpose()? else {
        return Ok(None);
    };
    let value = match entry.value.split_first() {
        Some((1, value)) => Some(value.into()),
        _ => None,
    };
    Ok(Some(Past { valid_from_ms: entry.start_ms, valid_to_ms: entry.end_ms, value }))
}

impl TaskStorage {
    pub(crate) fn versioned_put(
        &mut self,
        index: usize,
        key: &[u8],
        value: Option<&[u8]>,
        at_ms: i64,
    ) -> Result<Validity, StoreError> {
        let live = self.live(index);
        if at_ms < history_start(&live) || at_ms < 0 {
            return Ok(Validity::NotPut);
        }
        // All reads come first: if the disk fails, nothing is half written.
        let latest = get_latest(&live, key)?;
        let past = first_ending_after(&live, key, at_ms)?;
        let store = &mut self.stores[index];
        store.now.observed_ms = store.now.observed_ms.max(at_ms);
        if store.spec.logged {
            let (key, value) = (key.into(), value.map(SharedBytes::from));
            store.version_log.push(VersionWrite { key, value, timestamp_ms: at_ms });
        }
        let next_ms = match (&past, &latest) {
            (Some(past), _) if past.valid_from_ms <= at_ms => Some(past.valid_to_ms),
            (Some(past), _) => Some(past.valid_from_ms),
            (None, Some(latest)) => Some(latest.valid_from_ms).filter(|next| *next > at_ms),
            (None, None) => None,
        };
        match next_ms {
            None => self.put_latest(index, key, value, at_ms, latest),
            Some(next_ms) => {
                let containing = past.filter(|past| past.valid_from_ms <= at_ms);
                self.put_past(index, key, value, (at_ms, next_ms), containing);
            }
        }
        Ok(next_ms.map_or(Validity::Latest, Validity::Until))
    }

    /// The version becomes the latest one; the latest so far, if it is older, becomes past.
    fn put_latest(
        &mut self,
        index: usize,
        key: &[u8],
        value: Option<&[u8]>,
        at_ms: i64,
        latest: Option<VersionedRecord>,
    ) {
        if let Some(latest) = latest.as_ref().filter(|latest| latest.valid_from_ms < at_ms) {
            self.write_past(index, key, (latest.valid_from_ms, at_ms), Some(Some(&latest.value)));
        }
        match value {
            Some(value) => {
                let stored = ValueAndTimestamp { timestamp_ms: at_ms, value }.encode();
                self.put(index, TableKey::Main, key, Some(stored));
                // A delete at the same time may stand there as the latest version.
                self.write_past(index, key, (at_ms, at_ms), None);
            }
            None => {
                if latest.is_some() {
                    self.put(index, TableKey::Main, key, None);
                }
                self.write_past(index, key, (at_ms, at_ms), Some(None));
            }
        }
    }

    /// The version goes in between: what was valid at that time is cut short.
    fn put_past(
        &mut self,
        index: usize,
        key: &[u8],
        value: Option<&[u8]>,
        (at_ms, next_ms): (i64, i64),
        containing: Option<Past>,
    ) {
        if let Some(cut) = containing.filter(|past| past.valid_from_ms < at_ms) {
            self.write_past(index, key, (cut.valid_from_ms, cut.valid_to_ms), None);
            self.write_past(index, key, (cut.valid_from_ms, at_ms), Some(cut.value.as_deref()));
        }
        self.write_past(index, key, (at_ms, at_ms), None);
        self.write_past(index, key, (at_ms, next_ms), Some(value));
    }

    /// Writes (`None`: removes) a superseded version, unless it is out of retention.
    fn write_past(&mut self, index: usize, key: &[u8], (from_ms, to_ms): (i64, i64), value: Option<Option<&[u8]>>) {
        let store = &self.stores[index];
        if to_ms < store.earliest_visible() {
            return;
        }
        let stored = value.map(|value| match value {
            Some(value) => [&[1], value].concat().into(),
            None => SharedBytes::from([0].as_slice()),
        });
        let table = store.segment_of(to_ms);
        self.put(index, table, &session_key(key, from_ms, to_ms), stored);
    }
}
