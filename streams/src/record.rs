//! What flows between nodes: records, changes of tables, windowed keys.

use crate::broker::Headers;
use std::fmt;

/// A type that records may carry as key or value. Large ones should be cheap to clone (`Arc`, `Bytes`): a fan-out
/// clones once per further child.
pub trait Data: Clone + 'static {}

impl<T: Clone + 'static> Data for T {}

/// A record between two nodes. `None` is Kafka's null.
#[derive(Clone, Debug, PartialEq)]
pub struct Record<K, V> {
    /// Key.
    pub key: Option<K>,
    /// Value.
    pub value: Option<V>,
    /// Event time, milliseconds since the epoch.
    pub timestamp: i64,
    /// Headers.
    pub headers: Headers,
}

impl<K, V> Record<K, V> {
    /// A record without headers.
    pub fn new(key: impl Into<Option<K>>, value: impl Into<Option<V>>, timestamp: i64) -> Self {
        Self { key: key.into(), value: value.into(), timestamp, headers: Headers::EMPTY }
    }

    /// The same with another value.
    pub fn with_value<W>(self, value: Option<W>) -> Record<K, W> {
        Record { key: self.key, value, timestamp: self.timestamp, headers: self.headers }
    }

    /// The same with another key.
    pub fn with_key<L>(self, key: Option<L>) -> Record<L, V> {
        Record { key, value: self.value, timestamp: self.timestamp, headers: self.headers }
    }

    /// The same at another time.
    pub fn with_timestamp(self, timestamp: i64) -> Self {
        Self { timestamp, ..self }
    }
}

/// An update of a table's row. `old` is filled only if somebody downstream asked for old values.
#[derive(Clone, Debug, PartialEq)]
pub struct Change<V> {
    /// The row after the update; `None` when deleted.
    pub new: Option<V>,
    /// The row before.
    pub old: Option<V>,
}

/// A value and the time it was last changed, as timestamped stores keep it.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueAndTimestamp<V> {
    /// Value.
    pub value: V,
    /// Milliseconds since the epoch.
    pub timestamp: i64,
}

/// A window of event time. Time windows end before `end_ms`, session and sliding windows with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window {
    /// First millisecond.
    pub start_ms: i64,
    /// End, exclusive or inclusive as the kind says.
    pub end_ms: i64,
}

/// A key within a window.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Windowed<K> {
    /// The key that was grouped by.
    pub key: K,
    /// The window.
    pub window: Window,
}

impl<K: fmt::Display> fmt::Display for Windowed<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}/{}", self.key, self.window.start_ms, self.window.end_ms)
    }
}
