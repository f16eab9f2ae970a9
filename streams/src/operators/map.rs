//! Stateless operators of a stream: one closure each.

use crate::error::StreamsError;
use crate::record::{Data, Record};
use crate::task::TaskContext;
use crate::topology::{Outputs, Receiver};
use std::sync::Arc;

/// One record in, at most one out: filter, map, map_values, select_key.
pub(crate) struct FnNode<F, K, V> {
    pub function: Arc<F>,
    pub outputs: Outputs<K, V>,
}

impl<F, K, V, L: Data, W: Data> Receiver<K, V> for FnNode<F, L, W>
where
    F: Fn(Record<K, V>) -> Option<Record<L, W>>,
{
    fn receive(&mut self, ctx: &mut TaskContext, record: Record<K, V>) -> Result<(), StreamsError> {
        match (self.function)(record) {
            Some(mapped) => self.outputs.forward(ctx, mapped),
            None => Ok(()),
        }
    }
}

/// One record in, any number out: flat_map, flat_map_values.
pub(crate) struct FlatMapNode<F, K, V> {
    pub function: Arc<F>,
    pub outputs: Outputs<K, V>,
}

impl<F, I, K, V, L: Data, W: Data> Receiver<K, V> for FlatMapNode<F, L, W>
where
    F: Fn(Record<K, V>) -> I,
    I: IntoIterator<Item = Record<L, W>>,
{
    fn receive(&mut self, ctx: &mut TaskContext, record: Record<K, V>) -> Result<(), StreamsError> {
        for mapped in (self.function)(record) {
            self.outputs.forward(ctx, mapped)?;
        }
        Ok(())
    }
}

/// Passes records on: a merge.
pub(crate) struct PassNode<K, V> {
    pub outputs: Outputs<K, V>,
}

impl<K: Data, V: Data> Receiver<K, V> for PassNode<K, V> {
    fn receive(&mut self, ctx: &mut TaskContext, record: Record<K, V>) -> Result<(), StreamsError> {
        self.outputs.forward(ctx, record)
    }
}

pub(crate) type Predicate<K, V> = Arc<dyn Fn(Option<&K>, Option<&V>) -> bool + Send + Sync>;

/// A split: the first branch whose predicate holds takes the record; a branch without one is the default.
pub(crate) struct BranchNode<K, V> {
    pub branches: Vec<(Option<Predicate<K, V>>, Outputs<K, V>)>,
}

impl<K: Data, V: Data> Receiver<K, V> for BranchNode<K, V> {
    fn receive(&mut self, ctx: &mut TaskContext, record: Record<K, V>) -> Result<(), StreamsError> {
        let (key, value) = (record.key.as_ref(), record.value.as_ref());
        let taker = self.branches.iter().find(|(holds, _)| holds.as_ref().is_none_or(|holds| holds(key, value)));
        match taker {
            Some((_, outputs)) => outputs.forward(ctx, record),
            None => Ok(()),
        }
    }
}
