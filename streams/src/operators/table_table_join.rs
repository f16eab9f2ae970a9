//! Two tables joined by key: each side's update looks into the other side.

use super::getter::ValueGetter;
use crate::error::StreamsError;
use crate::record::{Change, Data, Record, ValueAndTimestamp};
use crate::stores::TupleForwarder;
use crate::task::TaskContext;
use crate::topology::{Outputs, Receiver};
use std::rc::Rc;
use std::sync::Arc;

/// What must be there for a result, seen from the side whose update is processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct JoinRule {
    /// This side's row must be there.
    pub needs_this: bool,
    /// The other side's row must be there.
    pub needs_other: bool,
}

/// From this side's and the other side's row to the result.
pub(crate) type TableJoiner<A, B, R> = Arc<dyn Fn(Option<A>, Option<B>) -> Option<R> + Send + Sync>;

/// One side's instance in a task (`KTableKTable{Inner,Left,Right,Outer}Join`).
pub(crate) struct TableTableJoinNode<K, A, B, R> {
    pub rule: JoinRule,
    pub other: Rc<dyn ValueGetter<K, B>>,
    pub joiner: TableJoiner<A, B, R>,
    pub send_old_values: bool,
    pub outputs: Outputs<K, Change<R>>,
}

impl<K: Data, A: Data, B: Data, R: Data> Receiver<K, Change<A>> for TableTableJoinNode<K, A, B, R> {
    fn receive(&mut self, ctx: &mut TaskContext, mut record: Record<K, Change<A>>) -> Result<(), StreamsError> {
        let (Some(key), Some(change)) = (record.key.as_ref(), record.value.take()) else {
            ctx.drop_record();
            return Ok(());
        };
        let other = self.other.get(key)?;
        let nothing = other.is_none() && (self.rule.needs_other || (change.new.is_none() && change.old.is_none()));
        if nothing {
            return Ok(());
        }
        let timestamp = other.as_ref().map_or(record.timestamp, |row| row.timestamp.max(record.timestamp));
        let other = other.map(|row| row.value);
        let new = self.join(change.new, other.clone());
        let old = if self.send_old_values { self.join(change.old, other) } else { None };
        self.outputs.forward(ctx, record.with_value(Some(Change { new, old })).with_timestamp(timestamp))
    }
}

impl<K, A, B, R> TableTableJoinNode<K, A, B, R> {
    fn join(&self, this: Option<A>, other: Option<B>) -> Option<R> {
        let absent = this.is_none() && (self.rule.needs_this || other.is_none());
        if absent { None } else { (self.joiner)(this, other) }
    }
}

/// Where both sides' results meet (`KTableKTableJoinMerger`): stored if the join is.
pub(crate) struct JoinMergeNode<K, R> {
    pub send_old_values: bool,
    pub outputs: Outputs<K, Change<R>>,
    pub stored: Option<TupleForwarder<K, R>>,
}

impl<K: Data, R: Data> Receiver<K, Change<R>> for JoinMergeNode<K, R> {
    fn receive(&mut self, ctx: &mut TaskContext, mut record: Record<K, Change<R>>) -> Result<(), StreamsError> {
        let Some(mut change) = record.value.take() else { return Ok(()) };
        if !self.send_old_values {
            change.old = None;
        }
        let Some(table) = &self.stored else {
            return self.outputs.forward(ctx, record.with_value(Some(change)));
        };
        table.store.put(&record, change.new.as_ref(), record.timestamp)?;
        table.maybe_forward(ctx, record.with_value(Some(change)))
    }
}

/// Reads a join that is not stored.
pub(crate) struct JoinGetter<K, A, B, R> {
    pub this: Rc<dyn ValueGetter<K, A>>,
    pub other: Rc<dyn ValueGetter<K, B>>,
    pub rule: JoinRule,
    pub joiner: TableJoiner<A, B, R>,
}

impl<K, A, B, R> ValueGetter<K, R> for JoinGetter<K, A, B, R> {
    fn get(&self, key: &K) -> Result<Option<ValueAndTimestamp<R>>, StreamsError> {
        let this = self.this.get(key)?;
        let other = self.other.get(key)?;
        let absent = (this.is_none() && self.rule.needs_this)
            || (other.is_none() && self.rule.needs_other)
            || (this.is_none() && other.is_none());
        if absent {
            return Ok(None);
        }
        let timestamp = this.as_ref().map_or(i64::MIN, |r| r.timestamp);
        let timestamp = other.as_ref().map_or(timestamp, |r| r.timestamp.max(timestamp));
        let joined = (self.joiner)(this.map(|r| r.value), other.map(|r| r.value));
        Ok(joined.map(|value| ValueAndTimestamp { value, timestamp }))
    }
}
