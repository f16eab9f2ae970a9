//! A table's rows on their way to groups: each update leaves its old group and enters its new one.

use crate::error::StreamsError;
use crate::record::{Change, Data, Record};
use crate::task::TaskContext;
use crate::topology::{Outputs, Receiver};
use std::sync::Arc;

/// From a row to its group and what it counts for there; `None` of either leaves the row out.
pub(crate) type RowGrouper<K, V, L, W> = Arc<dyn Fn(&K, V) -> (Option<L>, Option<W>) + Send + Sync>;

/// The instance in a task (`KTableRepartitionMap`). Within one group old and new value travel in one record, so that the
/// aggregate never shows itself without the row; else the old group goes first.
pub(crate) struct TableRepartitionMapNode<K, V, L, W> {
    pub grouper: RowGrouper<K, V, L, W>,
    pub outputs: Outputs<L, Change<W>>,
}

impl<K: Data, V: Data, L: Data + PartialEq, W: Data> Receiver<K, Change<V>> for TableRepartitionMapNode<K, V, L, W> {
    fn receive(&mut self, ctx: &mut TaskContext, mut record: Record<K, Change<V>>) -> Result<(), StreamsError> {
        let (Some(key), Some(change)) = (record.key.take(), record.value.take()) else { return Ok(()) };
        let row = record.with_key(None).with_value(None);
        match (self.group(&key, change.old), self.group(&key, change.new)) {
            (Some((group, old)), Some((same, new))) if group == same => {
                self.send(ctx, row, group, Change { new: Some(new), old: Some(old) })
            }
            (old, new) => {
                if let Some((group, old)) = old {
                    self.send(ctx, row.clone(), group, Change { new: None, old: Some(old) })?;
                }
                match new {
                    Some((group, new)) => self.send(ctx, row, group, Change { new: Some(new), old: None }),
                    None => Ok(()),
                }
            }
        }
    }
}

impl<K, V, L: Data, W: Data> TableRepartitionMapNode<K, V, L, W> {
    fn group(&self, key: &K, value: Option<V>) -> Option<(L, W)> {
        let (group, value) = (self.grouper)(key, value?);
        group.zip(value)
    }

    fn send(
        &self,
        ctx: &mut TaskContext,
        row: Record<L, Change<W>>,
        group: L,
        change: Change<W>,
    ) -> Result<(), StreamsError> {
        self.outputs.forward(ctx, row.with_key(Some(group)).with_value(Some(change)))
    }
}
