//! The commit of a thread: all its tasks in one transaction (KIP-447), or flushed and then committed as a member.
//!
//! Local state never runs ahead of Kafka: a task's writes become committed ones only after the transaction is, and reach
//! RocksDB only after that.

use super::slots::Slot;
use super::thread::StreamThread;
use crate::broker::{OffsetAndMetadata, ProducedPartition, TopicPartition};
use crate::error::StreamsError;
use crate::task_id::TaskId;
use comanda_state_stores::kill_points;

type Offsets = Vec<(TopicPartition, OffsetAndMetadata)>;

/// How often read records of repartition topics are deleted (`repartition.purge.interval.ms`).
const PURGE_INTERVAL_MS: i64 = 30_000;

impl StreamThread {
    pub(super) fn commit_if_due(&mut self) -> Result<(), StreamsError> {
        let config = &self.shared.config;
        let waited = self.now.steady_ms - self.last_commit_ms >= config.commit_interval_ms;
        let full = self.slots.uncommitted_bytes() >= config.max_uncommitted_bytes;
        if (waited || full) && self.slots.iter().any(|slot| slot.task.needs_commit()) {
            self.commit()?;
        }
        self.purge_repartition_topics()
    }

    /// Commits what is processed. False if no commit is allowed now; true if nothing is left to commit.
    pub(super) fn commit(&mut self) -> Result<bool, StreamsError> {
        let dirty: Vec<TaskId> =
            self.slots.iter().filter(|slot| slot.task.needs_commit()).map(|slot| slot.task.id()).collect();
        if dirty.is_empty() && !self.collector.borrow().in_transaction() {
            return Ok(true);
        }
        if !self.member.may_commit() || self.commit_in_flight {
            return Ok(false);
        }
        let Some(identity) = self.member.identity() else { return Ok(false) };
        let mut offsets: Vec<(TaskId, Offsets)> = vec![];
        for slot in self.slots.iter_mut().filter(|slot| dirty.contains(&slot.task.id())) {
            slot.task.prepare_commit()?;
            offsets.push((slot.task.id(), slot.task.committable_offsets()));
        }
        kill_points::pass("commit.before-flush");
        let all: Offsets = offsets.iter().flat_map(|(_, offsets)| offsets.iter().cloned()).collect();
        if self.exactly_once {
            self.commit_transaction(&all, &identity)?;
        } else {
            self.collector.borrow_mut().producer.flush()?;
            self.commit_as_member(all)?;
        }
        kill_points::pass("commit.after");
        let produced = self.collector.borrow_mut().producer.take_produced();
        self.tasks_committed(&offsets, &produced)?;
        self.last_commit_ms = self.now.steady_ms;
        metrics::counter!("comanda_commits_total", "thread" => self.name.clone()).increment(1);
        Ok(true)
    }

    fn commit_transaction(
        &mut self,
        offsets: &Offsets,
        identity: &crate::broker::GroupIdentity,
    ) -> Result<(), StreamsError> {
        let mut collector = self.collector.borrow_mut();
        collector.begin()?;
        collector.producer.flush()?;
        kill_points::pass("commit.after-flush");
        collector.producer.send_offsets(offsets, identity)?;
        kill_points::pass("commit.after-send-offsets");
        collector.producer.commit_transaction()?;
        collector.ended();
        drop(collector);
        self.transaction_since_ms = None;
        Ok(())
    }

    fn commit_as_member(&mut self, offsets: Offsets) -> Result<(), StreamsError> {
        match self.member.commit_offsets(self.now.steady_ms, offsets) {
            Ok(actions) => {
                self.commit_in_flight = true;
                self.carry_out(actions)
            }
            Err(not_now) => Err(StreamsError::Retry(not_now.to_string())),
        }
    }

    fn tasks_committed(
        &mut self,
        offsets: &[(TaskId, Offsets)],
        produced: &[ProducedPartition],
    ) -> Result<(), StreamsError> {
        let collector = self.collector.clone();
        let written: Vec<_> = produced
            .iter()
            .filter_map(|p| Some((collector.borrow().topic_of(p.topic)?, p.partition, p.next_offset)))
            .collect();
        let (queried, now_ms) = (self.shared.queries.is_enabled(), self.now.steady_ms);
        let config = &self.shared.config;
        for slot in self.slots.iter_mut() {
            let Some((_, offsets)) = offsets.iter().find(|(task, _)| *task == slot.task.id()) else { continue };
            let reached = slot.task.changelog_offsets(&written);
            slot.task.committed(&reached);
            slot.note_committed(offsets);
            slot.apply_if_due(config.apply_bytes, config.flush_bytes, config.flush_interval_ms, now_ms)?;
            if queried {
                slot.task.stores().publish()?;
            }
        }
        Ok(())
    }

    /// Repartition topics have no retention: what is committed as read is deleted.
    fn purge_repartition_topics(&mut self) -> Result<(), StreamsError> {
        if self.now.steady_ms - self.last_purge_ms < PURGE_INTERVAL_MS {
            return Ok(());
        }
        self.last_purge_ms = self.now.steady_ms;
        let app = &self.shared.config.application_id;
        let mut before = vec![];
        for slot in self.slots.iter() {
            let part = self.shared.part(slot.task.id());
            let internal: Vec<String> = part.repartitions.iter().map(|r| r.topic.resolve(app)).collect();
            let read = slot.inputs.iter().filter(|input| internal.iter().any(|topic| **topic == *input.partition.topic));
            before.extend(read.map(|input| (input.partition.clone(), input.committed)));
        }
        if !before.is_empty() {
            if let Err(error) = self.admin.delete_records(&before) {
                // The next purge deletes what this one could not.
                tracing::warn!(thread = self.name, %error, "cannot purge repartition topics");
            }
        }
        Ok(())
    }
}

impl Slot {
    fn note_committed(&mut self, offsets: &Offsets) {
        for (partition, committed) in offsets {
            if let Some(input) = self.inputs.iter_mut().find(|input| input.partition == *partition) {
                input.committed = committed.offset;
            }
        }
    }

    /// Committed writes reach RocksDB some commits later, which is cheaper; both bounds limit what a crash restores.
    fn apply_if_due(
        &mut self,
        apply_bytes: usize,
        flush_bytes: usize,
        flush_interval_ms: i64,
        now_ms: i64,
    ) -> Result<(), StreamsError> {
        let stores = self.task.stores();
        let pending = stores.committed_bytes();
        let flush_due = self.unflushed_bytes + pending >= flush_bytes || now_ms - self.flushed_ms >= flush_interval_ms;
        if pending >= apply_bytes || flush_due {
            stores.apply()?;
            self.unflushed_bytes += pending;
        }
        if flush_due {
            stores.flush()?;
            (self.unflushed_bytes, self.flushed_ms) = (0, now_ms);
        }
        Ok(())
    }
}
