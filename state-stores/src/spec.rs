//! What a store is: its kind, its times, where it lives, whether it is change-logged.

use crate::StoreError;
use std::sync::Arc;

/// Kafka Streams' lower bound for a segment (`Stores.persistentWindowStore`): shorter ones mean too many tables.
const SHORTEST_DEFAULT_SEGMENT_MS: i64 = 60_000;

/// A store of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSpec {
    /// Name, unique in the task.
    pub name: Arc<str>,
    /// Kind and times.
    pub kind: StoreKind,
    /// On disk (if the task has one) rather than in memory.
    pub persistent: bool,
    /// Whether its writes go to a change log.
    pub logged: bool,
    /// Values start with an 8-byte timestamp (see [`crate::ValueAndTimestamp`]), which the change log carries as the
    /// record's timestamp instead.
    pub timestamped: bool,
    /// Header `v` of the change log's values: where Kafka Streams tells several formats of a store's values apart by it.
    pub changelog_version: Option<u8>,
}

/// A store's kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// Key → value. Lists of values under one key (Kafka Streams' list stores) are encoded by the caller.
    KeyValue,
    /// (key, window start) → value.
    Window(WindowSpec),
    /// (key, session start, session end) → value. Its time is the end.
    Session(SegmentedSpec),
    /// (key, valid from) → value, readable as of a time.
    Versioned(SegmentedSpec),
    /// Key → timestamp and value, hidden once stream time is `ttl_ms` past the timestamp, and deleted soon after.
    Ttl {
        /// How long a row lives.
        ttl_ms: i64,
    },
}

/// How long a store keeps what, and in what pieces it forgets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentedSpec {
    /// What is older than the store's time − retention + 1 is hidden. For versioned stores: the history kept.
    pub retention_ms: i64,
    /// Length of a segment, which is dropped as a whole once all of it is hidden.
    pub segment_ms: i64,
    /// Reads see one millisecond more (start ≥ time − retention), as Kafka Streams' RocksDB stores behind emit-on-close
    /// do; in-memory ones and all others do not. Pinned by the oracle's `emit-final-*` cases.
    pub one_tick_more: bool,
}

/// A window store's times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowSpec {
    /// Retention and segments; the store's time is the highest window start put.
    pub segments: SegmentedSpec,
    /// Length of a window. The store itself needs it only for whoever reads its windows.
    pub window_size_ms: i64,
    /// Keep every put under one (key, start) by a sequence number (stream-stream joins); a put of null is then ignored.
    pub retain_duplicates: bool,
}

impl StoreSpec {
    fn new(name: &str, kind: StoreKind) -> Self {
        Self { name: name.into(), kind, persistent: true, logged: true, timestamped: false, changelog_version: None }
    }

    /// A key-value store: persistent, logged, plain values.
    pub fn key_value(name: &str) -> Self {
        Self::new(name, StoreKind::KeyValue)
    }

    /// A window store without duplicates: persistent, logged, plain values, Kafka Streams' segment length.
    pub fn window(name: &str, retention_ms: i64, window_size_ms: i64) -> Self {
        let segments = SegmentedSpec::new(retention_ms);
        Self::new(name, StoreKind::Window(WindowSpec { segments, window_size_ms, retain_duplicates: false }))
    }

    /// A session store: persistent, logged, plain values, Kafka Streams' segment length.
    pub fn session(name: &str, retention_ms: i64) -> Self {
        Self::new(name, StoreKind::Session(SegmentedSpec::new(retention_ms)))
    }

    /// A versioned store: persistent, logged.
    pub fn versioned(name: &str, history_ms: i64) -> Self {
        Self::new(name, StoreKind::Versioned(SegmentedSpec::new(history_ms)))
    }

    /// A store whose rows live for `ttl_ms` of stream time: persistent, logged, values with timestamps.
    pub fn ttl(name: &str, ttl_ms: i64) -> Self {
        Self::new(name, StoreKind::Ttl { ttl_ms }).timestamped()
    }

    /// The same, in memory.
    pub fn in_memory(mut self) -> Self {
        self.persistent = false;
        self
    }

    /// The same, without change log.
    pub fn unlogged(mut self) -> Self {
        self.logged = false;
        self
    }

    /// The same, with values that start with a timestamp.
    pub fn timestamped(mut self) -> Self {
        self.timestamped = true;
        self
    }

    /// The same, whose change log tells the format of its values.
    pub fn changelog_version(mut self, version: u8) -> Self {
        self.changelog_version = Some(version);
        self
    }

    /// The same, keeping duplicates (window stores; no effect on others).
    pub fn retain_duplicates(mut self) -> Self {
        if let StoreKind::Window(window) = &mut self.kind {
            window.retain_duplicates = true;
        }
        self
    }

    /// The same with segments of that length (no effect on key-value stores).
    pub fn segment_ms(mut self, segment_ms: i64) -> Self {
        if let Some(segments) = self.segments_mut() {
            segments.segment_ms = segment_ms;
        }
        self
    }

    /// The same, whose reads see one tick more: see [`SegmentedSpec::one_tick_more`] (no effect on key-value stores).
    pub fn one_tick_more(mut self) -> Self {
        if let Some(segments) = self.segments_mut() {
            segments.one_tick_more = true;
        }
        self
    }

    /// The store's segments, unless it is a key-value or TTL store.
    pub fn segments(&self) -> Option<&SegmentedSpec> {
        match &self.kind {
            StoreKind::KeyValue | StoreKind::Ttl { .. } => None,
            StoreKind::Window(window) => Some(&window.segments),
            StoreKind::Session(segments) | StoreKind::Versioned(segments) => Some(segments),
        }
    }

    fn segments_mut(&mut self) -> Option<&mut SegmentedSpec> {
        match &mut self.kind {
            StoreKind::KeyValue | StoreKind::Ttl { .. } => None,
            StoreKind::Window(window) => Some(&mut window.segments),
            StoreKind::Session(segments) | StoreKind::Versioned(segments) => Some(segments),
        }
    }

    /// The earliest time that reads see when the store's own time is `observed_ms` (`i64::MIN`: nothing seen yet).
    pub fn earliest_visible(&self, observed_ms: i64) -> i64 {
        match &self.kind {
            StoreKind::Ttl { .. } if observed_ms == i64::MIN => i64::MIN,
            StoreKind::Ttl { ttl_ms } => observed_ms.saturating_sub(*ttl_ms).saturating_add(1),
            _ => self.segments().map_or(i64::MIN, |segments| segments.earliest_visible(observed_ms)),
        }
    }

    /// Whether the change log must keep every write instead of the last one per key.
    pub fn keeps_every_write(&self) -> bool {
        match &self.kind {
            StoreKind::KeyValue | StoreKind::Session(_) | StoreKind::Ttl { .. } => false,
            StoreKind::Window(window) => window.retain_duplicates,
            StoreKind::Versioned(_) => true,
        }
    }

    pub(crate) fn kind_name(&self) -> &'static str {
        match self.kind {
            StoreKind::KeyValue => "key-value",
            StoreKind::Window(_) => "window",
            StoreKind::Session(_) => "session",
            StoreKind::Versioned(_) => "versioned",
            StoreKind::Ttl { .. } => "ttl",
        }
    }

    pub(crate) fn check(&self) -> Result<(), StoreError> {
        let reason = match (&self.kind, self.segments()) {
            (StoreKind::Ttl { ttl_ms }, _) if *ttl_ms < 1 => "a row must live for at least 1 ms",
            (_, Some(s)) if s.segment_ms < 1 => "a segment must last at least 1 ms",
            (_, Some(s)) if s.retention_ms < 0 => "the retention must not be negative",
            _ => return Ok(()),
        };
        Err(StoreError::BadSpec { store: self.name.to_string(), reason })
    }
}

impl SegmentedSpec {
    /// That retention with Kafka Streams' default segments: half of it, at least a minute.
    pub fn new(retention_ms: i64) -> Self {
        let segment_ms = (retention_ms / 2).max(SHORTEST_DEFAULT_SEGMENT_MS);
        Self { retention_ms, segment_ms, one_tick_more: false }
    }

    /// The segment that `time_ms` falls into.
    pub fn segment_of(&self, time_ms: i64) -> i64 {
        time_ms.div_euclid(self.segment_ms)
    }

    /// The earliest time that reads see when the store's own time is `observed_ms` (`i64::MIN`: nothing seen yet).
    pub fn earliest_visible(&self, observed_ms: i64) -> i64 {
        if observed_ms == i64::MIN {
            return i64::MIN;
        }
        observed_ms.saturating_sub(self.retention_ms).saturating_add(if self.one_tick_more { 0 } else { 1 })
    }
}
