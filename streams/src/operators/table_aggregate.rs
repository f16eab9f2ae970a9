//! count, reduce and aggregate of a grouped table.

use crate::error::StreamsError;
use crate::record::{Change, Data, Record};
use crate::stores::TupleForwarder;
use crate::task::TaskContext;
use crate::topology::Receiver;
use std::sync::Arc;

/// From group, a row's value that enters and the aggregate so far to the new aggregate.
pub(crate) type Adder<K, V, A> = Arc<dyn Fn(&K, V, Option<A>) -> Option<A> + Send + Sync>;
/// From group, a row's value that leaves and the aggregate so far to the new aggregate.
pub(crate) type Subtractor<K, V, A> = Arc<dyn Fn(&K, V, A) -> Option<A> + Send + Sync>;

/// The instance in a task (`KTableAggregate`, `KTableReduce`): first takes the old value out, then puts the new one in,
/// and forwards once. A value cannot leave an aggregate that is not there.
pub(crate) struct TableAggregateNode<K, V, A> {
    pub adder: Adder<K, V, A>,
    pub subtractor: Subtractor<K, V, A>,
    pub table: TupleForwarder<K, A>,
}

impl<K: Data, V: Data, A: Data> Receiver<K, Change<V>> for TableAggregateNode<K, V, A> {
    fn receive(&mut self, ctx: &mut TaskContext, mut record: Record<K, Change<V>>) -> Result<(), StreamsError> {
        let (Some(key), Some(change)) = (record.key.as_ref(), record.value.take()) else {
            return Err(StreamsError::Fatal("a change of a grouped table lacks its group or its values".to_owned()));
        };
        let found = self.table.store.get(key)?;
        let timestamp = found.as_ref().map_or(record.timestamp, |row| row.timestamp.max(record.timestamp));
        let before = found.map(|row| row.value);
        let without = match (change.old, before.clone()) {
            (Some(value), Some(so_far)) => (self.subtractor)(key, value, so_far),
            (_, so_far) => so_far,
        };
        let new = match change.new {
            Some(value) => (self.adder)(key, value, without),
            None => without,
        };
        let old = if self.table.send_old_values { before } else { None };
        self.table.store.put(&record, new.as_ref(), timestamp)?;
        let change = record.with_value(Some(Change { new, old })).with_timestamp(timestamp);
        self.table.maybe_forward(ctx, change)
    }
}
