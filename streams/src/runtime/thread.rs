//! A stream thread: one OS thread, one member, one producer, one step function.
//!
//! ```text
//! step(now): membership → opened tasks → poll into queues → process up to N records → punctuate → commit if due
//! ```
//!
//! It owns no clock and no randomness: the simulator steps the same code.

use super::collector::ProducerCollector;
use super::opener::{OpenJob, Opened};
use super::shared::Shared;
use super::slots::Slots;
use crate::broker::{Admin, Consumer, ConsumerRole, Fetched, GroupTransport};
use crate::config::ProcessingGuarantee;
use crate::error::StreamsError;
use crate::membership::{LocalState, Member, MemberConfig, Profile, State};
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

/// Records that a step processes at most: keeps heartbeats and commits in time.
const RECORDS_PER_STEP: usize = 2_000;
/// Records that one task processes before the next has its turn.
const RECORDS_PER_TURN: usize = 100;
/// Records taken from the client at once.
const FETCH_RECORDS: usize = 2_000;
/// How long a step waits for records when there is nothing to do: also bounds how late heartbeats and answers are seen.
const IDLE_WAIT: Duration = Duration::from_millis(10);

/// Opens tasks, on another thread or stepped by the simulator.
pub(super) trait TaskOpener {
    fn submit(&mut self, job: OpenJob);
    fn poll(&mut self) -> Option<Opened>;
}

/// What is known of a task that is being opened.
#[derive(Default)]
pub(super) struct Opening {
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
    pub(super) member: Member,
    pub(super) transport: Box<dyn GroupTransport>,
    pub(super) consumer: Box<dyn Consumer>,
    pub(super) admin: Box<dyn Admin>,
    pub(super) collector: Rc<RefCell<ProducerCollector>>,
    pub(super) opener: Box<dyn TaskOpener>,
    pub(super) slots: Slots,
    pub(super) opening: BTreeMap<TaskId, Opening>,
    /// Tasks that the last assignment took away, still to be committed for the last time.
    pub(super) leaving: BTreeSet<TaskId>,
    pub(super) now: Now,
    pub(super) last_commit_ms: i64,
    pub(super) last_purge_ms: i64,
    pub(super) transaction_since_ms: Option<i64>,
    /// Offsets of an at-least-once commit are on their way.
    pub(super) commit_in_flight: bool,
    pub(super) pause_until_ms: i64,
    pub(super) failing_since_ms: Option<i64>,
    pub(super) stopping: bool,
    pub(super) left: bool,
    /// Waits while there is nothing to do but heartbeats; a simulator's thread does not.
    pub(super) rest: fn(Duration),
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
        let member = Member::new(member_config(&shared, &transactional_id), local_state(&shared));
        Ok(Self {
            name: format!("{}-StreamThread-{}", config.application_id, slot + 1),
            transport: shared.broker.group(&config.application_id)?,
            consumer: shared.broker.consumer(ConsumerRole::Main)?,
            admin: shared.broker.admin()?,
            collector: Rc::new(RefCell::new(collector)),
            transactional_id,
            exactly_once,
            member,
            opener,
            slots: Slots::default(),
            opening: BTreeMap::new(),
            leaving: BTreeSet::new(),
            now: Now { steady_ms: 0, wall_clock_ms: 0 },
            last_commit_ms: 0,
            last_purge_ms: 0,
            transaction_since_ms: None,
            commit_in_flight: false,
            pause_until_ms: 0,
            failing_since_ms: None,
            stopping: false,
            left: false,
            rest: std::thread::sleep,
            fetched: vec![],
            shared,
        })
    }

    /// Commits, closes its tasks and leaves the group in the steps that follow.
    pub fn stop(&mut self) {
        self.stopping = true;
    }

    /// Whether it is out of the group: nothing is to be stepped any more.
    pub fn is_stopped(&self) -> bool {
        self.left
    }

    /// Whether it runs all that it was assigned.
    pub fn is_running(&self) -> bool {
        self.member.state() == State::Stable && self.opening.is_empty() && self.leaving.is_empty()
    }

    /// Tasks that run here.
    pub fn tasks(&self) -> Vec<TaskId> {
        self.slots.tasks()
    }

    /// One step. What can be mended is; an error ends the thread.
    pub fn step(&mut self, now: Now) -> Result<(), StreamsError> {
        self.now = now;
        let outcome = self.try_step();
        match outcome {
            Ok(()) => {
                if now.steady_ms >= self.pause_until_ms {
                    self.failing_since_ms = None;
                }
                Ok(())
            }
            Err(error) => self.recover(error),
        }
    }

    fn try_step(&mut self) -> Result<(), StreamsError> {
        self.membership()?;
        self.take_opened()?;
        if self.stopping {
            return self.shut_down();
        }
        if self.now.steady_ms < self.pause_until_ms {
            (self.rest)(IDLE_WAIT);
            return Ok(());
        }
        self.fetch()?;
        if self.may_process()? {
            self.process()?;
            self.punctuate()?;
        }
        self.commit_if_due()
    }

    /// While a join is under way records are processed but not committed; not for ever.
    fn may_process(&mut self) -> Result<bool, StreamsError> {
        if self.member.may_commit() || self.slots.is_empty() {
            return Ok(true);
        }
        let waited_ms = self.transaction_since_ms.map_or(0, |since| self.now.steady_ms - since);
        if self.exactly_once && waited_ms > super::TRANSACTION_TIMEOUT_MS / 2 {
            self.abort("no commit was possible for half the transaction time-out")?;
            return Ok(false);
        }
        Ok(self.slots.uncommitted_bytes() < self.shared.config.max_uncommitted_bytes)
    }

    fn fetch(&mut self) -> Result<(), StreamsError> {
        let wait = if self.slots.has_work() { Duration::ZERO } else { IDLE_WAIT };
        let mut fetched = std::mem::take(&mut self.fetched);
        self.consumer.poll(wait, FETCH_RECORDS, &mut fetched)?;
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
        let mut processed = 0;
        while processed < RECORDS_PER_STEP {
            let before = processed;
            for slot in self.slots.iter_mut() {
                processed += slot.process(RECORDS_PER_TURN, self.now.wall_clock_ms)?;
            }
            if processed == before {
                break;
            }
            if self.slots.uncommitted_bytes() >= self.shared.config.max_uncommitted_bytes {
                break;
            }
        }
        self.slots.resume_drained(&mut *self.consumer, self.shared.config.input_buffer_max_bytes)?;
        self.note_transaction();
        Ok(())
    }

    fn punctuate(&mut self) -> Result<(), StreamsError> {
        for slot in self.slots.iter_mut() {
            slot.punctuate(self.now.wall_clock_ms)?;
        }
        self.note_transaction();
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

fn member_config(shared: &Shared, transactional_id: &str) -> MemberConfig {
    let config = &shared.config;
    let endpoint = (!config.application_server.is_empty()).then(|| config.application_server.clone());
    MemberConfig {
        group_id: config.application_id.clone(),
        session_timeout_ms: config.session_timeout_ms,
        heartbeat_interval_ms: config.heartbeat_interval_ms,
        rebalance_timeout_ms: config.session_timeout_ms.max(10_000),
        probing_interval_ms: 600_000,
        instance_id: None,
        topics: shared.topology.source_topics(),
        profile: Profile {
            process_id: shared.directory.process_id(),
            endpoint,
            transactional_id: transactional_id.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            topology: shared.topology.fingerprint(),
        },
    }
}

pub(super) fn local_state(shared: &Shared) -> LocalState {
    LocalState { standbys: BTreeSet::new(), offset_sums: shared.directory.offset_sums() }
}
