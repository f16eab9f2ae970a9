//! The loop: one thread, one step function; membership, reading, promising, inserting, committing.

mod committing;
mod opening;

use crate::batch::Bounds;
use crate::client::{ClickHouse, InsertError};
use crate::complaint::Complaint;
use crate::config::SinkConfig;
use crate::dead_letter::DeadLetters;
use crate::decoder::Decoder;
use crate::error::SinkError;
use crate::group::{Group, GroupEvent, Joining, final_loss};
use crate::lease::{LEASE, Lease};
use crate::mark::Mark;
use crate::observe::Observer;
use crate::service::{Answer, InsertService, Job};
use crate::slots::{Slot, Slots};
use crate::table::{Layouts, Table};
use comanda_registry::SchemaRegistry;
use comanda_streams::TaskId;
use comanda_streams::broker::{Admin, Broker, Consumer, ConsumerRole, ErrorKind, Fetched};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Things taken from the consumer in one step, at most.
const MAX_POLLED: usize = 2_000;
/// How long a step waits for records when there are none: answers of the coordinator and of ClickHouse wait as long.
const IDLE_WAIT: Duration = Duration::from_millis(5);
/// Pause before a failed call to Kafka is made again.
const RETRY_MS: i64 = 500;

/// What the loop works with.
pub(crate) struct Sink {
    config: SinkConfig,
    broker: Arc<dyn Broker>,
    admin: Box<dyn Admin>,
    consumer: Box<dyn Consumer>,
    group: Group,
    slots: Slots,
    /// Assigned, and not opened yet.
    to_open: BTreeSet<TaskId>,
    open_at_ms: i64,
    /// By sub-topology.
    tables: Vec<Arc<Table>>,
    layouts: Vec<Layouts>,
    decoder: Decoder,
    inserts: InsertService,
    dead_letters: DeadLetters,
    dead_letters_at_ms: i64,
    /// Marks whose commit is under way.
    committing: Option<Vec<(TaskId, Mark)>>,
    commit_at_ms: i64,
    rejoining: bool,
    draining: bool,
    has_left: bool,
    next_ticket: u64,
    fetched: Vec<Fetched>,
    kafka_trouble: Complaint,
    registry_trouble: Complaint,
    clickhouse_trouble: Complaint,
    observer: Observer,
}

impl Sink {
    /// A sink of `topics` (with their tables, in the same order) that joins its group at the first step.
    pub fn new(
        config: SinkConfig,
        broker: Arc<dyn Broker>,
        registry: Arc<dyn SchemaRegistry>,
        client: &ClickHouse,
        topics: Vec<String>,
        tables: Vec<Arc<Table>>,
    ) -> Result<Self, SinkError> {
        let client_id = uuid::Uuid::new_v4();
        // Stable under a static id: then its next life finishes a transaction that this one leaves open.
        let instance = config.instance_id.clone().unwrap_or_else(|| client_id.to_string());
        let joining = Joining {
            group_id: &config.group_id,
            instance_id: config.instance_id.clone(),
            session_timeout_ms: config.session_timeout_ms,
            client: client_id,
            topics,
        };
        let group = Group::new(joining, broker.group(&config.group_id)?);
        Ok(Self {
            admin: broker.admin()?,
            consumer: broker.consumer(ConsumerRole::Main)?,
            group,
            slots: Slots::default(),
            to_open: BTreeSet::new(),
            open_at_ms: 0,
            layouts: tables.iter().map(|_| Layouts::default()).collect(),
            tables,
            decoder: Decoder::new(registry),
            inserts: InsertService::start(client, config.insert_threads)?,
            dead_letters: DeadLetters::new(format!("{}-dead-letters-{instance}", config.group_id)),
            dead_letters_at_ms: 0,
            committing: None,
            commit_at_ms: 0,
            rejoining: false,
            draining: false,
            has_left: false,
            next_ticket: 0,
            fetched: Vec::new(),
            kafka_trouble: Complaint::default(),
            registry_trouble: Complaint::default(),
            clickhouse_trouble: Complaint::default(),
            observer: Observer::default(),
            config,
            broker,
        })
    }

    /// Goes round once. `now_ms` never goes back.
    ///
    /// # Errors
    /// What nobody but an operator can mend.
    pub fn step(&mut self, now_ms: i64) -> Result<(), SinkError> {
        self.group.step(now_ms, self.admin.as_mut());
        self.follow_group(now_ms)?;
        self.take_answers(now_ms);
        if !self.draining {
            self.open(now_ms)?;
            self.fetch(now_ms)?;
            self.fill_and_seal(now_ms);
            self.start_inserts(now_ms);
        }
        self.send_dead_letters(now_ms);
        self.commit(now_ms);
        self.release();
        self.answer_rebalance(now_ms);
        self.observer.observe(now_ms, &self.slots, self.admin.as_mut());
        Ok(())
    }

    /// Begins nothing new from now on.
    pub fn drain(&mut self) {
        self.draining = true;
    }

    /// Whether all that was begun is done and committed, as far as can be.
    pub fn is_drained(&self) -> bool {
        let busy = |slot: &Slot| {
            slot.partition.is_inserting() || (self.group.may_commit() && slot.partition.wanted(false).is_some())
        };
        self.committing.is_none() && !self.slots.iter().any(busy)
    }

    /// Leaves the group.
    pub fn leave(&mut self, now_ms: i64) {
        self.group.leave(now_ms);
    }

    /// Whether the group is left.
    pub fn has_left(&self) -> bool {
        self.has_left
    }

    /// How many partitions are being delivered.
    pub fn partitions(&self) -> usize {
        self.slots.iter().count()
    }

    fn follow_group(&mut self, now_ms: i64) -> Result<(), SinkError> {
        while let Some(event) = self.group.next_event() {
            match event {
                GroupEvent::Assigned(active) => self.assigned(active),
                GroupEvent::PrepareRejoin => self.rejoining = true,
                GroupEvent::Committed(outcome) => self.committed(now_ms, outcome),
                GroupEvent::Left => self.has_left = true,
                GroupEvent::Lost(reason) => {
                    tracing::warn!(%reason, "partitions lost; joining the group again");
                    self.drop_all();
                    if let Some(error) = final_loss(&self.config.group_id, &reason) {
                        return Err(error);
                    }
                    self.group.closed(now_ms);
                }
            }
        }
        Ok(())
    }

    fn assigned(&mut self, active: BTreeSet<TaskId>) {
        self.rejoining = false;
        self.group.applied();
        self.slots.iter_mut().for_each(|slot| slot.releasing = !active.contains(&slot.task));
        self.to_open = active.into_iter().filter(|task| self.slots.of(*task).is_none()).collect();
    }

    /// The heir repeats what was promised; what is on its way must not leave any more.
    fn drop_all(&mut self) {
        for (id, slot) in self.slots.drain() {
            slot.revoke_lease();
            if let Err(error) = self.consumer.unassign(id) {
                tracing::warn!(%error, "cannot stop reading a lost partition");
            }
        }
        self.to_open.clear();
        self.committing = None;
        self.rejoining = false;
    }

    fn take_answers(&mut self, now_ms: i64) {
        while let Some(Answer { ticket, result }) = self.inserts.poll() {
            let Some(slot) = self.slots.iter_mut().find(|slot| slot.ticket == Some(ticket)) else {
                continue; // of a partition lost meanwhile
            };
            slot.ticket = None;
            let topic = slot.partition.route.partition.topic.clone();
            match result {
                Ok(()) => {
                    self.observer.inserted(now_ms, &topic, slot.rows_under_way);
                    slot.partition.inserted();
                    if !self.slots.iter().any(|slot| slot.partition.is_failing()) {
                        self.clickhouse_trouble.settle(now_ms, "ClickHouse takes inserts");
                    }
                }
                Err(InsertError::RowRefused(words)) => slot.partition.refused(&words),
                Err(InsertError::Failed(words)) => {
                    let pause_ms = slot.partition.failed(now_ms);
                    self.observer.retried(&topic);
                    let table = &slot.partition.route.table.name;
                    let text = format!(
                        "ClickHouse does not take {table}: {words}; nothing is lost, trying again in {pause_ms} ms"
                    );
                    self.clickhouse_trouble.raise(now_ms, &text);
                }
            }
        }
    }

    fn fetch(&mut self, now_ms: i64) -> Result<(), SinkError> {
        let wait = if self.slots.is_empty() { IDLE_WAIT * 4 } else { IDLE_WAIT };
        let mut fetched = std::mem::take(&mut self.fetched);
        match self.consumer.poll(wait, MAX_POLLED, &mut fetched) {
            Ok(()) => {}
            Err(error) if error.kind == ErrorKind::Fatal => return Err(error.into()),
            Err(error) => self.kafka_trouble.raise(now_ms, &error.to_string()),
        }
        for item in fetched.drain(..) {
            match item {
                Fetched::Record(id, record) => {
                    if let Some(slot) = self.slots.get_mut(id) {
                        slot.partition.fetched(record);
                    }
                }
                Fetched::End { partition, position } => {
                    if let Some(slot) = self.slots.get_mut(partition) {
                        slot.partition.end_seen(position);
                    }
                }
                Fetched::OutOfRange(id) => self.out_of_range(now_ms, id)?,
            }
        }
        self.fetched = fetched;
        Ok(())
    }

    fn fill_and_seal(&mut self, now_ms: i64) {
        for (id, slot) in self.slots.entries_mut() {
            if slot.releasing || now_ms < slot.stalled_until_ms {
                continue;
            }
            let layouts = &mut self.layouts[slot.task.sub_topology as usize];
            match slot.partition.work(now_ms, &mut self.decoder, layouts) {
                Ok(()) if slot.stalled_until_ms > 0 => {
                    slot.stalled_until_ms = 0;
                    self.registry_trouble.settle(now_ms, "the schema registry answers");
                }
                Ok(()) => {}
                Err(stalled) => {
                    self.registry_trouble.raise(now_ms, &format!("{}; waiting for it", stalled.0));
                    slot.stalled_until_ms = now_ms + RETRY_MS;
                }
            }
            let tombstones = slot.partition.take_skipped();
            self.observer.skipped(&slot.partition.route.partition.topic, tombstones);
            slot.pause_or_resume(id, self.consumer.as_mut());
        }
    }

    fn start_inserts(&mut self, now_ms: i64) {
        for slot in self.slots.iter_mut().filter(|slot| !slot.releasing) {
            let Some(block) = slot.partition.next_insert(now_ms) else {
                continue;
            };
            self.next_ticket += 1;
            let lease = Arc::new(Lease::new(LEASE));
            slot.ticket = Some(self.next_ticket);
            slot.lease = Some(lease.clone());
            slot.rows_under_way = block.rows.len();
            let table = slot.partition.route.table.clone();
            self.inserts.submit(Job { ticket: self.next_ticket, table, block, lease });
        }
    }

    fn bounds(&self) -> Bounds {
        Bounds {
            rows: self.config.max_batch_rows,
            bytes: self.config.max_batch_bytes,
            age_ms: self.config.flush_age_ms,
        }
    }
}
