//! Where every task of the group runs: the leader's decision, a function of the members' subscriptions.
//!
//! In order: tasks to processes, each process a share by its threads ([`distribute`], [`placement`]); a task stays where
//! its state is until the new place is warm; standbys on other processes ([`standbys`]); within a process to threads ([`threads`]);
//! and at last what a member may be given **now** ([`handover`]): a task that somebody still owns is withheld for a
//! round. Equal inputs give equal plans, and a balanced group is left as it is.

mod distribute;
mod group;
mod handover;
mod placement;
mod standbys;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
mod threads;

use super::{Assignment, Subscription};
use crate::broker::{MemberAssignment, TopicPartition};
use crate::task_id::TaskId;
use std::collections::{BTreeMap, BTreeSet};

/// What the leader aims at; the same on all members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssignorConfig {
    /// Copies of each stateful task beside the active one, on processes of their own: `num.standby.replicas`.
    pub num_standby_replicas: usize,
    /// Copies that may be built at a time so that tasks can move: `max.warmup.replicas`.
    pub max_warmup_replicas: usize,
    /// Records a copy may lag behind and still count as caught up: `acceptable.recovery.lag`.
    pub acceptable_recovery_lag: i64,
}

impl Default for AssignorConfig {
    /// Kafka Streams' defaults.
    fn default() -> Self {
        Self { num_standby_replicas: 0, max_warmup_replicas: 2, acceptable_recovery_lag: 10_000 }
    }
}

/// A task of the leader's topology.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskSpec {
    /// Its name.
    pub id: TaskId,
    /// Whether it has stores with change logs.
    pub stateful: bool,
    /// Sum of its change logs' end offsets, in records; 0 for a stateless task.
    pub end_offset_sum: i64,
}

/// A member as the leader sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMember {
    /// Member id.
    pub member_id: String,
    /// What it told.
    pub subscription: Subscription,
}

/// What every member is given in this round.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Member id → assignment; one for every member.
    pub assignments: BTreeMap<String, Assignment>,
    /// Tasks that nobody is given in this round because another than their next owner still has them. Their owners
    /// rejoin once they have let go, and the next round gives them out.
    pub withheld: BTreeSet<TaskId>,
    /// Tasks stay where their state is until a better balanced owner is warm: see [`Assignment::probe`].
    pub probe: bool,
}

impl Plan {
    /// As SyncGroup carries it. `partitions_of` names a task's input partitions, for Kafka's own tools.
    pub fn encode(&self, partitions_of: impl Fn(TaskId) -> Vec<TopicPartition>) -> Vec<MemberAssignment> {
        let encode_one = |(member_id, assignment): (&String, &Assignment)| MemberAssignment {
            member_id: member_id.clone(),
            partitions: assignment.active.iter().flat_map(|task| partitions_of(*task)).collect(),
            user_data: assignment.encode(),
        };
        self.assignments.iter().map(encode_one).collect()
    }
}

/// For what the leader decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// The generation that is being assigned.
    pub generation: i32,
    /// The leader's topology: members with another one, and members that are stopping, are given nothing.
    pub topology: u64,
}

/// Decides who runs what. Takes about (tasks × processes) steps.
pub fn assign(members: &[GroupMember], tasks: &[TaskSpec], config: &AssignorConfig, round: Round) -> Plan {
    let group = group::Group::new(members, tasks, round.topology);
    let placement = placement::place(&group, config);
    let targets = threads::to_threads(&group, &placement);
    handover::plan(&group, targets, placement.waiting, round)
}
