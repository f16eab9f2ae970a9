//! count, reduce and aggregate over tumbling and hopping windows.

use super::aggregate::Aggregator;
use crate::dsl::TimeWindows;
use crate::error::StreamsError;
use crate::record::{Change, Data, Record, Window, Windowed};
use crate::stores::WindowedForwarder;
use crate::task::TaskContext;
use crate::topology::Receiver;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

/// The instance in a task (`KStreamWindowAggregate`, emission on every update). Its own stream time decides what is
/// late: a window is closed once that time − grace has reached its end.
pub(crate) struct WindowAggregateNode<K, V, A> {
    pub windows: TimeWindows,
    pub initializer: Option<Arc<dyn Fn() -> Option<A> + Send + Sync>>,
    pub aggregator: Aggregator<K, V, A>,
    pub table: WindowedForwarder<K, A>,
    /// The operator's own stream time; travels with every commit.
    pub stream_time_ms: Rc<Cell<i64>>,
}

impl<K: Data, V: Data, A: Data> Receiver<K, V> for WindowAggregateNode<K, V, A> {
    fn receive(&mut self, ctx: &mut TaskContext, record: Record<K, V>) -> Result<(), StreamsError> {
        if record.key.is_none() {
            ctx.drop_record();
            return Ok(());
        }
        let now_ms = self.stream_time_ms.get().max(record.timestamp);
        self.stream_time_ms.set(now_ms);
        let close_time_ms = now_ms.saturating_sub(self.windows.grace_ms());
        for window in self.windows.windows_for(record.timestamp) {
            if window.end_ms > close_time_ms {
                self.update(ctx, &record, window)?;
            } else {
                ctx.drop_record();
            }
        }
        Ok(())
    }
}

impl<K: Data, V: Data, A: Data> WindowAggregateNode<K, V, A> {
    fn update(&self, ctx: &mut TaskContext, record: &Record<K, V>, window: Window) -> Result<(), StreamsError> {
        let Some(key) = record.key.clone() else { return Ok(()) };
        let found = self.table.store.fetch(&key, window.start_ms)?;
        let timestamp = found.as_ref().map_or(record.timestamp, |row| row.timestamp.max(record.timestamp));
        // A window's first change carries the initial value as its old one, as in Kafka Streams.
        let before = found.map(|row| row.value).or_else(|| self.initializer.as_ref().and_then(|init| init()));
        let old = if self.table.send_old_values { before.clone() } else { None };
        let new = (self.aggregator)(&key, record.value.clone(), before);
        self.table.store.put(record, window.start_ms, new.as_ref(), timestamp)?;
        let change = Record {
            key: Some(Windowed { key, window }),
            value: Some(Change { new, old }),
            timestamp,
            headers: record.headers.clone(),
        };
        self.table.maybe_forward(ctx, change)
    }
}
