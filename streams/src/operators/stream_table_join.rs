//! A stream joined with the table's row of the moment.

use super::getter::ValueGetter;
use crate::error::StreamsError;
use crate::record::{Data, Record};
use crate::task::TaskContext;
use crate::topology::{Outputs, Receiver};
use std::rc::Rc;
use std::sync::Arc;

/// From key, stream value and row (`None` only in a left join) to the result.
pub(crate) type StreamTableJoiner<K, V, T, R> = Arc<dyn Fn(Option<&K>, V, Option<T>) -> Option<R> + Send + Sync>;

/// The instance in a task (`KStreamKTableJoinProcessor`). Records without value are dropped, without key too unless
/// the join is a left one, which joins them with nothing.
pub(crate) struct StreamTableJoinNode<K, V, T, R> {
    pub left: bool,
    pub table: Rc<dyn ValueGetter<K, T>>,
    pub joiner: StreamTableJoiner<K, V, T, R>,
    pub outputs: Outputs<K, R>,
}

impl<K: Data, V: Data, T: Data, R: Data> Receiver<K, V> for StreamTableJoinNode<K, V, T, R> {
    fn receive(&mut self, ctx: &mut TaskContext, mut record: Record<K, V>) -> Result<(), StreamsError> {
        let value = record.value.take();
        let (Some(value), true) = (value, record.key.is_some() || self.left) else {
            ctx.drop_record();
            return Ok(());
        };
        let row = match &record.key {
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
