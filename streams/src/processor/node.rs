//! A processor as a node of a task: records in, records out, punctuations when due.

use super::{Processor, ProcessorContext, PunctuationType, Schedule};
use crate::error::StreamsError;
use crate::record::{Data, Record};
use crate::task::TaskContext;
use crate::topology::{Outputs, Receiver};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// A node whose punctuations the task fires.
pub(crate) trait Punctuated {
    /// Fires what is due, at most once per schedule, however far time leapt; tells whether anything was.
    fn fire(&mut self, ctx: &mut TaskContext, kind: PunctuationType, time_ms: i64) -> Result<bool, StreamsError>;

    /// Positions of the schedules, to be put back when a transaction is aborted.
    fn save(&self) -> Vec<(i64, bool)>;

    /// Puts schedules back.
    fn restore(&mut self, saved: &[(i64, bool)]);
}

struct Entry {
    schedule: Schedule,
    kind: PunctuationType,
    interval_ms: i64,
    next_ms: i64,
}

/// A processor's schedules.
pub(crate) struct Schedules {
    entries: Vec<Entry>,
    made_at_ms: i64,
}

impl Schedules {
    pub fn new(made_at_ms: i64) -> Self {
        Self { entries: vec![], made_at_ms }
    }

    pub fn add(&mut self, interval_ms: i64, kind: PunctuationType) -> Schedule {
        let interval_ms = interval_ms.max(1);
        let schedule = Schedule { id: self.entries.len(), cancelled: Rc::new(Cell::new(false)) };
        let next_ms = match kind {
            PunctuationType::StreamTime => 0,
            PunctuationType::WallClockTime => self.made_at_ms + interval_ms,
        };
        self.entries.push(Entry { schedule: schedule.clone(), kind, interval_ms, next_ms });
        schedule
    }

    /// Takes a due schedule, moving it to its next time: the next multiple of the interval after `time_ms`, counted
    /// from where it stood (Kafka Streams' `PunctuationSchedule.next`).
    fn take_due(&mut self, index: usize, kind: PunctuationType, time_ms: i64) -> Option<Schedule> {
        let entry = &mut self.entries[index];
        if entry.kind != kind || entry.schedule.cancelled.get() || time_ms < entry.next_ms {
            return None;
        }
        let missed = (time_ms - entry.next_ms) / entry.interval_ms;
        entry.next_ms += (missed + 1) * entry.interval_ms;
        Some(entry.schedule.clone())
    }
}

/// The instance of a processor in a task.
pub(crate) struct ProcessorNode<P, KOut, VOut> {
    pub processor: P,
    pub outputs: Outputs<KOut, VOut>,
    pub schedules: Rc<RefCell<Schedules>>,
}

impl<P, KIn, VIn, KOut: Data, VOut: Data> Receiver<KIn, VIn> for Rc<RefCell<ProcessorNode<P, KOut, VOut>>>
where
    P: Processor<KIn, VIn, KOut, VOut>,
{
    fn receive(&mut self, task: &mut TaskContext, record: Record<KIn, VIn>) -> Result<(), StreamsError> {
        let node = &mut *self.borrow_mut();
        node.processor.process(&mut ProcessorContext { task, outputs: &node.outputs }, record)
    }
}

/// The punctuated side of a processor node; `KIn`, `VIn` only select its implementation.
pub(crate) struct PunctuatedNode<P, KIn, VIn, KOut, VOut> {
    pub node: Rc<RefCell<ProcessorNode<P, KOut, VOut>>>,
    pub input: std::marker::PhantomData<fn(KIn, VIn)>,
}

impl<P, KIn, VIn, KOut: Data, VOut: Data> Punctuated for PunctuatedNode<P, KIn, VIn, KOut, VOut>
where
    P: Processor<KIn, VIn, KOut, VOut>,
{
    fn fire(&mut self, task: &mut TaskContext, kind: PunctuationType, time_ms: i64) -> Result<bool, StreamsError> {
        let node = &mut *self.node.borrow_mut();
        let count = node.schedules.borrow().entries.len();
        let mut fired = false;
        for index in 0..count {
            let due = node.schedules.borrow_mut().take_due(index, kind, time_ms);
            if let Some(schedule) = due {
                let ctx = &mut ProcessorContext { task, outputs: &node.outputs };
                node.processor.punctuate(ctx, &schedule, time_ms)?;
                fired = true;
            }
        }
        Ok(fired)
    }

    fn save(&self) -> Vec<(i64, bool)> {
        let node = self.node.borrow();
        let schedules = node.schedules.borrow();
        schedules.entries.iter().map(|e| (e.next_ms, e.schedule.cancelled.get())).collect()
    }

    fn restore(&mut self, saved: &[(i64, bool)]) {
        let node = self.node.borrow();
        for (entry, (next_ms, cancelled)) in node.schedules.borrow_mut().entries.iter_mut().zip(saved) {
            entry.next_ms = *next_ms;
            entry.schedule.cancelled.set(*cancelled);
        }
    }
}
