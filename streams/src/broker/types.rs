//! What travels through the port: partitions, records, headers.

use bytes::Bytes;
use std::fmt;
use std::sync::Arc;

/// A topic's name and one of its partitions.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicPartition {
    /// Topic name.
    pub topic: Arc<str>,
    /// Partition number, from 0.
    pub partition: i32,
}

impl TopicPartition {
    /// The partition `partition` of `topic`.
    pub fn new(topic: impl Into<Arc<str>>, partition: i32) -> Self {
        Self { topic: topic.into(), partition }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

/// A record's headers; empty ones take no allocation, a clone shares.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(Option<Arc<Vec<(Arc<str>, Option<Bytes>)>>>);

impl Headers {
    /// No headers.
    pub const EMPTY: Headers = Headers(None);

    /// Headers in the order given; names may repeat (Kafka allows it).
    pub fn new(entries: Vec<(Arc<str>, Option<Bytes>)>) -> Self {
        if entries.is_empty() { Self(None) } else { Self(Some(Arc::new(entries))) }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// All headers in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&[u8]>)> {
        self.0.iter().flat_map(|all| all.iter()).map(|(name, value)| (&**name, value.as_deref()))
    }

    /// The last value of `name`, as Kafka's `lastHeader`.
    pub fn last(&self, name: &str) -> Option<&[u8]> {
        self.0.as_ref()?.iter().rev().find(|(n, _)| &**n == name)?.1.as_deref()
    }

    /// Appends one header (copies the list if it is shared).
    pub fn add(&mut self, name: &str, value: Option<Bytes>) {
        let list = self.0.get_or_insert_with(Default::default);
        Arc::make_mut(list).push((name.into(), value));
    }

    /// Bytes they take, for queue bounds.
    pub fn size(&self) -> usize {
        self.iter().map(|(name, value)| name.len() + value.map_or(0, <[u8]>::len)).sum()
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|(k, v)| (k, v.map(String::from_utf8_lossy)))).finish()
    }
}

/// A record as Kafka holds it. Its topic and partition are known from where it was fetched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawRecord {
    /// Offset in its partition.
    pub offset: i64,
    /// Milliseconds since the epoch, as the topic's `message.timestamp.type` says.
    pub timestamp: i64,
    /// Key bytes; `None` is Kafka's null.
    pub key: Option<Bytes>,
    /// Value bytes; `None` is a tombstone.
    pub value: Option<Bytes>,
    /// Headers.
    pub headers: Headers,
}

impl RawRecord {
    /// Bytes it takes in a queue.
    pub fn size(&self) -> usize {
        const FIXED: usize = std::mem::size_of::<RawRecord>();
        FIXED
            + self.key.as_ref().map_or(0, Bytes::len)
            + self.value.as_ref().map_or(0, Bytes::len)
            + self.headers.size()
    }
}
