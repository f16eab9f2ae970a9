//! A task's part in a commit and in an abort.

use super::collector::OutputTopic;
use super::context::NO_TIME;
use super::times::SavedTimes;
use super::unit::Task;
use crate::broker::{Headers, OffsetAndMetadata, TopicPartition};
use crate::error::StreamsError;
use comanda_state_stores::{Positions, kill_points};
use std::collections::BTreeMap;

/// What an abort goes back to.
#[derive(Default)]
pub(super) struct Committed {
    stream_time_ms: Option<i64>,
    partition_times_ms: Vec<i64>,
    operators_ms: BTreeMap<String, i64>,
    schedules: Vec<Vec<(i64, bool)>>,
    counts: Counts,
}

/// Records that did not go the ordinary way, since the task was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    dead_letters: u64,
    dropped: u64,
}

impl Task {
    /// Whether there is anything to commit: records processed, left out or sent to the dead-letter topic.
    pub fn needs_commit(&self) -> bool {
        self.dirty || self.counts() != self.committed.counts
    }

    /// Whether a commit should come now: a bad record has just gone its own way, and the next one must not undo that.
    pub fn wants_commit(&self) -> bool {
        self.wants_commit
    }

    fn counts(&self) -> Counts {
        Counts { dead_letters: self.letters.dead_letters, dropped: self.dropped_records() }
    }

    /// At-least-once: the state is committed, the positions are not; the next commit brings them again.
    pub fn offsets_not_committed(&mut self) {
        self.dirty = true;
    }

    /// How far each store's change log reaches, among what the thread's producer has written: (topic, partition, next
    /// offset).
    pub fn changelog_offsets(&self, written: &[(OutputTopic, i32, i64)]) -> Vec<(usize, i64)> {
        let own = written.iter().filter(|(_, partition, _)| *partition == self.changelog_partition);
        own.filter_map(|(topic, _, offset)| {
            let store = self.changelogs.iter().position(|log| *log == Some(*topic))?;
            Some((store, *offset))
        })
        .collect()
    }

    /// Whether a change log holds less than it held before, and so not what the store holds: it was deleted and made again,
    /// or an unclean election truncated it. Kafka's word counts: whoever takes the task over would restore that.
    pub fn changelog_went_back(&self, reached: &[(usize, i64)]) -> Option<String> {
        let back = |(store, offset): &(usize, i64)| {
            let before = self.changelogs_reached[*store];
            (*offset <= before).then(|| {
                let (name, task) = (&self.store_names[*store], self.id);
                format!(
                    "the change log of store `{name}` of task {task} went back from offset {before} to {offset}: it was made \
                     again or truncated"
                )
            })
        };
        reached.iter().find_map(back)
    }

    /// Flushes caches downstream and sends the change logs: after this nothing is sent until the commit is over.
    pub fn prepare_commit(&mut self) -> Result<(), StreamsError> {
        self.flush_caches()?;
        let (collector, partition) = (self.collector.clone(), self.changelog_partition);
        let (changelogs, headers, names) = (&self.changelogs, &self.changelog_headers, &self.store_names);
        let mut collector = collector.borrow_mut();
        self.stores.drain_uncommitted(|store, key, value, timestamp| {
            let Some(topic) = changelogs[store] else { return Ok(()) };
            kill_points::pass("commit.in-drain");
            let headers = if value.is_some() { &headers[store] } else { &Headers::EMPTY };
            let sent = collector.send(topic, Some(partition), timestamp, Some(key), value, headers);
            sent.map_err(|error| unlogged(error, &names[store], key, value))
        })
    }

    /// The input positions to commit, with the task's times; `assigned` tells where an input began of which nothing was
    /// read yet.
    pub fn committable_offsets(
        &self,
        assigned: impl Fn(&TopicPartition) -> i64,
    ) -> Vec<(TopicPartition, OffsetAndMetadata)> {
        let mut times = SavedTimes {
            partition_ms: None,
            stream_ms: known(self.ctx.stream_time_ms.get()),
            operators_ms: self.operator_times.save(),
        };
        let mut offsets = vec![];
        for queue in &self.inputs.queues {
            let offset = queue.position().unwrap_or_else(|| assigned(&queue.partition));
            times.partition_ms = known(queue.partition_time);
            offsets.push((queue.partition.clone(), OffsetAndMetadata { offset, metadata: times.encode() }));
        }
        offsets
    }

    /// The commit has succeeded: the stores' writes are committed, with what they stand for. `changelog_offsets` holds
    /// how far each store's change log reaches now, for those written to.
    pub fn committed(&mut self, changelog_offsets: &[(usize, i64)]) {
        let mut positions = Positions::default();
        for (store, offset) in changelog_offsets {
            self.changelogs_reached[*store] = *offset;
            positions.changelogs.insert(self.store_names[*store].clone(), *offset);
        }
        for queue in &self.inputs.queues {
            if let Some(offset) = queue.position() {
                positions.inputs.insert((queue.partition.topic.clone(), queue.partition.partition), offset);
            }
        }
        self.stores.observe_stream_time(self.ctx.stream_time_ms.get());
        self.stores.commit(&positions);
        self.calling.iter().for_each(|node| node.borrow_mut().committed());
        self.dirty = false;
        let queues = &self.inputs.queues;
        self.poisoned.retain(|(input, offset), _| queues[*input].position().is_none_or(|reached| *offset >= reached));
        self.report(self.counts());
        self.remember_commit();
    }

    /// Counts what is committed now.
    fn report(&self, counts: Counts) {
        let before = self.committed.counts;
        let add = |name: &'static str, records: u64| {
            if records > 0 {
                let labels = [("application", self.application_id.clone()), ("task", self.id.to_string())];
                metrics::counter!(name, &labels).increment(records);
            }
        };
        add("comanda_dead_letters_total", counts.dead_letters - before.dead_letters);
        add("comanda_dropped_records_total", counts.dropped - before.dropped);
    }

    /// Goes back to the last commit: drops uncommitted writes, queues and cached updates, puts back times and
    /// schedules. The caller moves the inputs to their committed positions.
    pub fn abort(&mut self) {
        self.stores.abort();
        self.calling.iter().for_each(|node| node.borrow_mut().aborted());
        self.inputs.clear();
        self.caches.iter().for_each(|cache| cache.borrow_mut().clear());
        self.ctx.record = None;
        self.ctx.stream_time_ms.set(self.committed.stream_time_ms.unwrap_or(NO_TIME));
        for (queue, time) in self.inputs.queues.iter_mut().zip(&self.committed.partition_times_ms) {
            queue.partition_time = *time;
        }
        self.operator_times.restore(&self.committed.operators_ms);
        for (node, saved) in self.punctuated.iter().zip(&self.committed.schedules) {
            node.borrow_mut().restore(saved);
        }
        self.dirty = false;
        self.wants_commit = false;
        let Counts { dead_letters, dropped } = self.committed.counts;
        (self.letters.dead_letters, self.letters.dropped, self.ctx.dropped_records) = (dead_letters, 0, dropped);
    }

    /// Keeps what an abort would go back to.
    pub(super) fn remember_commit(&mut self) {
        self.committed = Committed {
            stream_time_ms: known(self.ctx.stream_time_ms.get()),
            partition_times_ms: self.inputs.queues.iter().map(|queue| queue.partition_time).collect(),
            operators_ms: self.operator_times.save(),
            schedules: self.punctuated.iter().map(|node| node.borrow().save()).collect(),
            counts: self.counts(),
        };
        self.wants_commit = false;
    }
}

/// A store's update cannot be left out of its change log, nor the store go on without one.
fn unlogged(error: StreamsError, store: &str, key: &[u8], value: Option<&[u8]>) -> StreamsError {
    let StreamsError::SkipRecord(reason) = error else { return error };
    let (key, value) = (key.len(), value.map_or(0, <[u8]>::len));
    StreamsError::Fatal(format!(
        "the change log of store `{store}` does not take an update (key {key} bytes, value {value} bytes): {reason}"
    ))
}

fn known(time_ms: i64) -> Option<i64> {
    (time_ms != NO_TIME).then_some(time_ms)
}
