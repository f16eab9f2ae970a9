//! One store inside the task: its tables, its own times, and how it is read.

use crate::backend::{Backend, TableId};
use crate::overlay::{Overlay, Undrained};
use crate::positions::{ChangelogOrigin, SavedStore};
use crate::{SharedBytes, StoreError, StoreKind, StoreSpec, ValueAndTimestamp};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which of a task's backends holds a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Home {
    Persistent,
    Memory,
}

/// A table of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TableKey {
    /// Key-value entries, or the latest versions.
    Main,
    /// Entries of one stretch of time.
    Segment(i64),
}

impl TableKey {
    /// The index of a TTL store by timestamp: such stores have no segments.
    pub const EXPIRY: Self = Self::Segment(0);
}

/// A backend's table under its overlay. Without a number the backend has no such table yet.
#[derive(Default)]
pub(crate) struct Table {
    pub overlay: Overlay,
    pub backend: Option<TableId>,
}

/// Room for a drain, kept from one to the next.
#[derive(Default)]
pub(crate) struct Drained {
    /// Of all tables of a store: the write, the table's number.
    writes: Vec<(Undrained, u32)>,
    table: Vec<Undrained>,
}

/// What a store knows besides its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OwnTimes {
    /// Highest time put; `i64::MIN` if none.
    pub observed_ms: i64,
    /// Last number given to a duplicate.
    pub sequence: u32,
}

/// Nothing put yet.
pub(crate) const UNOBSERVED: OwnTimes = OwnTimes { observed_ms: i64::MIN, sequence: 0 };

pub(crate) struct StoreCore {
    pub spec: StoreSpec,
    pub home: Home,
    /// Unused by window and session stores.
    pub main: Table,
    pub segments: BTreeMap<i64, Table>,
    /// As the uncommitted, committed and applied state have them.
    pub now: OwnTimes,
    pub committed: OwnTimes,
    pub applied: OwnTimes,
    /// Saved with the next batch.
    pub origin: Option<ChangelogOrigin>,
    /// TTL stores: how far expired rows are deleted.
    pub sweep: Sweep,
    /// Versioned stores: what the change log has not seen (their entries are not what it holds).
    pub version_log: Vec<VersionWrite>,
}

/// Where deleting the expired rows of a TTL store goes on. Only saves looking: from the beginning is right as well.
#[derive(Clone, Copy)]
pub(crate) struct Sweep {
    /// No row is older.
    pub from_ms: i64,
    /// Nothing is looked for until that time is hidden.
    pub next_ms: i64,
}

impl Sweep {
    pub const FROM_THE_BEGINNING: Self = Self { from_ms: i64::MIN, next_ms: i64::MIN };
}

/// A put of a versioned store, as its change log holds it.
pub(crate) struct VersionWrite {
    pub key: SharedBytes,
    pub value: Option<SharedBytes>,
    pub timestamp_ms: i64,
}

impl StoreCore {
    pub fn new(spec: StoreSpec, home: Home, times: OwnTimes) -> Self {
        let (main, segments) = Default::default();
        let (now, committed, applied) = (times, times, times);
        let (sweep, version_log) = (Sweep::FROM_THE_BEGINNING, Vec::new());
        Self { spec, home, main, segments, now, committed, applied, origin: None, sweep, version_log }
    }

    /// What its stored bytes mean: state of another layout cannot be taken over.
    pub fn layout(&self) -> Arc<str> {
        let timestamped = if self.spec.timestamped { "+timestamp" } else { "" };
        let layout = match (&self.spec.kind, self.spec.segments()) {
            (StoreKind::Window(window), Some(s)) if window.retain_duplicates => {
                format!("window+duplicates/{}{timestamped}", s.segment_ms)
            }
            (_, Some(segments)) => format!("{}/{}{timestamped}", self.spec.kind_name(), segments.segment_ms),
            (_, None) => format!("{}{timestamped}", self.spec.kind_name()),
        };
        layout.into()
    }

    /// Whether it has a table outside its segments.
    pub fn has_main(&self) -> bool {
        matches!(self.spec.kind, StoreKind::KeyValue | StoreKind::Versioned(_) | StoreKind::Ttl { .. })
    }

    pub fn saved(&self) -> SavedStore {
        let OwnTimes { observed_ms, sequence } = self.committed;
        SavedStore { layout: self.layout(), observed_ms, sequence, origin: self.origin }
    }

    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        std::iter::once(&self.main).chain(self.segments.values())
    }

    fn tables_mut(&mut self) -> impl Iterator<Item = &mut Table> {
        std::iter::once(&mut self.main).chain(self.segments.values_mut())
    }

    pub fn table(&self, key: TableKey) -> Option<&Table> {
        match key {
            TableKey::Main => Some(&self.main),
            TableKey::Segment(id) => self.segments.get(&id),
        }
    }

    pub fn table_mut(&mut self, key: TableKey) -> &mut Table {
        match key {
            TableKey::Main => &mut self.main,
            TableKey::Segment(id) => self.segments.entry(id).or_default(),
        }
    }

    /// The earliest time that reads see now.
    pub fn earliest_visible(&self) -> i64 {
        self.spec.earliest_visible(self.now.observed_ms)
    }

    /// The segment of `time_ms`. Key-value stores have none.
    pub fn segment_of(&self, time_ms: i64) -> TableKey {
        self.spec.segments().map_or(TableKey::Main, |segments| TableKey::Segment(segments.segment_of(time_ms)))
    }

    /// Shows what the change log has not seen, in its form: see [`crate::TaskStorage::drain_uncommitted`].
    pub fn drain<E>(
        &mut self,
        room: &mut Drained,
        mut emit: impl FnMut(&[u8], Option<&[u8]>, i64) -> Result<(), E>,
    ) -> Result<(), E> {
        for write in self.version_log.drain(..) {
            emit(&write.key, write.value.as_deref(), write.timestamp_ms)?;
        }
        if matches!(self.spec.kind, StoreKind::Versioned(_)) {
            return Ok(());
        }
        room.writes.clear();
        for (table, number) in self.tables_mut().zip(0u32..) {
            room.table.clear();
            table.overlay.take_undrained(&mut room.table);
            room.writes.extend(room.table.iter().map(|write| (*write, number)));
        }
        // Nearly in order already, which this sort makes use of.
        room.writes.sort_by_key(|((stamp, _), _)| *stamp);
        let tables: Vec<&Table> = self.tables().collect();
        for (write, number) in &room.writes {
            let Some(table) = tables.get(*number as usize) else {
                continue;
            };
            let (key, stored, written_ms) = table.overlay.drained(*write);
            match stored.filter(|_| self.spec.timestamped).and_then(ValueAndTimestamp::decode) {
                Some(split) => emit(key, Some(split.value), split.timestamp_ms)?,
                None => emit(key, stored, written_ms)?,
            }
        }
        Ok(())
    }

    pub fn commit(&mut self) {
        self.tables_mut().for_each(|table| table.overlay.commit());
        self.version_log.clear();
        self.committed = self.now;
    }

    pub fn abort(&mut self) {
        self.tables_mut().for_each(|table| table.overlay.abort());
        self.segments.retain(|_, table| table.backend.is_some() || !table.overlay.is_clean());
        self.version_log.clear();
        self.now = self.committed;
        self.sweep = Sweep::FROM_THE_BEGINNING;
    }

    /// The backend has what is committed; up to `cache_bytes` of it stay readable above.
    pub fn applied(&mut self, cache_bytes: usize) {
        let share = cache_bytes / self.tables().count();
        self.tables_mut().for_each(|table| table.overlay.applied(share));
        self.applied = self.committed;
    }

    pub fn open_missing_tables(&mut self, backend: &mut dyn Backend) -> Result<(), StoreError> {
        let (spec, segments) = (&self.spec, &mut self.segments);
        for (id, table) in segments.iter_mut().filter(|(_, table)| table.backend.is_none()) {
            if table.overlay.has_unapplied() {
                table.backend = Some(backend.open_table(&table_name(spec, TableKey::Segment(*id)))?);
            }
        }
        Ok(())
    }

    /// What the applied state hides can be dropped: whatever is put from now on is later.
    pub fn drop_expired_segments(&mut self, backend: &mut dyn Backend) -> Result<(), StoreError> {
        let Some(segments) = self.spec.segments() else {
            return Ok(());
        };
        let first_kept = segments.segment_of(segments.earliest_visible(self.applied.observed_ms));
        while let Some(first) = self.segments.first_entry().filter(|first| *first.key() < first_kept) {
            if let Some(table) = first.get().backend {
                backend.drop_table(table)?;
            }
            first.remove();
        }
        Ok(())
    }
}

/// A table's name in its backend; the store's name comes last because it may contain anything.
pub(super) fn table_name(spec: &StoreSpec, key: TableKey) -> String {
    match key {
        TableKey::Main => format!("main.{}", spec.name),
        TableKey::Segment(id) => format!("segment.{id}.{}", spec.name),
    }
}

/// The store's name and the table, from a table's name.
pub(super) fn parse_table_name(name: &str) -> Option<(&str, TableKey)> {
    match name.split_once('.')? {
        ("main", store) => Some((store, TableKey::Main)),
        ("segment", rest) => {
            let (id, store) = rest.split_once('.')?;
            Some((store, TableKey::Segment(id.parse().ok()?)))
        }
        _ => None,
    }
}
