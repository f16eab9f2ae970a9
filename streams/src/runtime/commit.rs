//! The commit of a thread: all its tasks in one transaction (KIP-447), or flushed and then committed as a member.
//!
//! Local state never runs ahead of Kafka: a task's writes become committed ones only after the transaction is, and reach
//! RocksDB only after that.

use super::mending::Then;
use super::slots::Slot;
use super::thread::StreamThread;
use crate::broker::{GroupIdentity, OffsetAndMetadata, ProducedPartition, TopicPartition};
use crate::error::StreamsError;
use crate::task_id::TaskId;
use comanda_state_stores::kill_points;

pub(super) type Offsets = Vec<(TopicPartition, OffsetAndMetadata)>;

/// How often read records of repartition topics are deleted (`repartition.purge.interval.ms`).
const PURGE_INTERVAL_MS: i64 = 30_000;

impl StreamThread {
    pub(super) fn commit_if_due(&mut self) -> Result<(), StreamsError> {
        let config = &self.shared.config;
        let waited = self.now.steady_ms - self.last_commit_ms >= config.commit_interval_ms;
        let due = waited
            || self.slots.uncommitted_bytes() >= config.max_uncommitted_bytes
            || self.slots.iter().any(|slot| slot.task.wants_commit());
        if due && self.slots.iter().any(|slot| slot.task.needs_commit()) {
            self.commit()?;
        }
        self.purge_repartition_topics()
    }

    /// Commits what is processed. False if no commit is allowed now; true if nothing is left to commit.
    pub(super) fn commit(&mut self) -> Result<bool, StreamsError> {
        if self.mending.is_due() || self.commit_in_flight.is_some() {
            return Ok(false);
        }
        let dirty: Vec<TaskId> =
            self.slots.iter().filter(|slot| slot.task.needs_commit()).map(|slot| slot.task.id()).collect();
        if dirty.is_empty() && !self.collector.borrow().in_transaction() {
            return Ok(true);
        }
        let identity = self.seat.ask(|member| member.may_commit().then(|| member.identity()).flatten());
        let Some(identity) = identity else { return Ok(false) };
        let offsets = self.prepare(&dirty)?;
        kill_points::pass("commit.before-flush");
        if self.exactly_once {
            self.commit_transaction(&offsets, &identity)?;
        } else {
            self.collector.borrow_mut().deliver()?;
            self.commit_as_member(&offsets)?;
        }
        kill_points::pass("commit.after");
        let produced = self.collector.borrow_mut().producer.take_produced();
        self.last_commit_ms = self.now.steady_ms;
        metrics::counter!("comanda_commits_total", "thread" => self.name.clone()).increment(1);
        self.tasks_committed(&dirty, &offsets, &produced)?;
        Ok(true)
    }

    /// Change logs and cached updates go out; the positions that the tasks stand at then.
    fn prepare(&mut self, dirty: &[TaskId]) -> Result<Offsets, StreamsError> {
        let mut offsets = vec![];
        for slot in self.slots.iter_mut().filter(|slot| dirty.contains(&slot.task.id())) {
            self.at_work = Some(slot.task.id());
            slot.task.prepare_commit()?;
            offsets.extend(slot.committable_offsets());
        }
        self.at_work = None;
        Ok(offsets)
    }

    fn commit_transaction(&mut self, offsets: &Offsets, identity: &GroupIdentity) -> Result<(), StreamsError> {
        let mut collector = self.collector.borrow_mut();
        collector.begin()?;
        collector.deliver()?;
        kill_points::pass("commit.after-flush");
        collector.producer.send_offsets(offsets, identity)?;
        kill_points::pass("commit.after-send-offsets");
        collector.producer.commit_transaction()?;
        collector.ended();
        drop(collector);
        self.transaction_since_ms = None;
        self.trouble.over();
        Ok(())
    }

    fn commit_as_member(&mut self, offsets: &Offsets) -> Result<(), StreamsError> {
        let mut refused = None;
        self.seat.tell(|member, now_ms| {
            member.commit_offsets(now_ms, offsets.clone()).unwrap_or_else(|not_now| {
                refused = Some(StreamsError::Retry(not_now.to_string()));
                vec![]
            })
        });
        match refused {
            Some(error) => Err(error),
            None => {
                self.commit_in_flight = Some(offsets.clone());
                Ok(())
            }
        }
    }

    /// Kafka has committed. First every task knows it, for whatever fails after this must not undo it; then the disk.
    fn tasks_committed(
        &mut self,
        dirty: &[TaskId],
        offsets: &Offsets,
        produced: &[ProducedPartition],
    ) -> Result<(), StreamsError> {
        let written: Vec<_> = {
            let collector = self.collector.borrow();
            let reached = |p: &ProducedPartition| Some((collector.topic_of(p.topic)?, p.partition, p.next_offset));
            produced.iter().filter_map(reached).collect()
        };
        let exactly_once = self.exactly_once;
        for slot in self.slots.iter_mut().filter(|slot| dirty.contains(&slot.task.id())) {
            let reached = slot.task.changelog_offsets(&written);
            if let Some(reason) = slot.task.changelog_went_back(&reached) {
                let task = slot.task.id();
                tracing::error!(thread = self.name, %task, reason, "the task's state is restored from its change logs");
                self.mending.abort_and(Then::Rewind);
                self.mending.corrupt.insert(task);
            }
            slot.task.committed(&reached);
            slot.note_committed(offsets);
            if exactly_once {
                slot.note_acknowledged(offsets);
            }
        }
        let (queried, config) = (self.shared.queries.is_enabled(), &self.shared.config);
        let read_cache_bytes = self.read_cache_bytes();
        for slot in self.slots.iter_mut().filter(|slot| dirty.contains(&slot.task.id())) {
            self.at_work = Some(slot.task.id());
            slot.task.stores().with_storage(|storage| storage.set_read_cache_bytes(read_cache_bytes));
            slot.task.stores().set_changelogs_current(self.now.wall_clock_ms);
            slot.apply_if_due(config.apply_bytes, config.flush_bytes)?;
            if queried {
                slot.publish()?;
            }
        }
        self.at_work = None;
        Ok(())
    }

    /// A task's share, threads counting alike.
    fn read_cache_bytes(&self) -> usize {
        let threads = self.shared.config.num_stream_threads.max(1);
        self.shared.resources.sizes().read_cache_bytes / threads / self.slots.iter().count().max(1)
    }

    /// What time demands: a quiet task's state reaches the disk too, and queries that have just begun see it.
    pub(super) fn flush_if_due(&mut self) -> Result<(), StreamsError> {
        let (queried, interval_ms) = (self.shared.queries.is_enabled(), self.shared.config.flush_interval_ms);
        for slot in self.slots.iter_mut() {
            self.at_work = Some(slot.task.id());
            if self.now.steady_ms - slot.flushed_ms >= interval_ms {
                slot.flush()?;
                slot.flushed_ms = self.now.steady_ms;
            }
            if queried && !slot.published {
                slot.publish()?;
            }
        }
        self.at_work = None;
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
            let read =
                slot.inputs.iter().filter(|input| internal.iter().any(|topic| **topic == *input.partition.topic));
            before.extend(read.map(|input| (input.partition.clone(), input.acknowledged)));
        }
        if !before.is_empty()
            && let Err(error) = self.admin.delete_records(&before)
        {
            // The next purge deletes what this one could not.
            tracing::warn!(thread = self.name, %error, "cannot purge repartition topics");
        }
        Ok(())
    }
}

impl Slot {
    /// The positions to commit: of an input that nothing was read of since it was assigned, the one it was assigned at.
    /// An empty commit would not be fenced.
    fn committable_offsets(&self) -> Offsets {
        let assigned = |partition: &TopicPartition| {
            let input = self.inputs.iter().find(|input| input.partition == *partition);
            input.map_or(0, |input| input.committed)
        };
        self.task.committable_offsets(assigned)
    }

    fn note_committed(&mut self, offsets: &Offsets) {
        for (partition, committed) in offsets {
            if let Some(input) = self.inputs.iter_mut().find(|input| input.partition == *partition) {
                input.committed = committed.offset;
            }
        }
    }

    /// The group has these positions.
    pub(super) fn note_acknowledged(&mut self, offsets: &Offsets) {
        for (partition, committed) in offsets {
            if let Some(input) = self.inputs.iter_mut().find(|input| input.partition == *partition) {
                input.acknowledged = committed.offset;
            }
        }
    }

    /// Committed writes reach RocksDB some commits later, which is cheaper; both bounds limit what a crash restores.
    fn apply_if_due(&mut self, apply_bytes: usize, flush_bytes: usize) -> Result<(), StreamsError> {
        let pending = self.task.stores().committed_bytes();
        if self.unflushed_bytes + pending >= flush_bytes {
            return self.flush();
        }
        if pending >= apply_bytes {
            self.task.stores().apply()?;
            self.unflushed_bytes += pending;
        }
        Ok(())
    }

    /// Brings all that is committed to the disk.
    fn flush(&mut self) -> Result<(), StreamsError> {
        let stores = self.task.stores();
        if self.unflushed_bytes > 0 || stores.committed_bytes() > 0 {
            stores.apply()?;
            stores.flush()?;
            self.unflushed_bytes = 0;
        }
        Ok(())
    }

    fn publish(&mut self) -> Result<(), StreamsError> {
        self.published = true;
        Ok(self.task.stores().publish()?)
    }
}
