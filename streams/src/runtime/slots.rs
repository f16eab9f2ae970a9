//! The tasks of a thread and the partitions that feed them.

use super::opener::Start;
use crate::broker::{Consumer, PartitionId, RawRecord, TopicPartition};
use crate::error::StreamsError;
use crate::task::Task;
use crate::task_id::TaskId;

/// A running task with its inputs.
pub(super) struct Slot {
    pub task: Task,
    pub inputs: Vec<Input>,
    /// Bytes applied to the backend since its last flush.
    pub unflushed_bytes: usize,
    pub flushed_ms: i64,
    /// Its state was shown to queries since it was opened.
    pub published: bool,
}

/// One input partition of a running task.
pub(super) struct Input {
    pub id: PartitionId,
    pub partition: TopicPartition,
    /// Where an abort goes back to.
    pub committed: i64,
    /// What the group is known to have committed: at-least-once runs ahead of it.
    pub acknowledged: i64,
    paused: bool,
}

impl Slot {
    /// Processes up to `limit` records.
    pub fn process(&mut self, limit: usize, now_ms: i64) -> Result<usize, StreamsError> {
        for processed in 0..limit {
            if self.task.wants_commit() || !self.task.process(now_ms)? {
                return Ok(processed);
            }
        }
        Ok(limit)
    }

    pub fn punctuate(&mut self, now_ms: i64) -> Result<(), StreamsError> {
        self.task.punctuate_wall_clock(now_ms)
    }
}

/// All running tasks of a thread.
#[derive(Default)]
pub(super) struct Slots {
    slots: Vec<Option<Slot>>,
    /// By `PartitionId`: which slot, which of its inputs.
    feeds: Vec<Option<(usize, usize)>>,
}

impl Slots {
    pub fn is_empty(&self) -> bool {
        self.slots.iter().all(Option::is_none)
    }

    pub fn tasks(&self) -> Vec<TaskId> {
        self.iter().map(|slot| slot.task.id()).collect()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter().flatten()
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Slot> {
        self.slots.iter_mut().flatten()
    }

    /// Takes a task in and starts reading its inputs where they go on; or nothing of it stays.
    pub fn insert(
        &mut self,
        task: Task,
        starts: &[Start],
        unflushed: bool,
        consumer: &mut dyn Consumer,
        now_ms: i64,
    ) -> Result<(), StreamsError> {
        let index = self.slots.iter().position(Option::is_none).unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        let id = task.id();
        let mut inputs = vec![];
        for (number, partition) in task.inputs().enumerate() {
            let start = starts.iter().find(|start| start.partition == *partition).map_or(0, |start| start.offset);
            let id = self.free_id();
            self.feeds[id.0 as usize] = Some((index, number));
            let partition = partition.clone();
            inputs.push(Input { id, partition, committed: start, acknowledged: start, paused: false });
        }
        let assigned = inputs.iter().try_for_each(|input| consumer.assign(input.id, &input.partition, input.committed));
        let unflushed_bytes = unflushed.into();
        self.slots[index] = Some(Slot { task, inputs, unflushed_bytes, flushed_ms: now_ms, published: false });
        assigned.map_err(|error| {
            drop(self.remove(id, consumer));
            error.into()
        })
    }

    fn free_id(&mut self) -> PartitionId {
        let free = self.feeds.iter().position(Option::is_none).unwrap_or_else(|| {
            self.feeds.push(None);
            self.feeds.len() - 1
        });
        PartitionId(free as u32)
    }

    /// Takes a task out; its inputs are not read any more.
    pub fn remove(&mut self, task: TaskId, consumer: &mut dyn Consumer) -> Option<Slot> {
        let index = self.slots.iter().position(|slot| slot.as_ref().is_some_and(|s| s.task.id() == task))?;
        let slot = self.slots[index].take()?;
        for input in &slot.inputs {
            self.feeds[input.id.0 as usize] = None;
            if let Err(error) = consumer.unassign(input.id) {
                // What still comes of it finds no feed.
                tracing::warn!(partition = %input.partition, %error, "cannot stop reading");
            }
        }
        Some(slot)
    }

    #[inline]
    fn feed(&mut self, id: PartitionId) -> Option<(&mut Slot, usize)> {
        let (slot, input) = (*self.feeds.get(id.0 as usize)?)?;
        Some((self.slots[slot].as_mut()?, input))
    }

    #[inline]
    pub fn add_record(&mut self, id: PartitionId, record: RawRecord) {
        if let Some((slot, input)) = self.feed(id) {
            slot.task.add_record(input, record);
        }
    }

    pub fn set_end(&mut self, id: PartitionId, position: i64) {
        if let Some((slot, input)) = self.feed(id) {
            slot.task.set_end(input, position);
        }
    }

    /// The partition behind an id, and a way to move it.
    pub fn input_mut(&mut self, id: PartitionId) -> Option<&mut Input> {
        self.feed(id).map(|(slot, input)| &mut slot.inputs[input])
    }

    /// Whether records wait: the thread need not wait for more.
    pub fn has_work(&self) -> bool {
        self.iter().any(|slot| slot.task.buffered_records() > 0)
    }

    /// Whether an asynchronous call has been answered since the last step.
    pub fn has_answers(&self) -> bool {
        self.iter().any(|slot| slot.task.has_answers())
    }

    pub fn uncommitted_bytes(&self) -> usize {
        self.iter().map(|slot| slot.task.stores().uncommitted_bytes()).sum()
    }

    /// Pauses inputs whose queues are full.
    pub fn pause_full(&mut self, consumer: &mut dyn Consumer, bound_bytes: usize) -> Result<(), StreamsError> {
        for slot in self.slots.iter_mut().flatten() {
            for (number, input) in slot.inputs.iter_mut().enumerate() {
                if !input.paused && slot.task.buffered_bytes(number) > bound_bytes {
                    consumer.pause(input.id)?;
                    input.paused = true;
                }
            }
        }
        Ok(())
    }

    /// Resumes paused inputs whose queues are half empty.
    pub fn resume_drained(&mut self, consumer: &mut dyn Consumer, bound_bytes: usize) -> Result<(), StreamsError> {
        for slot in self.slots.iter_mut().flatten() {
            for (number, input) in slot.inputs.iter_mut().enumerate() {
                if input.paused && slot.task.buffered_bytes(number) < bound_bytes / 2 {
                    consumer.resume(input.id)?;
                    input.paused = false;
                }
            }
        }
        Ok(())
    }

    /// Back to the last commit: tasks forget, inputs are read again from their committed positions.
    pub fn rewind(&mut self, consumer: &mut dyn Consumer) -> Result<(), StreamsError> {
        for slot in self.slots.iter_mut().flatten() {
            slot.task.abort();
            // At-least-once: the commit of these positions may be lost, and nothing that comes need bring it again.
            if slot.inputs.iter().any(|input| input.acknowledged < input.committed) {
                slot.task.offsets_not_committed();
            }
            for input in &mut slot.inputs {
                consumer.assign(input.id, &input.partition, input.committed)?;
                input.paused = false;
            }
        }
        Ok(())
    }
}
