//! What the group is told: marks, dead letters with theirs, and when the sink is ready for a rebalance.

use super::{RETRY_MS, Sink};
use crate::dead_letter::Undelivered;
use crate::slots::Slot;
use comanda_streams::TaskId;
use comanda_streams::membership::CommitOutcome;

impl Sink {
    /// One transaction for each partition that has some; blocks for as long as that takes.
    pub(super) fn send_dead_letters(&mut self, now_ms: i64) {
        if self.committing.is_some() || now_ms < self.dead_letters_at_ms {
            return;
        }
        for id in self.slots.ids() {
            let Some(identity) = self.group.identity().filter(|_| self.group.may_commit()) else {
                return;
            };
            let Some(slot) = self.slots.get_mut(id) else {
                continue;
            };
            let route = &slot.partition.route;
            let Some((rejected, mark)) = slot.partition.dead_letters() else {
                continue;
            };
            let offset = (route.partition.clone(), mark.commit(route.topic_id));
            let source = &route.partition;
            let sent = self.dead_letters.send(self.broker.as_ref(), source, rejected, offset, &identity);
            match sent {
                Ok(()) => {
                    self.observer.dead_letters(&source.topic, rejected.len());
                    slot.partition.dead_letters_sent(mark);
                    self.kafka_trouble.settle(now_ms, "dead letters go out");
                }
                Err(Undelivered::Fenced(code)) => return self.group.fenced(now_ms, code),
                Err(Undelivered::Again(error)) => {
                    self.dead_letters_at_ms = now_ms + RETRY_MS;
                    self.kafka_trouble.raise(now_ms, &error.to_string());
                }
                Err(Undelivered::Unknown(error)) => {
                    self.kafka_trouble.raise(now_ms, &format!("{error}; asking the group"));
                    self.reopen(id);
                }
            }
        }
    }

    /// All marks that changed, in one request. It is made again until its outcome is known.
    pub(super) fn commit(&mut self, now_ms: i64) {
        if self.committing.is_some() || now_ms < self.commit_at_ms || !self.group.may_commit() {
            return;
        }
        let promising = !self.rejoining && !self.draining;
        let wanted = self.slots.iter().filter_map(|slot| {
            let mark = slot.partition.wanted(promising && !slot.releasing)?;
            Some((slot, mark))
        });
        let (marks, offsets): (Vec<_>, Vec<_>) = wanted
            .map(|(slot, mark)| {
                let route = &slot.partition.route;
                ((slot.task, mark), (route.partition.clone(), mark.commit(route.topic_id)))
            })
            .unzip();
        if !marks.is_empty() && self.group.commit(now_ms, offsets).is_ok() {
            self.committing = Some(marks);
        }
    }

    pub(super) fn committed(&mut self, now_ms: i64, outcome: CommitOutcome) {
        let marks = self.committing.take().unwrap_or_default();
        match outcome {
            CommitOutcome::Done => {
                self.kafka_trouble.settle(now_ms, "offsets are committed");
                for (task, mark) in marks {
                    if let Some(slot) = self.slots.of(task) {
                        slot.partition.committed(mark);
                    }
                }
            }
            CommitOutcome::Fenced => {} // the loss follows
            CommitOutcome::Retry => self.commit_at_ms = now_ms + RETRY_MS / 10,
            CommitOutcome::Refused { code } => {
                self.commit_at_ms = now_ms + RETRY_MS;
                let text = format!("offsets are refused (Kafka error {code}); trying again");
                self.kafka_trouble.raise(now_ms, &text);
            }
        }
    }

    /// Lets go of partitions that were taken away, once nothing of them is on its way.
    pub(super) fn release(&mut self) {
        if self.committing.is_some() {
            return;
        }
        let done = |slot: &Slot| {
            let partition = &slot.partition;
            slot.releasing && !partition.is_inserting() && partition.wanted(false).is_none()
        };
        let released = self.slots.remove_where(done);
        let tasks: Vec<TaskId> = released.iter().map(|(_, slot)| slot.task).collect();
        for (id, _) in released {
            if let Err(error) = self.consumer.unassign(id) {
                tracing::warn!(%error, "cannot stop reading a released partition");
            }
        }
        if !tasks.is_empty() {
            tracing::info!(?tasks, "partitions released");
            self.group.revoked(&tasks);
        }
    }

    /// Joins once what was inserted is committed. Promised inserts go on meanwhile: they stay this range, whoever ends
    /// them.
    pub(super) fn answer_rebalance(&mut self, now_ms: i64) {
        let owes_commit = |slot: &Slot| slot.partition.wanted(false).is_some();
        let owing = self.group.may_commit() && self.slots.iter().any(owes_commit);
        if self.rejoining && self.committing.is_none() && !owing {
            self.rejoining = false;
            self.group.ready_to_join(now_ms);
        }
    }
}
