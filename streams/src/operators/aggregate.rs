//! count, reduce and aggregate of a grouped stream.

use crate::error::StreamsError;
use crate::record::{Change, Data, Record};
use crate::stores::TupleForwarder;
use crate::task::TaskContext;
use crate::topology::Receiver;
use std::sync::Arc;

/// From key, new value and the aggregate so far (`None` before the first) to the new aggregate (`None` deletes it).
pub(crate) type Aggregator<K, V, A> = Arc<dyn Fn(&K, Option<V>, Option<A>) -> Option<A> + Send + Sync>;

/// What an aggregate starts as.
pub(crate) type Initializer<A> = Arc<dyn Fn() -> Option<A> + Send + Sync>;

/// The instance in a task (`KStreamAggregate`, `KStreamReduce`): records without key or value are dropped; the
/// result's time is the highest of its inputs.
pub(crate) struct AggregateNode<K, V, A> {
    /// What an aggregate is before its first value; a reduction has none.
    pub initializer: Option<Initializer<A>>,
    pub aggregator: Aggregator<K, V, A>,
    pub table: TupleForwarder<K, A>,
}

impl<K: Data, V: Data, A: Data> Receiver<K, V> for AggregateNode<K, V, A> {
    fn receive(&mut self, ctx: &mut TaskContext, mut record: Record<K, V>) -> Result<(), StreamsError> {
        let (Some(key), Some(value)) = (record.key.as_ref(), record.value.take()) else {
            ctx.drop_record();
            return Ok(());
        };
        let found = self.table.store.get(key)?;
        let timestamp = found.as_ref().map_or(record.timestamp, |row| row.timestamp.max(record.timestamp));
        // A key's first change carries the initial value as its old one, as in Kafka Streams: a grouping of the result
        // takes that out of a group it never was in (`aggregate-first-change-has-initial-old-value`).
        let before = found.map(|row| row.value).or_else(|| self.initializer.as_ref().and_then(|init| init()));
        let old = if self.table.send_old_values { before.clone() } else { None };
        let new = (self.aggregator)(key, Some(value), before);
        self.table.store.put(&record, new.as_ref(), timestamp)?;
        let change = record.with_value(Some(Change { new, old })).with_timestamp(timestamp);
        self.table.maybe_forward(ctx, change)
    }
}
