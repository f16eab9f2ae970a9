//! The naive stores: sorted maps of everything ever put, filtered at each read.

use crate::reads::{Found, Reads};
use comanda_state_stores::keys::{session_key, window_key};
use comanda_state_stores::{Direction, StoreKind, StoreSpec, Validity};
use std::collections::BTreeMap;

type Bytes = Vec<u8>;

/// All stores of a task.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    pub stores: Vec<ModelStore>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ModelStore {
    pub spec: StoreSpec,
    /// (Segment, stored key) → (user key, start or valid from, end, value); segment 0 for key-value stores.
    entries: BTreeMap<(i64, Bytes), (Bytes, i64, i64, Bytes)>,
    versions: BTreeMap<Bytes, BTreeMap<i64, Option<Bytes>>>,
    observed_ms: i64,
    sequence: u32,
}

/// A write as the change log should have it.
pub type Logged = (Bytes, Option<Bytes>, i64);

impl ModelStore {
    pub fn new(spec: &StoreSpec) -> Self {
        let (entries, versions) = Default::default();
        Self { spec: spec.clone(), entries, versions, observed_ms: i64::MIN, sequence: 0 }
    }

    fn earliest_ms(&self) -> i64 {
        let segments = self.spec.segments().unwrap();
        let tick = if segments.one_tick_more { 0 } else { 1 };
        if self.observed_ms == i64::MIN { i64::MIN } else { self.observed_ms - segments.retention_ms + tick }
    }

    fn set(&mut self, place: (i64, Bytes), entry: Option<(Bytes, i64, i64, Bytes)>) {
        match entry {
            Some(entry) => self.entries.insert(place, entry),
            None => self.entries.remove(&place),
        };
    }

    pub fn put(&mut self, key: &[u8], value: Option<&[u8]>) {
        self.set((0, key.to_vec()), value.map(|value| (key.to_vec(), 0, 0, value.to_vec())));
    }

    pub fn observe_stream_time(&mut self, stream_time_ms: i64) {
        if matches!(self.spec.kind, StoreKind::Ttl { .. }) {
            self.observed_ms = self.observed_ms.max(stream_time_ms);
        }
    }

    /// As a TTL store was told.
    pub fn stream_time_ms(&self) -> i64 {
        if matches!(self.spec.kind, StoreKind::Ttl { .. }) { self.observed_ms } else { i64::MIN }
    }

    /// Key-value entries have no time of their own and are always seen.
    fn is_seen(&self, timestamp_ms: i64) -> bool {
        match self.spec.kind {
            StoreKind::Ttl { ttl_ms } => self.observed_ms == i64::MIN || timestamp_ms + ttl_ms > self.observed_ms,
            _ => true,
        }
    }

    pub fn ttl_put(&mut self, key: &[u8], stored: &[u8], timestamp_ms: i64) -> bool {
        let is_seen = self.is_seen(timestamp_ms);
        if is_seen {
            self.set((0, key.to_vec()), Some((key.to_vec(), timestamp_ms, 0, stored.to_vec())));
        }
        is_seen
    }

    /// The keys deleted, oldest first.
    pub fn delete_expired(&mut self) -> Vec<Bytes> {
        let gone = self.entries.values().filter(|row| !self.is_seen(row.1));
        let mut gone: Vec<(i64, Bytes)> = gone.map(|row| (row.1, row.0.clone())).collect();
        gone.sort();
        let keys: Vec<Bytes> = gone.into_iter().map(|(_, key)| key).collect();
        keys.iter().for_each(|key| self.put(key, None));
        keys
    }

    /// Key-value and live TTL entries; what has no time shows none.
    fn rows(&self, direction: Direction, accept: impl Fn(&[u8]) -> bool) -> Vec<Found> {
        let rows = self.found(direction, |entry| accept(&entry.0) && self.is_seen(entry.1));
        rows.into_iter().map(|(key, _, _, value)| (key, 0, 0, value)).collect()
    }

    /// The stored key written, if any; what the store should answer.
    pub fn window_put(&mut self, key: &[u8], value: Option<&[u8]>, start_ms: i64) -> (bool, Option<Bytes>) {
        let StoreKind::Window(spec) = self.spec.kind.clone() else { panic!() };
        if spec.retain_duplicates && value.is_none() {
            return (true, None);
        }
        self.observed_ms = self.observed_ms.max(start_ms);
        if start_ms < self.earliest_ms() {
            return (false, None);
        }
        self.sequence += u32::from(spec.retain_duplicates);
        let stored = window_key(key, start_ms, self.sequence);
        let place = (start_ms / spec.segments.segment_ms, stored.clone());
        self.set(place, value.map(|value| (key.to_vec(), start_ms, 0, value.to_vec())));
        (true, Some(stored))
    }

    pub fn session_put(&mut self, key: &[u8], times: (i64, i64), value: Option<&[u8]>) -> (bool, Option<Bytes>) {
        let (start_ms, end_ms) = times;
        self.observed_ms = self.observed_ms.max(end_ms);
        if end_ms < self.earliest_ms() {
            return (false, None);
        }
        let stored = session_key(key, start_ms, end_ms);
        let place = (end_ms / self.spec.segments().unwrap().segment_ms, stored.clone());
        self.set(place, value.map(|value| (key.to_vec(), start_ms, end_ms, value.to_vec())));
        (true, Some(stored))
    }

    pub fn versioned_put(&mut self, key: &[u8], value: Option<&[u8]>, at_ms: i64) -> Validity {
        if self.observed_ms != i64::MIN && at_ms < self.history_start() {
            return Validity::NotPut;
        }
        self.observed_ms = self.observed_ms.max(at_ms);
        let versions = self.versions.entry(key.to_vec()).or_default();
        versions.insert(at_ms, value.map(<[u8]>::to_vec));
        match versions.range(at_ms + 1..).next() {
            Some((next, _)) => Validity::Until(*next),
            None => Validity::Latest,
        }
    }

    fn history_start(&self) -> i64 {
        self.observed_ms.saturating_sub(self.spec.segments().unwrap().retention_ms)
    }

    fn found(&self, direction: Direction, accept: impl Fn(&(Bytes, i64, i64, Bytes)) -> bool) -> Vec<Found> {
        let mut found: Vec<Found> = self.entries.values().filter(|entry| accept(entry)).cloned().collect();
        if direction == Direction::Backward {
            found.reverse();
        }
        found
    }
}

impl Reads for Model {
    fn get(&self, store: usize, key: &[u8]) -> Option<Bytes> {
        let store = &self.stores[store];
        let found = store.entries.get(&(0, key.to_vec())).filter(|entry| store.is_seen(entry.1));
        found.map(|entry| entry.3.clone())
    }

    fn range(&self, store: usize, from: Option<&[u8]>, to: Option<&[u8]>, direction: Direction) -> Vec<Found> {
        let inside = |key: &[u8]| from.is_none_or(|from| from <= key) && to.is_none_or(|to| key <= to);
        self.stores[store].rows(direction, inside)
    }

    fn prefix(&self, store: usize, prefix: &[u8], direction: Direction) -> Vec<Found> {
        self.stores[store].rows(direction, |key| key.starts_with(prefix))
    }

    fn window_fetch(&self, store: usize, key: &[u8], start_ms: i64) -> Option<Bytes> {
        let store = &self.stores[store];
        let found = store.found(Direction::Forward, |(k, start, _, _)| {
            k == key && *start == start_ms && *start >= store.earliest_ms()
        });
        found.into_iter().next().map(|entry| entry.3)
    }

    fn window_range(&self, store: usize, key: &[u8], times: (i64, i64), direction: Direction) -> Vec<Found> {
        self.window_keys(store, (Some(key), Some(key)), times, direction)
    }

    fn window_keys(
        &self,
        store: usize,
        (from, to): (Option<&[u8]>, Option<&[u8]>),
        times: (i64, i64),
        direction: Direction,
    ) -> Vec<Found> {
        let store = &self.stores[store];
        store.found(direction, |(key, start, _, _)| {
            from.is_none_or(|from| from <= key)
                && to.is_none_or(|to| key.as_slice() <= to)
                && (times.0..=times.1).contains(start)
                && *start >= store.earliest_ms()
        })
    }

    fn session_fetch(&self, store: usize, key: &[u8], times: (i64, i64)) -> Option<Bytes> {
        let store = &self.stores[store];
        let found = store.found(Direction::Forward, |(k, start, end, _)| {
            k == key && (*start, *end) == times && *end >= store.earliest_ms()
        });
        found.into_iter().next().map(|entry| entry.3)
    }

    fn session_find(&self, store: usize, key: &[u8], bounds: (i64, i64), direction: Direction) -> Vec<Found> {
        let store = &self.stores[store];
        store.found(direction, |(k, start, end, _)| {
            k == key && *end >= bounds.0.max(store.earliest_ms()) && *start <= bounds.1
        })
    }

    fn session_ending(&self, store: usize, ends: (i64, i64), direction: Direction) -> Vec<Found> {
        let store = &self.stores[store];
        store.found(direction, |(_, _, end, _)| (ends.0..=ends.1).contains(end) && *end >= store.earliest_ms())
    }

    fn version(&self, store: usize, key: &[u8], as_of_ms: Option<i64>) -> Option<Found> {
        let store = &self.stores[store];
        let versions = store.versions.get(key)?;
        let (latest_ms, latest) = versions.last_key_value()?;
        let none = i64::MAX;
        if as_of_ms.is_none_or(|as_of| *latest_ms <= as_of) && latest.is_some() {
            return Some((key.to_vec(), *latest_ms, none, latest.clone()?));
        }
        let as_of_ms = as_of_ms?;
        if as_of_ms < store.history_start() {
            return None;
        }
        let (from, value) = versions.range(..=as_of_ms).next_back()?;
        let to = versions.range(as_of_ms + 1..).next().map_or(none, |(to, _)| *to);
        Some((key.to_vec(), *from, to, value.clone()?))
    }
}
