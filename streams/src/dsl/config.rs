//! How operations are configured: serdes, names, stores.

use crate::operators::{TimestampExtractor, Validator};
use crate::serde::Serde;
use crate::topology::OffsetReset;
use std::sync::Arc;

/// How a topic is read.
pub struct Consumed<K, V> {
    pub(crate) keys: Serde<K>,
    pub(crate) values: Serde<V>,
    pub(crate) extractor: TimestampExtractor<K, V>,
    pub(crate) validator: Option<Validator<K, V>>,
    pub(crate) partition_check: bool,
    pub(crate) reset: OffsetReset,
    pub(crate) name: Option<String>,
}

impl<K, V> Consumed<K, V> {
    /// With these serdes, the records' timestamps, from the log's start.
    pub fn with(keys: Serde<K>, values: Serde<V>) -> Self {
        Self {
            keys,
            values,
            extractor: TimestampExtractor::FailOnInvalid,
            validator: None,
            partition_check: false,
            reset: OffsetReset::Earliest,
            name: None,
        }
    }

    /// Finds event times by `extractor`.
    pub fn with_timestamp_extractor(self, extractor: TimestampExtractor<K, V>) -> Self {
        Self { extractor, ..self }
    }

    /// Where to start without a committed position.
    pub fn with_offset_reset_policy(self, reset: OffsetReset) -> Self {
        Self { reset, ..self }
    }

    /// Refuses records that break a rule of their contract before they reach any state: they go the way of unreadable
    /// ones. The error names the field.
    pub fn with_validation(
        self,
        check: impl Fn(Option<&K>, Option<&V>) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        Self { validator: Some(Arc::new(check)), ..self }
    }

    /// Refuses records whose key does not belong into the partition that they are in (murmur2, as Kafka's producers
    /// place keys), and records without a key: they would miss the state of their key. They go the way of unreadable
    /// ones, as `misrouted`.
    pub fn with_partition_check(self) -> Self {
        Self { partition_check: true, ..self }
    }

    /// Names the source node.
    pub fn with_name(self, name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..self }
    }
}

/// How a topic is written.
pub struct Produced<K, V> {
    pub(crate) keys: Serde<K>,
    pub(crate) values: Serde<V>,
    pub(crate) name: Option<String>,
}

impl<K, V> Produced<K, V> {
    /// With these serdes.
    pub fn with(keys: Serde<K>, values: Serde<V>) -> Self {
        Self { keys, values, name: None }
    }

    /// Names the sink node.
    pub fn with_name(self, name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..self }
    }
}

/// How a stream is grouped: serdes for a repartition topic, should one be needed, and its name.
pub struct Grouped<K, V> {
    pub(crate) keys: Serde<K>,
    pub(crate) values: Serde<V>,
    pub(crate) name: Option<String>,
}

impl<K, V> Grouped<K, V> {
    /// With these serdes.
    pub fn with(keys: Serde<K>, values: Serde<V>) -> Self {
        Self { keys, values, name: None }
    }

    /// Names the repartition topic `<name>-repartition`.
    pub fn with_name(self, name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..self }
    }
}

/// How a stream is sent through a topic of its own.
pub struct Repartitioned<K, V> {
    pub(crate) keys: Serde<K>,
    pub(crate) values: Serde<V>,
    pub(crate) name: Option<String>,
    pub(crate) partitions: Option<i32>,
}

impl<K, V> Repartitioned<K, V> {
    /// With these serdes.
    pub fn with(keys: Serde<K>, values: Serde<V>) -> Self {
        Self { keys, values, name: None, partitions: None }
    }

    /// Names the topic `<name>-repartition`.
    pub fn with_name(self, name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..self }
    }

    /// Fixes its number of partitions; else it is the largest of the topics that feed it.
    pub fn with_number_of_partitions(self, partitions: i32) -> Self {
        Self { partitions: Some(partitions), ..self }
    }
}

/// How a stream is joined with a table: serdes for a repartition topic, should one be needed.
pub struct Joined<K, V> {
    pub(crate) keys: Serde<K>,
    pub(crate) values: Serde<V>,
    pub(crate) name: Option<String>,
}

impl<K, V> Joined<K, V> {
    /// With the stream's serdes.
    pub fn with(keys: Serde<K>, values: Serde<V>) -> Self {
        Self { keys, values, name: None }
    }

    /// Names the join and its repartition topic.
    pub fn with_name(self, name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..self }
    }
}

/// Where a store lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreType {
    /// On disk, bounded memory.
    RocksDb,
    /// In memory, restored whole.
    InMemory,
}

/// How a table is stored.
pub struct Materialized<K, V> {
    pub(crate) keys: Serde<K>,
    pub(crate) values: Serde<V>,
    pub(crate) name: Option<String>,
    pub(crate) caching: bool,
    pub(crate) logging: bool,
    pub(crate) store_type: Option<StoreType>,
    pub(crate) retention_ms: Option<i64>,
}

impl<K, V> Clone for Materialized<K, V> {
    fn clone(&self) -> Self {
        Self { keys: self.keys.clone(), values: self.values.clone(), name: self.name.clone(), ..*self }
    }
}

impl<K, V> Materialized<K, V> {
    /// With these serdes; the store's name is derived from the operation.
    pub fn with(keys: Serde<K>, values: Serde<V>) -> Self {
        Self { keys, values, name: None, caching: true, logging: true, store_type: None, retention_ms: None }
    }

    /// Names the store, so that it can be queried and survives changes of the topology.
    pub fn named(self, name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..self }
    }

    /// Forwards each update at once, whatever the cache's size.
    pub fn with_caching_disabled(self) -> Self {
        Self { caching: false, ..self }
    }

    /// Writes no change log.
    pub fn with_logging_disabled(self) -> Self {
        Self { logging: false, ..self }
    }

    /// Chooses the kind of store.
    pub fn with_store_type(self, store_type: StoreType) -> Self {
        Self { store_type: Some(store_type), ..self }
    }

    /// Keeps windows longer than size + grace.
    pub fn with_retention_ms(self, retention_ms: i64) -> Self {
        Self { retention_ms: Some(retention_ms), ..self }
    }
}
