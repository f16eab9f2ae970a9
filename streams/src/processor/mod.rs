//! The Processor API: nodes written by hand, with stores and punctuations.

mod fixed_key;
mod node;

pub use fixed_key::{FixedKeyProcessor, FixedKeyProcessorContext, FixedKeyRecord};

pub(crate) use fixed_key::FixedKey;
pub(crate) use node::{ProcessorNode, Punctuated, PunctuatedNode, Schedules};

use crate::dsl::GlobalKTable;
use crate::error::StreamsError;
use crate::record::{Data, Record};
use crate::stores::{ReadOnlyKeyValueStore, StoreHandle};
use crate::task::{RecordMetadata, TaskContext};
use crate::topology::{Outputs, Wiring};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// A node written by hand. One instance belongs to one task; it keeps nothing outside stores, since an abort undoes
/// stores only.
pub trait Processor<KIn, VIn, KOut, VOut> {
    /// Processes one record. `Err(StreamsError::SkipRecord)` undoes all that the record has done and sends it to the
    /// dead-letter topic.
    fn process(
        &mut self,
        ctx: &mut ProcessorContext<'_, KOut, VOut>,
        record: Record<KIn, VIn>,
    ) -> Result<(), StreamsError>;

    /// Runs when a schedule made at construction is due. `timestamp_ms` is stream time or wall-clock time, by its type.
    fn punctuate(
        &mut self,
        _ctx: &mut ProcessorContext<'_, KOut, VOut>,
        _schedule: &Schedule,
        _timestamp_ms: i64,
    ) -> Result<(), StreamsError> {
        Ok(())
    }
}

/// Which clock drives a punctuation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PunctuationType {
    /// Record timestamps: fires right after the record that makes it due.
    StreamTime,
    /// The clock of the runtime: fires at most once a step.
    WallClockTime,
}

/// A punctuation's schedule; `cancel` ends it.
#[derive(Clone, Debug)]
pub struct Schedule {
    id: usize,
    cancelled: Rc<Cell<bool>>,
}

impl Schedule {
    /// No further firing.
    pub fn cancel(&self) {
        self.cancelled.set(true);
    }
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

/// Given once to make a processor for a task: opens its stores, schedules its punctuations.
pub struct InitContext<'a, 'w> {
    wiring: &'a mut Wiring<'w>,
    schedules: Rc<RefCell<Schedules>>,
}

impl<'a, 'w> InitContext<'a, 'w> {
    pub(crate) fn new(wiring: &'a mut Wiring<'w>, schedules: Rc<RefCell<Schedules>>) -> Self {
        Self { wiring, schedules }
    }

    /// Opens a store that was connected to the processor.
    pub fn open<S: 'static>(&mut self, handle: &StoreHandle<S>) -> Result<Rc<S>, StreamsError> {
        handle.open(self.wiring)
    }

    /// Opens a global table to look into it.
    pub fn open_global<KG, VG>(&self, table: &GlobalKTable<KG, VG>) -> ReadOnlyKeyValueStore<KG, VG> {
        table.def.open(self.wiring)
    }

    /// Fires `punctuate` every `interval_ms`. Stream-time schedules fire first right after the first record, wall-clock
    /// ones after one interval.
    pub fn schedule(&mut self, interval_ms: i64, kind: PunctuationType) -> Schedule {
        self.schedules.borrow_mut().add(interval_ms, kind)
    }
}

/// What a processor may do while it runs.
pub struct ProcessorContext<'a, K, V> {
    task: &'a mut TaskContext,
    outputs: &'a Outputs<K, V>,
}

impl<K: Data, V: Data> ProcessorContext<'_, K, V> {
    /// Gives a record to all children, each to completion.
    pub fn forward(&mut self, record: Record<K, V>) -> Result<(), StreamsError> {
        self.outputs.forward(self.task, record)
    }

    /// The task's stream time; -1 before the first record.
    pub fn current_stream_time_ms(&self) -> i64 {
        self.task.current_stream_time_ms()
    }

    /// The runtime's clock at this step.
    pub fn current_system_time_ms(&self) -> i64 {
        self.task.current_system_time_ms()
    }

    /// Whether the task has no backlog: none of its inputs has records waiting, and the end of each was reached. A
    /// deadline may count by the clock only then: after an outage the events that answer it may still wait.
    pub fn is_caught_up(&self) -> bool {
        self.task.is_caught_up()
    }

    /// Where the record in process came from.
    pub fn record_metadata(&self) -> Option<&RecordMetadata> {
        self.task.record_metadata()
    }

    /// Counts a record that is left out on purpose (`dropped-records-total`).
    pub fn drop_record(&mut self) {
        self.task.drop_record();
    }
}
