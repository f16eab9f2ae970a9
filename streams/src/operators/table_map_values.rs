//! map_values of a table.

use super::getter::ValueGetter;
use crate::error::StreamsError;
use crate::record::{Change, Data, Record, ValueAndTimestamp};
use crate::stores::TupleForwarder;
use crate::task::TaskContext;
use crate::topology::{Outputs, Receiver};
use std::rc::Rc;
use std::sync::Arc;

/// From a row to its new value; `None` deletes the result's row.
pub(crate) type RowMapper<K, V, W> = Arc<dyn Fn(&K, V) -> Option<W> + Send + Sync>;

/// The instance in a task (`KTableMapValues`); never called for a deleted row.
pub(crate) struct TableMapValuesNode<K, V, W> {
    pub mapper: RowMapper<K, V, W>,
    pub send_old_values: bool,
    pub outputs: Outputs<K, Change<W>>,
    pub stored: Option<TupleForwarder<K, W>>,
}

impl<K: Data, V: Data, W: Data> Receiver<K, Change<V>> for TableMapValuesNode<K, V, W> {
    fn receive(&mut self, ctx: &mut TaskContext, mut record: Record<K, Change<V>>) -> Result<(), StreamsError> {
        let (Some(key), Some(change)) = (record.key.as_ref(), record.value.take()) else { return Ok(()) };
        let new = change.new.and_then(|value| (self.mapper)(key, value));
        let old = match (&self.stored, self.send_old_values) {
            (_, false) => None,
            (Some(table), true) => table.store.get(key)?.map(|row| row.value),
            (None, true) => change.old.and_then(|value| (self.mapper)(key, value)),
        };
        if let Some(table) = &self.stored {
            table.store.put(&record, new.as_ref(), record.timestamp)?;
            return table.maybe_forward(ctx, record.with_value(Some(Change { new, old })));
        }
        self.outputs.forward(ctx, record.with_value(Some(Change { new, old })))
    }
}

/// Reads a mapped table that is not stored.
pub(crate) struct MapValuesGetter<K, V, W> {
    pub parent: Rc<dyn ValueGetter<K, V>>,
    pub mapper: RowMapper<K, V, W>,
}

impl<K, V, W> ValueGetter<K, W> for MapValuesGetter<K, V, W> {
    fn get(&self, key: &K) -> Result<Option<ValueAndTimestamp<W>>, StreamsError> {
        let Some(row) = self.parent.get(key)? else { return Ok(None) };
        let mapped = (self.mapper)(key, row.value);
        Ok(mapped.map(|value| ValueAndTimestamp { value, timestamp: row.timestamp }))
    }
}
