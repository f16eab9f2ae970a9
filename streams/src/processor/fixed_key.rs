//! Processors that leave the key as it is, so that no repartition is needed after them.

use super::{Processor, ProcessorContext, Schedule};
use crate::broker::Headers;
use crate::error::StreamsError;
use crate::record::{Data, Record};

/// A record whose key cannot be replaced.
#[derive(Clone, Debug, PartialEq)]
pub struct FixedKeyRecord<K, V> {
    key: Option<K>,
    /// Value.
    pub value: Option<V>,
    /// Event time, milliseconds since the epoch.
    pub timestamp: i64,
    /// Headers.
    pub headers: Headers,
}

impl<K, V> FixedKeyRecord<K, V> {
    /// The key.
    pub fn key(&self) -> Option<&K> {
        self.key.as_ref()
    }

    /// The same with another value.
    pub fn with_value<W>(self, value: Option<W>) -> FixedKeyRecord<K, W> {
        FixedKeyRecord { key: self.key, value, timestamp: self.timestamp, headers: self.headers }
    }
}

/// A [`Processor`] that keeps each record's key (Kafka Streams' `FixedKeyProcessor`).
pub trait FixedKeyProcessor<K, VIn, VOut> {
    /// Processes one record; see [`Processor::process`].
    fn process(
        &mut self,
        ctx: &mut FixedKeyProcessorContext<'_, '_, K, VOut>,
        record: FixedKeyRecord<K, VIn>,
    ) -> Result<(), StreamsError>;

    /// Runs when a schedule made at construction is due. It has no record, hence no key to forward under.
    fn punctuate(&mut self, _schedule: &Schedule, _timestamp_ms: i64) -> Result<(), StreamsError> {
        Ok(())
    }
}

/// What a fixed-key processor may do while it runs.
pub struct FixedKeyProcessorContext<'a, 'b, K, V> {
    inner: &'a mut ProcessorContext<'b, K, V>,
}

impl<K: Data, V: Data> FixedKeyProcessorContext<'_, '_, K, V> {
    /// Gives a record to all children, each to completion.
    pub fn forward(&mut self, record: FixedKeyRecord<K, V>) -> Result<(), StreamsError> {
        let FixedKeyRecord { key, value, timestamp, headers } = record;
        self.inner.forward(Record { key, value, timestamp, headers })
    }

    /// The task's stream time; -1 before the first record.
    pub fn current_stream_time_ms(&self) -> i64 {
        self.inner.current_stream_time_ms()
    }

    /// The runtime's clock at this step.
    pub fn current_system_time_ms(&self) -> i64 {
        self.inner.current_system_time_ms()
    }

    /// See [`ProcessorContext::is_caught_up`].
    pub fn is_caught_up(&self) -> bool {
        self.inner.is_caught_up()
    }

    /// Counts a record that is left out on purpose (`dropped-records-total`).
    pub fn drop_record(&mut self) {
        self.inner.drop_record();
    }
}

/// A fixed-key processor as the node that runs it.
pub(crate) struct FixedKey<P>(pub P);

impl<P, K: Data, VIn, VOut: Data> Processor<K, VIn, K, VOut> for FixedKey<P>
where
    P: FixedKeyProcessor<K, VIn, VOut>,
{
    fn process(&mut self, ctx: &mut ProcessorContext<'_, K, VOut>, record: Record<K, VIn>) -> Result<(), StreamsError> {
        let Record { key, value, timestamp, headers } = record;
        let record = FixedKeyRecord { key, value, timestamp, headers };
        self.0.process(&mut FixedKeyProcessorContext { inner: ctx }, record)
    }

    fn punctuate(
        &mut self,
        _ctx: &mut ProcessorContext<'_, K, VOut>,
        schedule: &Schedule,
        timestamp_ms: i64,
    ) -> Result<(), StreamsError> {
        self.0.punctuate(schedule, timestamp_ms)
    }
}
