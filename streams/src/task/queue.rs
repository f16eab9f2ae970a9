//! The inputs of a task: a queue per partition, and which of them goes next.

use super::context::NO_TIME;
use crate::StreamsError;
use crate::broker::{RawRecord, TopicPartition};
use crate::serde::SerdeError;
use crate::task::TaskContext;
use std::collections::VecDeque;

/// What became of the record at a queue's head.
pub(crate) enum Staged {
    /// Decoded, with this event time.
    Ready(i64),
    /// Left out (invalid timestamp), to be counted.
    Dropped,
}

/// The typed side of a queue: decodes heads, runs them.
pub(crate) trait SourceQueueNode {
    /// Where the queue's records come from, for nodes that check whether they lie in the right partition.
    fn set_place(&mut self, partition: i32, partitions: i32);

    /// Decodes the record that is now the head.
    fn stage(&mut self, raw: &RawRecord, partition_time: Option<i64>) -> Result<Staged, SerdeError>;

    /// Makes the head current, so that the next may be staged.
    fn take(&mut self);

    /// Runs the current record through the topology.
    fn run(&mut self, ctx: &mut TaskContext) -> Result<(), StreamsError>;

    /// Forgets head and current (abort).
    fn clear(&mut self);
}

/// What the queue does with a record that cannot be decoded.
pub(crate) trait BadInput {
    /// Sends it to the dead-letter topic, or fails.
    fn bad_input(&mut self, from: &TopicPartition, raw: &RawRecord, reason: &str) -> Result<(), StreamsError>;

    /// Counts a record left out by its timestamp extractor.
    fn dropped(&mut self);
}

/// One input partition.
pub(crate) struct InputQueue {
    pub partition: TopicPartition,
    node: Box<dyn SourceQueueNode>,
    /// The head's raw form stays in front until the record is taken.
    waiting: VecDeque<RawRecord>,
    head_time: Option<i64>,
    bytes: usize,
    /// Highest event time taken.
    pub partition_time: i64,
    /// Where the consumer stands once it has delivered all there is (past markers).
    end: Option<i64>,
    /// Offset after the last record taken or left out.
    next_offset: Option<i64>,
}

impl InputQueue {
    pub fn new(partition: TopicPartition, node: Box<dyn SourceQueueNode>) -> Self {
        Self {
            partition,
            node,
            waiting: VecDeque::new(),
            head_time: None,
            bytes: 0,
            partition_time: NO_TIME,
            end: None,
            next_offset: None,
        }
    }

    /// How many partitions the queue's topic has.
    pub fn set_place(&mut self, partitions: i32) {
        self.node.set_place(self.partition.partition, partitions);
    }

    /// Bytes that wait.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Records that wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nothing waits although the log has no more for now (KIP-695: lag 0).
    fn caught_up(&self) -> bool {
        self.end.is_some()
    }

    /// The position to commit: the oldest record not yet taken; with none, past the markers if the end is known.
    /// `None` before anything was read.
    pub fn position(&self) -> Option<i64> {
        match self.waiting.front() {
            Some(record) => Some(record.offset),
            None => self.end.or(self.next_offset),
        }
    }

    pub fn push(&mut self, record: RawRecord) {
        self.end = None;
        self.bytes += record.size();
        self.waiting.push_back(record);
    }

    pub fn set_end(&mut self, position: i64) {
        self.end = Some(position);
    }

    /// Decodes heads until one is ready or none waits; bad ones go their own way.
    fn stage_head(&mut self, bad: &mut dyn BadInput) -> Result<(), StreamsError> {
        while self.head_time.is_none() {
            let Some(raw) = self.waiting.front() else { return Ok(()) };
            let partition_time = (self.partition_time != NO_TIME).then_some(self.partition_time);
            match self.node.stage(raw, partition_time) {
                Ok(Staged::Ready(time)) => self.head_time = Some(time),
                Ok(Staged::Dropped) => {
                    bad.dropped();
                    self.leave_out();
                }
                Err(error) if error.retriable => return Err(StreamsError::Retry(error.reason)),
                Err(error) => {
                    bad.bad_input(&self.partition, raw, &error.reason)?;
                    self.leave_out();
                }
            }
        }
        Ok(())
    }

    fn leave_out(&mut self) -> Option<RawRecord> {
        let raw = self.waiting.pop_front()?;
        self.bytes -= raw.size();
        self.next_offset = Some(raw.offset + 1);
        Some(raw)
    }

    pub fn clear(&mut self) {
        self.node.clear();
        self.waiting.clear();
        (self.bytes, self.head_time, self.end, self.next_offset) = (0, None, None, None);
    }
}

/// A record taken for processing.
pub(crate) struct Taken {
    pub input: usize,
    pub raw: RawRecord,
    pub time: i64,
}

/// All inputs of a task. Ties between equal times follow `java.util.PriorityQueue`, as Kafka Streams' do.
#[derive(Default)]
pub(crate) struct PartitionGroup {
    pub queues: Vec<InputQueue>,
    /// Queues with a head, as a binary heap over head times.
    heap: Vec<usize>,
    /// When the task began to wait for an empty queue (KIP-695).
    idle_since_ms: Option<i64>,
}

impl PartitionGroup {
    pub fn new(queues: Vec<InputQueue>) -> Self {
        Self { queues, ..Self::default() }
    }

    /// Stages the head of a queue that was given records.
    pub fn refresh(&mut self, input: usize, bad: &mut dyn BadInput) -> Result<(), StreamsError> {
        if self.queues[input].head_time.is_none() {
            self.queues[input].stage_head(bad)?;
            if self.queues[input].head_time.is_some() {
                self.offer(input);
            }
        }
        Ok(())
    }

    /// Whether a record may be taken: all queues have one, or the empty ones have no lag and have been waited for long enough
    /// (`max.task.idle.ms`).
    pub fn is_processable(&mut self, now_ms: i64, max_task_idle_ms: i64) -> bool {
        if self.heap.is_empty() {
            self.idle_since_ms = None;
            return false;
        }
        if self.heap.len() == self.queues.len() {
            self.idle_since_ms = None;
            return true;
        }
        // KIP-695: what is known or may be there is waited for, however long; below 0 for nothing at all.
        let all_known = self.queues.iter().all(|queue| queue.head_time.is_some() || queue.caught_up());
        if !all_known && max_task_idle_ms >= 0 {
            self.idle_since_ms = None;
            return false;
        }
        let since = *self.idle_since_ms.get_or_insert(now_ms);
        now_ms - since >= max_task_idle_ms
    }

    /// Takes the record with the lowest time, and stages the next of its queue.
    pub fn take(&mut self, bad: &mut dyn BadInput) -> Result<Option<Taken>, StreamsError> {
        let Some(input) = self.poll() else { return Ok(None) };
        let queue = &mut self.queues[input];
        let time = queue.head_time.take().expect("a queue in the heap has a head");
        queue.node.take();
        let raw = queue.leave_out().expect("a head has its raw record in front");
        queue.partition_time = queue.partition_time.max(time);
        // What cannot be decoded now must not hold up the record that was taken: `refresh` tries again.
        match queue.stage_head(bad) {
            Ok(()) | Err(StreamsError::Retry(_)) => {}
            Err(error) => return Err(error),
        }
        if queue.head_time.is_some() {
            self.offer(input);
        }
        Ok(Some(Taken { input, raw, time }))
    }

    /// Whether nothing waits anywhere and no log has more.
    pub fn is_caught_up(&self) -> bool {
        self.queues.iter().all(|queue| queue.waiting.is_empty() && queue.caught_up())
    }

    pub fn run(&mut self, input: usize, ctx: &mut TaskContext) -> Result<(), StreamsError> {
        self.queues[input].node.run(ctx)
    }

    pub fn clear(&mut self) {
        self.heap.clear();
        self.idle_since_ms = None;
        self.queues.iter_mut().for_each(InputQueue::clear);
    }

    /// Takes all that waits, queue by queue.
    pub fn take_waiting(&mut self) -> Vec<(usize, RawRecord)> {
        let queues = self.queues.iter_mut().enumerate();
        queues.flat_map(|(input, queue)| queue.waiting.drain(..).map(move |record| (input, record))).collect()
    }

    fn time(&self, slot: usize) -> i64 {
        self.queues[self.heap[slot]].head_time.unwrap_or(i64::MAX)
    }

    /// Adds a queue at the end and moves it up while its parent is later.
    fn offer(&mut self, input: usize) {
        self.heap.push(input);
        let mut slot = self.heap.len() - 1;
        while slot > 0 {
            let parent = (slot - 1) / 2;
            if self.time(slot) >= self.time(parent) {
                break;
            }
            self.heap.swap(slot, parent);
            slot = parent;
        }
    }

    /// Takes the root; the last queue moves there and down while a child is earlier.
    fn poll(&mut self) -> Option<usize> {
        if self.heap.is_empty() {
            return None;
        }
        let root = self.heap.swap_remove(0);
        let mut slot = 0;
        loop {
            let left = 2 * slot + 1;
            if left >= self.heap.len() {
                return Some(root);
            }
            let right = left + 1;
            let right_is_earlier = right < self.heap.len() && self.time(left) > self.time(right);
            let child = if right_is_earlier { right } else { left };
            if self.time(slot) <= self.time(child) {
                return Some(root);
            }
            self.heap.swap(slot, child);
            slot = child;
        }
    }
}
