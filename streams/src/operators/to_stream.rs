//! A table's updates as a stream.

use crate::error::StreamsError;
use crate::record::{Change, Data, Record};
use crate::task::TaskContext;
use crate::topology::{Outputs, Receiver};

/// The instance in a task: each update's new value under the row's key.
pub(crate) struct ToStreamNode<K, V> {
    pub outputs: Outputs<K, V>,
}

impl<K: Data, V: Data> Receiver<K, Change<V>> for ToStreamNode<K, V> {
    fn receive(&mut self, ctx: &mut TaskContext, mut record: Record<K, Change<V>>) -> Result<(), StreamsError> {
        let new = record.value.take().and_then(|change| change.new);
        self.outputs.forward(ctx, record.with_value(new))
    }
}
