//! filter and filter_not of a table.

use super::getter::ValueGetter;
use crate::error::StreamsError;
use crate::record::{Change, Data, Record, ValueAndTimestamp};
use crate::stores::TupleForwarder;
use crate::task::TaskContext;
use crate::topology::{Outputs, Receiver};
use std::rc::Rc;
use std::sync::Arc;

/// Whether a row belongs to the result.
pub(crate) type RowPredicate<K, V> = Arc<dyn Fn(&K, &V) -> bool + Send + Sync>;

/// The instance in a task (`KTableFilter`): a row that does not pass becomes a tombstone.
pub(crate) struct TableFilterNode<K, V> {
    pub passes: RowPredicate<K, V>,
    pub send_old_values: bool,
    pub outputs: Outputs<K, Change<V>>,
    pub stored: Option<TupleForwarder<K, V>>,
}

impl<K: Data, V: Data> Receiver<K, Change<V>> for TableFilterNode<K, V> {
    fn receive(&mut self, ctx: &mut TaskContext, mut record: Record<K, Change<V>>) -> Result<(), StreamsError> {
        let (Some(key), Some(change)) = (record.key.as_ref(), record.value.take()) else { return Ok(()) };
        let new = change.new.filter(|value| (self.passes)(key, value));
        let old = match (&self.stored, self.send_old_values) {
            (_, false) => None,
            (Some(table), true) => table.store.get(key)?.map(|row| row.value),
            (None, true) => change.old.filter(|value| (self.passes)(key, value)),
        };
        if self.send_old_values && new.is_none() && old.is_none() {
            return Ok(());
        }
        if let Some(table) = &self.stored {
            table.store.put(&record, new.as_ref(), record.timestamp)?;
            return table.maybe_forward(ctx, record.with_value(Some(Change { new, old })));
        }
        self.outputs.forward(ctx, record.with_value(Some(Change { new, old })))
    }
}

/// Reads a filtered table that is not stored.
pub(crate) struct FilterGetter<K, V> {
    pub parent: Rc<dyn ValueGetter<K, V>>,
    pub passes: RowPredicate<K, V>,
}

impl<K, V> ValueGetter<K, V> for FilterGetter<K, V> {
    fn get(&self, key: &K) -> Result<Option<ValueAndTimestamp<V>>, StreamsError> {
        Ok(self.parent.get(key)?.filter(|row| (self.passes)(key, &row.value)))
    }
}
