//! suppress of a table: updates wait in a buffer, so that few or only final ones come out.

use super::getter::ValueGetter;
use crate::dsl::{Bounds, WhenFull};
use crate::error::StreamsError;
use crate::record::{Change, Data, Record, ValueAndTimestamp};
use crate::stores::{Eviction, SuppressionBuffer};
use crate::task::TaskContext;
use crate::topology::{Outputs, Receiver};
use std::cell::Cell;
use std::rc::Rc;

/// What an update waits for.
pub(crate) struct Wait<K> {
    /// From key and event time of an update to the time that places it in the buffer.
    pub time_of: fn(&K, i64) -> i64,
    /// How far the stream time must be past it.
    pub wait_ms: i64,
    /// Deletes come out too; nobody has seen a window that is not closed yet, so its delete is dropped.
    pub emits_tombstones: bool,
}

impl<K> Clone for Wait<K> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

/// The instance in a task (`KTableSuppressProcessor`). Its own stream time, that of the updates that reach it, decides;
/// the wall clock does nothing.
pub(crate) struct SuppressNode<K, V> {
    pub wait: Wait<K>,
    pub bounds: Bounds,
    pub buffer: Rc<SuppressionBuffer<K, V>>,
    /// Travels with every commit.
    pub stream_time_ms: Rc<Cell<i64>>,
    pub outputs: Outputs<K, Change<V>>,
}

impl<K: Data, V: Data> Receiver<K, Change<V>> for SuppressNode<K, V> {
    fn receive(&mut self, ctx: &mut TaskContext, record: Record<K, Change<V>>) -> Result<(), StreamsError> {
        let Some(key) = &record.key else {
            ctx.drop_record();
            return Ok(());
        };
        let now_ms = self.stream_time_ms.get().max(record.timestamp);
        self.stream_time_ms.set(now_ms);
        let time_ms = (self.wait.time_of)(key, record.timestamp);
        self.buffer.put(time_ms, &record, ctx.record.as_ref())?;
        let due_ms = now_ms.saturating_sub(self.wait.wait_ms);
        while self.buffer.first_time_ms()?.is_some_and(|first_ms| first_ms <= due_ms) {
            self.emit_first(ctx)?;
        }
        self.enforce_bounds(ctx)
    }
}

impl<K: Data, V: Data> SuppressNode<K, V> {
    fn enforce_bounds(&self, ctx: &mut TaskContext) -> Result<(), StreamsError> {
        while self.bounds.are_exceeded_by(self.buffer.held()?) {
            match self.bounds.when_full {
                WhenFull::EmitEarly => self.emit_first(ctx)?,
                WhenFull::ShutDown => {
                    let bounds = self.bounds;
                    return Err(StreamsError::Fatal(format!("a suppression's buffer is full: it may hold {bounds}")));
                }
            }
        }
        Ok(())
    }

    fn emit_first(&self, ctx: &mut TaskContext) -> Result<(), StreamsError> {
        let Some(mut evicted) = self.buffer.first()? else { return Ok(()) };
        let deletes = evicted.record.value.as_ref().is_none_or(|change| change.new.is_none());
        if !deletes || self.wait.emits_tombstones {
            self.forward(ctx, &mut evicted)?;
        }
        self.buffer.remove(&evicted)
    }

    /// As the record that the update came from.
    fn forward(&self, ctx: &mut TaskContext, evicted: &mut Eviction<K, V>) -> Result<(), StreamsError> {
        let in_process = ctx.record.replace(evicted.from.clone());
        let forwarded = self.outputs.forward(ctx, evicted.record.clone());
        ctx.record = in_process;
        forwarded
    }
}

/// Reads a suppressed table: rows whose update waits are as they were before.
pub(crate) struct SuppressGetter<K, V> {
    pub buffer: Rc<SuppressionBuffer<K, V>>,
    pub parent: Rc<dyn ValueGetter<K, V>>,
}

impl<K: Data, V: Data> ValueGetter<K, V> for SuppressGetter<K, V> {
    fn get(&self, key: &K) -> Result<Option<ValueAndTimestamp<V>>, StreamsError> {
        match self.buffer.prior_of(key)? {
            Some(prior) => Ok(prior),
            None => self.parent.get(key),
        }
    }
}
