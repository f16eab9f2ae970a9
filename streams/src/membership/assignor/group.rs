//! The members' subscriptions, read as processes with threads, state and claims.

use super::{GroupMember, TaskSpec};
use crate::membership::{CAUGHT_UP, ProcessId};
use crate::task_id::TaskId;
use std::collections::{BTreeMap, BTreeSet};

/// A process that takes tasks.
pub(super) struct Process {
    /// Its members that take tasks, by index.
    pub threads: Vec<usize>,
    /// State on its disk → records it lags behind.
    lags: BTreeMap<TaskId, i64>,
}

/// The group at one join.
pub(super) struct Group<'a> {
    /// In a fixed order, whatever order the coordinator listed them in.
    pub members: Vec<&'a GroupMember>,
    pub tasks: BTreeMap<TaskId, TaskSpec>,
    pub processes: Vec<Process>,
    /// Task → members that own it, also those that take none.
    pub claims: BTreeMap<TaskId, BTreeSet<usize>>,
}

impl<'a> Group<'a> {
    pub fn new(members: &'a [GroupMember], tasks: &[TaskSpec], topology: u64) -> Self {
        let mut members: Vec<&GroupMember> = members.iter().collect();
        members.sort_by_key(|m| (&m.subscription.profile.transactional_id, &m.member_id));
        let tasks: BTreeMap<TaskId, TaskSpec> = tasks.iter().map(|task| (task.id, *task)).collect();
        let mut claims: BTreeMap<TaskId, BTreeSet<usize>> = BTreeMap::new();
        for (index, member) in members.iter().enumerate() {
            for task in member.subscription.owned.keys() {
                claims.entry(*task).or_default().insert(index);
            }
        }
        let processes = processes(&members, &tasks, topology);
        Self { members, tasks, processes, claims }
    }

    /// Records that `process` lags behind in `task`; all of them if it has no state.
    pub fn lag(&self, process: usize, task: TaskId) -> i64 {
        let all = self.tasks.get(&task).map_or(0, |spec| spec.end_offset_sum);
        self.known_lag(process, task).unwrap_or(all)
    }

    /// The same, `None` if it has no state.
    pub fn known_lag(&self, process: usize, task: TaskId) -> Option<i64> {
        self.processes[process].lags.get(&task).copied()
    }

    /// The process that takes tasks and has a thread among the owners of `task`.
    pub fn owner_process(&self, task: TaskId) -> Option<usize> {
        let owners = self.claims.get(&task)?;
        self.processes.iter().position(|process| process.threads.iter().any(|thread| owners.contains(thread)))
    }

    /// Whether a member owns `task`.
    pub fn owns(&self, member: usize, task: TaskId) -> bool {
        self.claims.get(&task).is_some_and(|owners| owners.contains(&member))
    }

    /// Whether a member keeps a copy of `task`.
    pub fn keeps_copy(&self, member: usize, task: TaskId) -> bool {
        self.members[member].subscription.standbys.contains(&task)
    }

    /// A member's process id, whether or not it takes tasks.
    pub fn process_id(&self, member: usize) -> ProcessId {
        self.members[member].subscription.profile.process_id
    }

    /// A member's transactional id.
    pub fn transactional_id(&self, member: usize) -> &str {
        &self.members[member].subscription.profile.transactional_id
    }
}

fn processes(members: &[&GroupMember], tasks: &BTreeMap<TaskId, TaskSpec>, topology: u64) -> Vec<Process> {
    let mut processes: BTreeMap<ProcessId, Process> = BTreeMap::new();
    for (index, member) in members.iter().enumerate() {
        let subscription = &member.subscription;
        let id = subscription.profile.process_id;
        let process = processes.entry(id).or_insert_with(|| Process { threads: vec![], lags: BTreeMap::new() });
        if !subscription.stopping && subscription.profile.topology == topology {
            process.threads.push(index);
        }
        for (task, sum) in &subscription.offset_sums {
            let Some(spec) = tasks.get(task) else {
                continue;
            };
            let lag = if *sum == CAUGHT_UP { 0 } else { spec.end_offset_sum.saturating_sub(*sum).max(0) };
            process.lags.entry(*task).and_modify(|known| *known = lag.min(*known)).or_insert(lag);
        }
    }
    processes.into_values().filter(|process| !process.threads.is_empty()).collect()
}
