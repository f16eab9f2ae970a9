//! A stream joined with a global table's row of the moment, found by a key of the record's choice.

use super::getter::ValueGetter;
use super::stream_table_join::StreamTableJoiner;
use crate::error::StreamsError;
use crate::record::{Data, Record};
use crate::task::TaskContext;
use crate::topology::{Outputs, Receiver};
use std::rc::Rc;
use std::sync::Arc;

/// From key and value of the stream's record to the row's key; `None`: no row.
pub(crate) type KeySelector<K, V, G> = Arc<dyn Fn(Option<&K>, &V) -> Option<G> + Send + Sync>;

/// The instance in a task (`KStreamGlobalKTableJoin`). Records without value are dropped; without the row's key too, unless
/// the join is a left one, which joins them with nothing (KIP-962).
pub(crate) struct StreamGlobalJoinNode<K, V, G, T, R> {
    pub left: bool,
    pub key_of: KeySelector<K, V, G>,
    pub table: Rc<dyn ValueGetter<G, T>>,
    pub joiner: StreamTableJoiner<K, V, T, R>,
    pub outputs: Outputs<K, R>,
}

impl<K: Data, V: Data, G: Data, T: Data, R: Data> Receiver<K, V> for StreamGlobalJoinNode<K, V, G, T, R> {
    fn receive(&mut self, ctx: &mut TaskContext, mut record: Record<K, V>) -> Result<(), StreamsError> {
        let Some(value) = record.value.take() else {
            ctx.drop_record();
            return Ok(());
        };
        let key = (self.key_of)(record.key.as_ref(), &value);
        if key.is_none() && !self.left {
            ctx.drop_record();
            return Ok(());
        }
        let row = match &key {
            Some(key) => self.table.get(key)?.map(|row| row.value),
            None => None,
        };
        if row.is_none() && !self.left {
            return Ok(());
        }
        let joined = (self.joiner)(record.key.as_ref(), value, row);
        self.outputs.forward(ctx, record.with_value(joined))
    }
}
