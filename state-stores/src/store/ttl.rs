//! TTL stores: rows that live for a time, by their own timestamps against stream time.
//!
//! A row is hidden as soon as stream time is `ttl_ms` past its timestamp, from reads of the task and of views alike, and
//! deleted later, some rows at a time, through the ordinary write path: so the change log gets its tombstone. A second
//! table holds `timestamp ‖ key` of each row in order; what an interrupted restore or a replaced row leaves in it too
//! much is passed over and removed. The store's own time is the stream time it was last told: without records it stands
//! still, and rows stay as they are.

use super::entries::Filter;
use super::{Direction, Entries, Handle};
use crate::backend::KeyRange;
use crate::storage::{StoreCore, StoreReader, Sweep, TableKey};
use crate::{SharedBytes, StoreError, StoreKind, TaskStorage, ValueAndTimestamp};

/// Expired rows are looked for this many times while a row lives: they take up to a 64th more room than live ones, and a
/// record that makes nothing expire costs no look.
const SWEEPS_PER_TTL: i64 = 64;
/// Bytes of a timestamp in the index.
const TIMESTAMP: usize = 8;
/// Makes negative timestamps come before others as bytes.
const SIGN: u64 = 1 << 63;

/// A TTL store of the task. Clones are the same store. Values come with their timestamp in front
/// ([`ValueAndTimestamp`]).
#[derive(Clone)]
pub struct TtlStore(pub(super) Handle);

impl TtlStore {
    /// Stream time is `stream_time_ms` now: what that makes expire is hidden. It does not go back.
    #[inline]
    pub fn observe_stream_time(&self, stream_time_ms: i64) {
        self.0.storage.borrow_mut().stores[self.0.index].observe(stream_time_ms);
    }

    /// The row of `key`, unless it has expired.
    ///
    /// # Errors
    /// The disk's.
    pub fn get(&self, key: &[u8]) -> Result<Option<SharedBytes>, StoreError> {
        live_row(&self.0.storage.borrow().live(self.0.index), key)
    }

    /// Sets the row of `key`, which lives from `timestamp_ms` on. A row that would have expired already is not put, and
    /// leaves what there is; then the answer is false.
    ///
    /// # Errors
    /// The disk's, of reading the row it replaces.
    pub fn put(&self, key: &[u8], value: &[u8], timestamp_ms: i64) -> Result<bool, StoreError> {
        let mut storage = self.0.storage.borrow_mut();
        if timestamp_ms < storage.stores[self.0.index].earliest_visible() {
            return Ok(false);
        }
        storage.unlist(self.0.index, key, Some(timestamp_ms))?;
        let stored = ValueAndTimestamp { timestamp_ms, value }.encode();
        storage.put(self.0.index, TableKey::Main, key, Some(stored));
        storage.write_index(self.0.index, &expiry_entry(timestamp_ms, key), true);
        Ok(true)
    }

    /// Removes `key`. The change log gets a tombstone, also if it was not there.
    ///
    /// # Errors
    /// The disk's, of reading the row.
    pub fn delete(&self, key: &[u8]) -> Result<(), StoreError> {
        let mut storage = self.0.storage.borrow_mut();
        storage.unlist(self.0.index, key, None)?;
        storage.put(self.0.index, TableKey::Main, key, None);
        Ok(())
    }

    /// Live rows with keys from `from` to `to`, both inclusive, `None` meaning open.
    ///
    /// # Errors
    /// The disk's.
    pub fn range(&self, from: Option<&[u8]>, to: Option<&[u8]>, direction: Direction) -> Result<Entries, StoreError> {
        live_rows(&self.0.storage.borrow().live(self.0.index), &KeyRange::inclusive(from, to), direction)
    }

    /// Live rows whose key starts with `prefix`.
    ///
    /// # Errors
    /// The disk's.
    pub fn prefix(&self, prefix: &[u8], direction: Direction) -> Result<Entries, StoreError> {
        live_rows(&self.0.storage.borrow().live(self.0.index), &KeyRange::prefix(prefix), direction)
    }

    /// Deletes expired rows, oldest first, looking at no more than `limit`; how many it looked at. Rows wait for up to a
    /// 64th of their time to live, so that most calls cost nothing.
    ///
    /// # Errors
    /// The disk's.
    pub fn delete_expired(&self, limit: usize) -> Result<usize, StoreError> {
        let mut storage = self.0.storage.borrow_mut();
        match storage.stores[self.0.index].sweep_due() {
            Some(earliest_ms) => storage.sweep(self.0.index, earliest_ms, limit),
            None => Ok(0),
        }
    }
}

/// The entry of a row in the index by timestamp.
pub(crate) fn expiry_entry(timestamp_ms: i64, key: &[u8]) -> Vec<u8> {
    let mut entry = Vec::with_capacity(TIMESTAMP + key.len());
    entry.extend_from_slice(&place(timestamp_ms));
    entry.extend_from_slice(key);
    entry
}

fn place(timestamp_ms: i64) -> [u8; TIMESTAMP] {
    (timestamp_ms.cast_unsigned() ^ SIGN).to_be_bytes()
}

fn split_entry(entry: &[u8]) -> Option<(i64, &[u8])> {
    let (place, key) = entry.split_first_chunk::<TIMESTAMP>()?;
    Some(((u64::from_be_bytes(*place) ^ SIGN).cast_signed(), key))
}

/// Whether a stored row is seen when `earliest_ms` is the earliest time that is.
pub(super) fn is_live(stored: &[u8], earliest_ms: i64) -> bool {
    ValueAndTimestamp::decode(stored).is_some_and(|row| row.timestamp_ms >= earliest_ms)
}

/// A value of a key-value or TTL store, as anyone may see it.
pub(crate) fn live_row(reader: &impl StoreReader, key: &[u8]) -> Result<Option<SharedBytes>, StoreError> {
    let found = reader.get(TableKey::Main, key)?;
    match reader.spec().kind {
        StoreKind::Ttl { .. } => Ok(found.filter(|stored| is_live(stored, reader.earliest_visible()))),
        _ => Ok(found),
    }
}

/// The same for ranges.
pub(crate) fn live_rows(
    reader: &impl StoreReader,
    range: &KeyRange,
    direction: Direction,
) -> Result<Entries, StoreError> {
    let filter = match reader.spec().kind {
        StoreKind::Ttl { .. } => Filter::Ttl { earliest_ms: reader.earliest_visible() },
        _ => Filter::All,
    };
    Entries::of_main_filtered(reader, range, filter, direction)
}

impl StoreCore {
    fn observe(&mut self, stream_time_ms: i64) {
        self.now.observed_ms = self.now.observed_ms.max(stream_time_ms);
    }

    /// The time before which rows are to be deleted, if it is time to look for them.
    fn sweep_due(&self) -> Option<i64> {
        let earliest_ms = self.earliest_visible();
        (earliest_ms > self.sweep.next_ms).then_some(earliest_ms)
    }

    fn swept(&mut self, from_ms: i64, is_done: bool) {
        let StoreKind::Ttl { ttl_ms } = self.spec.kind else { return };
        let next_ms = if is_done { from_ms.saturating_add(ttl_ms / SWEEPS_PER_TTL) } else { i64::MIN };
        self.sweep = Sweep { from_ms, next_ms };
    }
}

impl TaskStorage {
    /// Tells all TTL stores the task's stream time: before a commit, so that views hide what has expired by then.
    pub fn observe_stream_time(&mut self, stream_time_ms: i64) {
        let ttl = self.stores.iter_mut().filter(|store| matches!(store.spec.kind, StoreKind::Ttl { .. }));
        ttl.for_each(|store| store.observe(stream_time_ms));
    }

    /// Takes the row of `key` out of the index, unless it stands there with the timestamp to come.
    fn unlist(&mut self, index: usize, key: &[u8], to_come_ms: Option<i64>) -> Result<(), StoreError> {
        let mut listed_ms = None;
        self.live(index).read(TableKey::Main, key, &mut |stored| {
            listed_ms = ValueAndTimestamp::decode(stored).map(|row| row.timestamp_ms);
        })?;
        if let Some(timestamp_ms) = listed_ms.filter(|_| listed_ms != to_come_ms) {
            self.write_index(index, &expiry_entry(timestamp_ms, key), false);
        }
        Ok(())
    }

    /// The index has no change log: restoring the rows makes it again.
    fn write_index(&mut self, index: usize, entry: &[u8], listed: bool) {
        let stamp = self.next_stamp();
        let value = listed.then(|| SharedBytes::from([].as_slice()));
        self.stores[index].table_mut(TableKey::EXPIRY).overlay.write(entry, value, stamp, false);
    }

    fn sweep(&mut self, index: usize, earliest_ms: i64, limit: usize) -> Result<usize, StoreError> {
        let from = place(self.stores[index].sweep.from_ms).to_vec();
        let range = KeyRange { from, to: Some(place(earliest_ms).to_vec()) };
        let mut expired = self.live(index).scan(TableKey::EXPIRY, &range, Direction::Forward)?;
        let (mut looked_at, mut reached_ms) = (0, earliest_ms);
        while looked_at < limit {
            let Some((entry, _)) = expired.next(|_| true)? else { break };
            looked_at += 1;
            if let Some((timestamp_ms, key)) = split_entry(&entry) {
                reached_ms = timestamp_ms;
                self.delete_if_of(index, key, timestamp_ms)?;
            }
            self.write_index(index, &entry, false);
        }
        let is_done = looked_at < limit;
        self.stores[index].swept(if is_done { earliest_ms } else { reached_ms }, is_done);
        Ok(looked_at)
    }

    /// Deletes a row if it has that timestamp; else the index was behind.
    fn delete_if_of(&mut self, index: usize, key: &[u8], timestamp_ms: i64) -> Result<(), StoreError> {
        let mut is_of = false;
        self.live(index).read(TableKey::Main, key, &mut |stored| {
            is_of = ValueAndTimestamp::decode(stored).is_some_and(|row| row.timestamp_ms == timestamp_ms);
        })?;
        if is_of {
            self.put(index, TableKey::Main, key, None);
        }
        Ok(())
    }
}
