//! A task's name: which sub-topology, on which partition of its inputs.

use std::fmt;
use std::str::FromStr;

/// The unit of work and of state: one sub-topology on one partition number of all its input topics.
///
/// Ordered by sub-topology, then partition. Written `0_3` (sub-topology 0, partition 3), as Kafka Streams names tasks
/// and their state directories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId {
    /// Number of the sub-topology, from 0.
    pub sub_topology: u32,
    /// Partition number, from 0.
    pub partition: i32,
}

impl TaskId {
    /// The task of `sub_topology` on `partition`.
    pub const fn new(sub_topology: u32, partition: i32) -> Self {
        Self { sub_topology, partition }
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.sub_topology, self.partition)
    }
}

/// A text that is no task id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a task id: expected SUBTOPOLOGY_PARTITION, e.g. 0_3")]
pub struct NotATaskId(String);

impl FromStr for TaskId {
    type Err = NotATaskId;

    /// Reads what `Display` writes and nothing else: no signs, no spaces, no leading zeros, so that one task has one
    /// directory.
    fn from_str(text: &str) -> Result<Self, NotATaskId> {
        let parsed = text
            .split_once('_')
            .and_then(|(sub, partition)| Some(Self::new(sub.parse().ok()?, partition.parse().ok()?)))
            .filter(|id| id.partition >= 0 && id.to_string() == text);
        parsed.ok_or_else(|| NotATaskId(text.to_owned()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_task_id_reads_back_what_it_prints() {
        for id in [TaskId::new(0, 3), TaskId::new(17, 0), TaskId::new(u32::MAX, i32::MAX)] {
            assert_eq!(id.to_string().parse::<TaskId>().unwrap(), id);
        }
        assert_eq!(TaskId::new(0, 3).to_string(), "0_3");
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "0", "0_", "_3", "0_-1", "00_3", "0_3 ", "+0_3", "0_3_1", "a_b", "4294967296_0"] {
            assert!(text.parse::<TaskId>().is_err(), "{text}");
        }
    }

    #[test]
    fn tasks_are_ordered_by_sub_topology_then_partition() {
        let mut tasks = vec![TaskId::new(1, 0), TaskId::new(0, 10), TaskId::new(0, 2)];
        tasks.sort();
        assert_eq!(tasks, [TaskId::new(0, 2), TaskId::new(0, 10), TaskId::new(1, 0)]);
    }
}
