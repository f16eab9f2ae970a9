//! How a table's updates are held back, and how much may wait.

use crate::operators::Wait;
use crate::record::Windowed;
use crate::serde::Serde;
use std::fmt;

/// What the updates of a table wait for (`Suppressed`), with the serdes of the buffer in which they do.
pub struct Suppressed<K, V> {
    pub(crate) keys: Serde<K>,
    pub(crate) values: Serde<V>,
    pub(crate) name: Option<String>,
    pub(crate) until: Until<K>,
    pub(crate) bounds: Bounds,
}

/// When an update comes out.
pub(crate) enum Until<K> {
    /// Once stream time is so far past the time of its key.
    TimeLimit(Wait<K>),
    /// Once stream time is past the window's end by the grace of the windows, which the graph knows.
    WindowCloses(fn(&K, i64) -> i64),
}

impl<K, V> Suppressed<Windowed<K>, V> {
    /// Emits each window once, when it is final: when stream time has passed its end by the grace of the windows. A
    /// buffer that emits early would break that promise, so only strict ones are taken.
    pub fn until_window_closes(keys: Serde<Windowed<K>>, values: Serde<V>, buffer: StrictBufferConfig) -> Self {
        let until = Until::WindowCloses(|windowed: &Windowed<K>, _| windowed.window.end_ms);
        Self { keys, values, name: None, until, bounds: buffer.0 }
    }
}

impl<K, V> Suppressed<K, V> {
    /// Emits the last update of a key once stream time has passed the first one that waits by `limit_ms`.
    ///
    /// # Panics
    /// If `limit_ms` is negative.
    pub fn until_time_limit(limit_ms: i64, keys: Serde<K>, values: Serde<V>, buffer: impl Into<Bounds>) -> Self {
        assert!(limit_ms >= 0, "a time limit must not be negative, not {limit_ms} ms");
        let wait = Wait { time_of: |_, timestamp| timestamp, wait_ms: limit_ms, emits_tombstones: true };
        Self { keys, values, name: None, until: Until::TimeLimit(wait), bounds: buffer.into() }
    }

    /// Names the operation and, as `<name>-store`, its buffer.
    pub fn with_name(self, name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..self }
    }
}

/// Makes the bounds of a buffer.
pub struct BufferConfig;

impl BufferConfig {
    /// As many updates as come. What waits lies in the task's store, its order in memory: the number of keys (in windows
    /// that are open) should be known to have a bound.
    pub fn unbounded() -> StrictBufferConfig {
        StrictBufferConfig(Bounds { max_records: usize::MAX, max_bytes: usize::MAX, when_full: WhenFull::ShutDown })
    }

    /// At most so many updates, else the oldest come out early.
    pub fn max_records(max_records: usize) -> EagerBufferConfig {
        EagerBufferConfig(Bounds { max_records, max_bytes: usize::MAX, when_full: WhenFull::EmitEarly })
    }

    /// At most so many bytes of updates, else the oldest come out early.
    pub fn max_bytes(max_bytes: usize) -> EagerBufferConfig {
        EagerBufferConfig(Bounds { max_records: usize::MAX, max_bytes, when_full: WhenFull::EmitEarly })
    }
}

/// A buffer that never emits early.
#[derive(Clone, Copy, Debug)]
pub struct StrictBufferConfig(Bounds);

/// A bounded buffer that emits the oldest update early when it is full.
#[derive(Clone, Copy, Debug)]
pub struct EagerBufferConfig(Bounds);

impl EagerBufferConfig {
    /// Also at most so many updates.
    pub fn with_max_records(self, max_records: usize) -> Self {
        Self(Bounds { max_records, ..self.0 })
    }

    /// Also at most so many bytes of updates.
    pub fn with_max_bytes(self, max_bytes: usize) -> Self {
        Self(Bounds { max_bytes, ..self.0 })
    }

    /// Rather than emit early, the application stops.
    pub fn shut_down_when_full(self) -> StrictBufferConfig {
        StrictBufferConfig(Bounds { when_full: WhenFull::ShutDown, ..self.0 })
    }
}

/// What may wait in a buffer, and what happens when more comes.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    max_records: usize,
    max_bytes: usize,
    pub(crate) when_full: WhenFull,
}

/// What a full buffer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WhenFull {
    EmitEarly,
    ShutDown,
}

impl Bounds {
    pub(crate) fn are_exceeded_by(&self, (records, bytes): (usize, usize)) -> bool {
        records > self.max_records || bytes > self.max_bytes
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} updates and {} bytes", self.max_records, self.max_bytes)
    }
}

impl From<StrictBufferConfig> for Bounds {
    fn from(buffer: StrictBufferConfig) -> Self {
        buffer.0
    }
}

impl From<EagerBufferConfig> for Bounds {
    fn from(buffer: EagerBufferConfig) -> Self {
        buffer.0
    }
}
