//! A source: bytes of a topic become typed records with an event time.

use crate::broker::RawRecord;
use crate::error::StreamsError;
use crate::partitioner::partition_for_key;
use crate::record::{Data, Record};
use crate::serde::{Serde, SerdeError};
use crate::task::{SourceQueueNode, Staged, TaskContext};
use crate::topology::Outputs;
use std::sync::Arc;

/// How a record's event time is found, and what happens when it is negative.
pub enum TimestampExtractor<K, V> {
    /// The record's timestamp; a negative one is bad input (`FailOnInvalidTimestamp`).
    FailOnInvalid,
    /// The record's timestamp; a record with a negative one is dropped (`LogAndSkipOnInvalidTimestamp`).
    LogAndSkipOnInvalid,
    /// The partition's time instead of a negative timestamp (`UsePartitionTimeOnInvalidTimestamp`).
    UsePartitionTimeOnInvalid,
    /// From key and value, in milliseconds since the epoch; a negative result drops the record.
    Custom(Arc<dyn Fn(Option<&K>, Option<&V>, i64) -> i64 + Send + Sync>),
}

impl<K, V> Clone for TimestampExtractor<K, V> {
    fn clone(&self) -> Self {
        match self {
            Self::FailOnInvalid => Self::FailOnInvalid,
            Self::LogAndSkipOnInvalid => Self::LogAndSkipOnInvalid,
            Self::UsePartitionTimeOnInvalid => Self::UsePartitionTimeOnInvalid,
            Self::Custom(extract) => Self::Custom(extract.clone()),
        }
    }
}

impl<K, V> TimestampExtractor<K, V> {
    fn extract(&self, record: &Record<K, V>, partition_time: Option<i64>) -> Result<i64, SerdeError> {
        let time = record.timestamp;
        match self {
            Self::Custom(extract) => Ok(extract(record.key.as_ref(), record.value.as_ref(), time)),
            _ if time >= 0 => Ok(time),
            Self::LogAndSkipOnInvalid => Ok(time),
            Self::FailOnInvalid => Err(SerdeError::invalid(format!("timestamp {time} is negative"))),
            Self::UsePartitionTimeOnInvalid => partition_time.ok_or_else(|| {
                SerdeError::invalid(format!("timestamp {time} is negative and the partition has no time yet"))
            }),
        }
    }
}

/// A rule of the contract that a decoded record must keep: an error names the field.
pub(crate) type Validator<K, V> = Arc<dyn Fn(Option<&K>, Option<&V>) -> Result<(), String> + Send + Sync>;

/// What a source is in the topology.
pub(crate) struct SourceSpec<K, V> {
    pub keys: Serde<K>,
    pub values: Serde<V>,
    pub extractor: TimestampExtractor<K, V>,
    pub validator: Option<Validator<K, V>>,
    /// Refuses records that do not lie where their key belongs.
    pub partition_check: bool,
}

impl<K, V> SourceSpec<K, V> {
    /// A record as its readers see it, its rules checked.
    pub fn decode(&self, topic: &str, raw: &RawRecord) -> Result<Record<K, V>, SerdeError> {
        let key = raw.key.as_ref().map(|bytes| self.keys.deserialize_shared(topic, bytes));
        let value = raw.value.as_ref().map(|bytes| self.values.deserialize_shared(topic, bytes));
        let key = key.transpose().map_err(|e| within("key", e))?;
        let value = value.transpose().map_err(|e| within("value", e))?;
        if let Some(check) = &self.validator {
            check(key.as_ref(), value.as_ref()).map_err(SerdeError::invalid)?;
        }
        Ok(Record { key, value, timestamp: raw.timestamp, headers: raw.headers.clone() })
    }

    /// Its event time; negative: to be dropped.
    pub fn extract_time(&self, record: &Record<K, V>, partition_time: Option<i64>) -> Result<i64, SerdeError> {
        self.extractor.extract(record, partition_time)
    }
}

impl<K, V> Clone for SourceSpec<K, V> {
    fn clone(&self) -> Self {
        Self {
            keys: self.keys.clone(),
            values: self.values.clone(),
            extractor: self.extractor.clone(),
            validator: self.validator.clone(),
            partition_check: self.partition_check,
        }
    }
}

/// A source's queue side for one topic of a task: holds the decoded head.
pub(crate) struct SourceNode<K, V> {
    topic: String,
    spec: SourceSpec<K, V>,
    outputs: Outputs<K, V>,
    head: Option<Record<K, V>>,
    current: Option<Record<K, V>>,
    /// (Partition, partitions of the topic), if known.
    place: Option<(i32, i32)>,
}

impl<K: Data, V: Data> SourceNode<K, V> {
    pub fn new(topic: String, spec: SourceSpec<K, V>, outputs: Outputs<K, V>) -> Self {
        Self { topic, spec, outputs, head: None, current: None, place: None }
    }

    /// A key in the wrong partition would meet another instance of its state than the rest of its records do.
    fn check_place(&self, raw: &RawRecord) -> Result<(), SerdeError> {
        let Some((partition, partitions)) = self.place.filter(|_| self.spec.partition_check) else { return Ok(()) };
        let reason = match raw.key.as_deref().map(|key| partition_for_key(key, partitions)) {
            Some(expected) if expected == partition => return Ok(()),
            Some(expected) => {
                format!("its key belongs into partition {expected} of {partitions}, it is in {partition}")
            }
            None => format!("without a key no partition is right, it is in {partition} of {partitions}"),
        };
        Err(SerdeError::invalid(format!("misrouted: {reason}")))
    }
}

fn within(part: &str, error: SerdeError) -> SerdeError {
    SerdeError { reason: format!("{part}: {}", error.reason), ..error }
}

impl<K: Data, V: Data> SourceQueueNode for SourceNode<K, V> {
    fn set_place(&mut self, partition: i32, partitions: i32) {
        self.place = Some((partition, partitions));
    }

    fn stage(&mut self, raw: &RawRecord, partition_time: Option<i64>) -> Result<Staged, SerdeError> {
        self.check_place(raw)?;
        let mut record = self.spec.decode(&self.topic, raw)?;
        record.timestamp = self.spec.extract_time(&record, partition_time)?;
        if record.timestamp < 0 {
            return Ok(Staged::Dropped);
        }
        let time = record.timestamp;
        self.head = Some(record);
        Ok(Staged::Ready(time))
    }

    fn take(&mut self) {
        self.current = self.head.take();
    }

    fn run(&mut self, ctx: &mut TaskContext) -> Result<(), StreamsError> {
        match self.current.take() {
            Some(record) => self.outputs.forward(ctx, record),
            None => Err(StreamsError::Fatal(format!("source of {} ran without a staged record", self.topic))),
        }
    }

    fn clear(&mut self) {
        (self.head, self.current) = (None, None);
    }
}
