//! A topic read as a table.

use crate::error::StreamsError;
use crate::record::{Change, Data, Record};
use crate::stores::TupleForwarder;
use crate::task::TaskContext;
use crate::topology::{Outputs, Receiver};

/// The instance in a task (`KTableSource`): stored only if something downstream needs its rows or old values.
pub(crate) enum TableSourceNode<K, V> {
    /// Keeps each row.
    Stored(TupleForwarder<K, V>),
    /// Only passes updates on.
    NotStored(Outputs<K, Change<V>>),
}

impl<K: Data, V: Data> Receiver<K, V> for TableSourceNode<K, V> {
    fn receive(&mut self, ctx: &mut TaskContext, mut record: Record<K, V>) -> Result<(), StreamsError> {
        let Some(key) = record.key.as_ref() else {
            ctx.drop_record();
            return Ok(());
        };
        let new = record.value.take();
        match self {
            Self::NotStored(outputs) => outputs.forward(ctx, record.with_value(Some(Change { new, old: None }))),
            Self::Stored(table) => {
                let before = if table.send_old_values { table.store.get(key)? } else { None };
                table.store.put(&record, new.as_ref(), record.timestamp)?;
                let old = before.map(|row| row.value);
                table.maybe_forward(ctx, record.with_value(Some(Change { new, old })))
            }
        }
    }
}
