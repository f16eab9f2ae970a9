//! A stream thread: one OS thread, one member, one producer, one step function.
//!
//! ```text
//! step(now): membership → opened tasks → mend → poll into queues → process up to N records → punctuate → commit if due
//! ```
//!
//! It owns no clock and no randomness: the simulator steps the same code.

use super::collector::ProducerCollector;
use super::commit::Offsets;
use super::group::{local_state, member_config};
use super::mending::Mending;
use super::opener::{OpenJob, Opened};
use super::pace::Pace;
use super::recovery::Trouble;
use super::seat::Seat;
use super::shared::Shared;
use super::slots::Slots;
use super::sources::SourceWatch;
use crate::broker::{Admin, Consumer, ConsumerRole, Fetched};
use crate::config::ProcessingGuarantee;
use crate::error::StreamsError;
use crate::membership::{Member, State};
use crate::task::RecordCollector;
use crate::task_id::TaskId;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// The two times a step is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Of a clock that never goes back: sessions, commit intervals, back-offs.
    pub steady_ms: i64,
    /// The time that processors see and wall-clock punctuations follow.
    pub wall_clock_ms: i64,
}

/// Records that one task processes before the next has its turn.
const RECORDS_PER_TURN: usize = 100;
/// Records taken from the client at once.
const FETCH_RECORDS: usize = 2_000;
/// How long a step waits for records when there is nothing to do: also bounds how late heartbeats and answers are seen.
pub(super) const IDLE_WAIT: Duration = Duration::from_millis(10);

/// Opens tasks, on another thread or stepped by the simulator.
pub(super) trait TaskOpener {
    fn submit(&mut self, job: OpenJob);

    /// A submitted task is not wanted any more: it comes soon, in whatever state.
    fn cancel(&mut self, task: TaskId);

    /// The next task that is open or could not be opened. An error if no more will ever come.
    fn poll(&mut self, steady_ms: i64) -> Result<Option<Opened>, StreamsError>;
}

/// What is known of a task that is being opened.
pub(super) struct Opening {
    pub since_ms: i64,
    /// Not wanted any more when it comes.
    pub cancelled: bool,
    /// To be opened again when it comes.
    pub again: Option<OpenJob>,
}

/// A stream thread.
pub struct StreamThread {
    pub(super) shared: Arc<Shared>,
    pub(super) name: String,
    pub(super) transactional_id: String,
    pub(super) exactly_once: bool,
    pub(super) seat: Arc<Seat>,
    pub(super) consumer: Box<dyn Consumer>,
    pub(super) admin: Box<dyn Admin>,
    pub(super) collector: Rc<RefCell<ProducerCollector>>,
    pub(super) opener: Box<dyn TaskOpener>,
    pub(super) slots: Slots,
    pub(super) opening: BTreeMap<TaskId, Opening>,
    /// Tasks that the last assignment took away, still to be committed for the last time.
    pub(super) leaving: BTreeSet<TaskId>,
    pub(super) mending: Mending,
    pub(super) trouble: Trouble,
    /// The task that runs right now: if its state turns out to be unusable, only its own is.
    pub(super) at_work: Option<TaskId>,
    pub(super) now: Now,
    pub(super) last_commit_ms: i64,
    pub(super) last_purge_ms: i64,
    pub(super) sources: SourceWatch,
    pub(super) last_cleanup_ms: i64,
    pub(super) transaction_since_ms: Option<i64>,
    /// Offsets of an at-least-once commit on their way.
    pub(super) commit_in_flight: Option<Offsets>,
    pub(super) stopping_since_ms: Option<i64>,
    pub(super) left: bool,
    /// Waits while there is nothing to do but heartbeats; a simulator's thread does not.
    pub(super) rest: fn(Duration),
    pace: Pace,
    /// Something was fetched or processed in this step or the last: the next need not wait.
    at_it: bool,
    fetched: Vec<Fetched>,
}

impl StreamThread {
    /// Connects and fences its own earlier life: after this it may join.
    pub(super) fn new(shared: Arc<Shared>, slot: usize, opener: Box<dyn TaskOpener>) -> Result<Self, StreamsError> {
        let config = &shared.config;
        let transactional_id = format!("{}-{}-{slot}", config.application_id, shared.directory.process_id());
        let exactly_once = config.processing_guarantee == ProcessingGuarantee::ExactlyOnceV2;
        let mut producer = shared.broker.producer(exactly_once.then_some(&*transactional_id))?;
        if exactly_once {
            producer.init_transactions()?;
        }
        let collector = ProducerCollector::new(producer, shared.broker.admin()?, exactly_once);
        let member = Member::new(member_config(&shared, slot, &transactional_id), local_state(&shared));
        let transport = shared.broker.group(&config.application_id)?;
        Ok(Self {
            name: format!("{}-StreamThread-{}", config.application_id, slot + 1),
            seat: Arc::new(Seat::new(member, transport, config.max_poll_interval_ms)),
            consumer: shared.broker.consumer(ConsumerRole::Main)?,
            admin: shared.broker.admin()?,
            collector: Rc::new(RefCell::new(collector)),
            transactional_id,
            exactly_once,
            opener,
            slots: Slots::default(),
            opening: BTreeMap::new(),
            leaving: BTreeSet::new(),
            mending: Mending::default(),
            trouble: Trouble::default(),
            at_work: None,
            now: Now { steady_ms: 0, wall_clock_ms: 0 },
            last_commit_ms: 0,
            last_purge_ms: 0,
            sources: SourceWatch::default(),
            last_cleanup_ms: 0,
            transaction_since_ms: None,
            commit_in_flight: None,
            stopping_since_ms: None,
            left: false,
            rest: std::thread::sleep,
            pace: Pace::default(),
            at_it: false,
            fetched: vec![],
            shared,
        })
    }

    /// Commits, closes its tasks and leaves the group in the steps that follow.
    pub fn stop(&mut self) {
        self.stopping_since_ms.get_or_insert(self.now.steady_ms);
    }

    /// Whether it is out of the group: nothing is to be stepped any more.
    pub fn is_stopped(&self) -> bool {
        self.left
    }

    /// Whether it runs all that it was assigned.
    pub fn is_running(&self) -> bool {
        let settled = self.opening.is_empty() && self.leaving.is_empty() && !self.mending.is_due();
        settled && self.seat.ask(Member::state) == State::Stable
    }

    /// Tasks that run here.
    pub fn tasks(&self) -> Vec<TaskId> {
        self.slots.tasks()
    }

    /// One step. What can be mended is; an error ends the thread.
    pub fn step(&mut self, now: Now) -> Result<(), StreamsError> {
        self.now = now;
        self.at_work = None;
        self.try_step().or_else(|error| self.recover(error))
    }

    fn try_step(&mut self) -> Result<(), StreamsError> {
        self.membership()?;
        self.take_opened()?;
        if self.stop_is_overdue() {
            return self.leave();
        }
        if self.now.steady_ms < self.trouble.pause_until_ms {
            (self.rest)(IDLE_WAIT);
            return Ok(());
        }
        self.mend()?;
        if self.stopping_since_ms.is_some() {
            return self.shut_down();
        }
        self.let_go()?;
        self.fetch()?;
        if self.may_process()? {
            self.process()?;
            self.punctuate()?;
        }
        self.commit_if_due()?;
        self.start_calls()?;
        self.flush_if_due()?;
        self.watch_sources()?;
        self.clean_up();
        Ok(())
    }

    /// While a join is under way records are processed but not committed; not for ever.
    fn may_process(&mut self) -> Result<bool, StreamsError> {
        if self.slots.is_empty() || self.seat.ask(Member::may_commit) {
            return Ok(true);
        }
        let waited_ms = self.transaction_since_ms.map_or(0, |since| self.now.steady_ms - since);
        if self.exactly_once && waited_ms > super::TRANSACTION_TIMEOUT_MS / 2 {
            let reason = "no commit was possible for half the transaction time-out";
            return Err(StreamsError::Aborted(reason.to_owned()));
        }
        Ok(self.slots.uncommitted_bytes() < self.shared.config.max_uncommitted_bytes)
    }

    /// How long the last step took: slow processors get smaller steps.
    pub(super) fn step_took(&mut self, took: Duration) {
        self.pace.step_took(took);
    }

    fn fetch(&mut self) -> Result<(), StreamsError> {
        // Records may wait for something else than their turn: the schema registry, another input, a join.
        let is_busy = self.slots.has_work() && self.at_it || self.slots.has_answers();
        let wait = if is_busy { Duration::ZERO } else { IDLE_WAIT };
        let mut fetched = std::mem::take(&mut self.fetched);
        self.consumer.poll(wait, FETCH_RECORDS, &mut fetched)?;
        self.at_it = !fetched.is_empty();
        for item in fetched.drain(..) {
            match item {
                Fetched::Record(id, record) => self.slots.add_record(id, record),
                Fetched::End { partition, position } => self.slots.set_end(partition, position),
                Fetched::OutOfRange(id) => self.reset_input(id)?,
            }
        }
        self.fetched = fetched;
        self.slots.pause_full(&mut *self.consumer, self.shared.config.input_buffer_max_bytes)
    }

    fn process(&mut self) -> Result<(), StreamsError> {
        let limit = self.pace.records();
        let mut processed = 0;
        while processed < limit {
            let before = processed;
            for slot in self.slots.iter_mut() {
                self.at_work = Some(slot.task.id());
                let turn = RECORDS_PER_TURN.min(limit - processed);
                processed += slot.process(turn, self.now.wall_clock_ms)?;
            }
            let full = self.slots.uncommitted_bytes() >= self.shared.config.max_uncommitted_bytes;
            if processed == before || full || self.slots.iter().any(|slot| slot.task.wants_commit()) {
                break;
            }
        }
        self.at_work = None;
        self.at_it |= processed > 0;
        self.pace.processed(processed);
        self.slots.resume_drained(&mut *self.consumer, self.shared.config.input_buffer_max_bytes)?;
        self.note_transaction();
        Ok(())
    }

    fn punctuate(&mut self) -> Result<(), StreamsError> {
        for slot in self.slots.iter_mut() {
            self.at_work = Some(slot.task.id());
            slot.punctuate(self.now.wall_clock_ms)?;
        }
        self.at_work = None;
        self.note_transaction();
        Ok(())
    }

    /// After a commit, so that a task which is never at rest has its calls made too. A task about to leave begins none.
    fn start_calls(&mut self) -> Result<(), StreamsError> {
        for slot in self.slots.iter_mut().filter(|slot| !self.leaving.contains(&slot.task.id())) {
            self.at_work = Some(slot.task.id());
            slot.task.start_calls(self.now.wall_clock_ms)?;
        }
        self.at_work = None;
        Ok(())
    }

    fn note_transaction(&mut self) {
        if self.transaction_since_ms.is_none() && self.collector.borrow().in_transaction() {
            self.transaction_since_ms = Some(self.now.steady_ms);
        }
    }

    /// The collector as tasks hold it.
    pub(super) fn way_out(&self) -> Rc<RefCell<dyn RecordCollector>> {
        self.collector.clone()
    }
}
