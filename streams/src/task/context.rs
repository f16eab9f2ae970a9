//! What every node of a task sees while a record runs through it.

use super::collector::{OutputTopic, RecordCollector};
use crate::broker::Headers;
use crate::config::ProductionHandler;
use crate::error::StreamsError;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

/// Where the record in process came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordMetadata {
    /// Topic.
    pub topic: Arc<str>,
    /// Partition.
    pub partition: i32,
    /// Offset.
    pub offset: i64,
}

/// The task's time, current record and way out.
pub struct TaskContext {
    /// Shared with the stores that forget by it.
    pub(crate) stream_time_ms: Rc<Cell<i64>>,
    pub(crate) now_ms: i64,
    pub(crate) record: Option<RecordMetadata>,
    pub(crate) dropped_records: u64,
    pub(crate) caught_up: bool,
    /// A record is in process that can be skipped; not so in a flush or a wall-clock punctuation.
    pub(crate) in_record: bool,
    production_handler: ProductionHandler,
    collector: Rc<RefCell<dyn RecordCollector>>,
    key_buffer: Vec<u8>,
    value_buffer: Vec<u8>,
}

/// Stream time of a task that has seen no record.
pub(crate) const NO_TIME: i64 = -1;

impl TaskContext {
    pub(crate) fn new(
        stream_time_ms: Rc<Cell<i64>>,
        collector: Rc<RefCell<dyn RecordCollector>>,
        production_handler: ProductionHandler,
    ) -> Self {
        Self {
            stream_time_ms,
            now_ms: 0,
            record: None,
            dropped_records: 0,
            caught_up: false,
            in_record: false,
            production_handler,
            collector,
            key_buffer: vec![],
            value_buffer: vec![],
        }
    }

    /// Highest timestamp of any record taken for processing; -1 before the first.
    pub fn current_stream_time_ms(&self) -> i64 {
        self.stream_time_ms.get()
    }

    /// Wall-clock time of this step.
    pub fn current_system_time_ms(&self) -> i64 {
        self.now_ms
    }

    /// The source record in process; none in a wall-clock punctuation.
    pub fn record_metadata(&self) -> Option<&RecordMetadata> {
        self.record.as_ref()
    }

    /// Whether no input of the task has records waiting and the end of each was reached.
    pub fn is_caught_up(&self) -> bool {
        self.caught_up
    }

    /// Counts a record that an operator leaves out (null key, late).
    pub(crate) fn drop_record(&mut self) {
        self.dropped_records += 1;
    }

    /// Serializes into buffers that are kept from record to record, and sends.
    pub(crate) fn send(
        &mut self,
        topic: OutputTopic,
        timestamp: i64,
        headers: &Headers,
        write: impl FnOnce(&mut Vec<u8>, &mut Vec<u8>) -> Result<(bool, bool), StreamsError>,
    ) -> Result<(), StreamsError> {
        self.key_buffer.clear();
        self.value_buffer.clear();
        let (has_key, has_value) = write(&mut self.key_buffer, &mut self.value_buffer)?;
        let key = has_key.then_some(self.key_buffer.as_slice());
        let value = has_value.then_some(self.value_buffer.as_slice());
        self.collector.borrow_mut().send(topic, None, timestamp, key, value, headers)
    }

    /// What becomes of an output that cannot be sent. The record in process takes the blame if there is one; otherwise the
    /// handler decides.
    pub(crate) fn unsent(&mut self, topic: &str, error: StreamsError) -> Result<(), StreamsError> {
        let StreamsError::SkipRecord(reason) = error else { return Err(error) };
        if self.in_record {
            return Err(StreamsError::SkipRecord(reason));
        }
        let (key, value) = (self.key_buffer.len(), self.value_buffer.len());
        let text = format!("cannot send to `{topic}` (key {key} bytes, value {value} bytes): {reason}");
        match self.production_handler {
            ProductionHandler::Fail => Err(StreamsError::Fatal(text)),
            ProductionHandler::Continue => {
                tracing::warn!("dropped: {text}");
                self.drop_record();
                Ok(())
            }
        }
    }

    /// The handle of an output topic that is only known while running.
    pub(crate) fn topic(&mut self, name: &str) -> Result<OutputTopic, StreamsError> {
        self.collector.borrow_mut().topic(name)
    }
}
