//! Copies of stateful tasks on processes other than the active one's.

use super::AssignorConfig;
use super::group::Group;
use crate::task_id::TaskId;
use std::collections::{BTreeMap, BTreeSet};

/// Task → processes that keep a copy: those that do so already, then where the task shall move to, then where its state
/// is; evenly by threads, as far as the active ones' places allow.
pub(super) fn standbys(
    group: &Group<'_>,
    config: &AssignorConfig,
    active: &BTreeMap<TaskId, usize>,
    moves: &BTreeSet<(TaskId, usize)>,
) -> BTreeSet<(TaskId, usize)> {
    let mut copies = Copies { group, active, moves, homes: BTreeMap::new(), loads: vec![0; group.processes.len()] };
    let stateful: Vec<TaskId> = group.tasks.values().filter(|task| task.stateful).map(|task| task.id).collect();
    for task in &stateful {
        copies.keep(*task, config.num_standby_replicas);
    }
    for task in &stateful {
        copies.complete(*task, config.num_standby_replicas);
    }
    copies.even_out(&stateful);
    copies.homes.into_iter().flat_map(|(task, homes)| homes.into_iter().map(move |home| (task, home))).collect()
}

struct Copies<'a> {
    group: &'a Group<'a>,
    active: &'a BTreeMap<TaskId, usize>,
    moves: &'a BTreeSet<(TaskId, usize)>,
    homes: BTreeMap<TaskId, BTreeSet<usize>>,
    /// Copies by process.
    loads: Vec<usize>,
}

impl Copies<'_> {
    /// Processes that may take a further copy.
    fn free(&self, task: TaskId) -> impl Iterator<Item = usize> {
        let homes = self.homes.get(&task);
        let active = self.active.get(&task).copied();
        (0..self.loads.len()).filter(move |p| active != Some(*p) && !homes.is_some_and(|homes| homes.contains(p)))
    }

    fn put(&mut self, task: TaskId, process: usize) {
        self.homes.entry(task).or_default().insert(process);
        self.loads[process] += 1;
    }

    /// Smaller is better: a place the task moves to, then the newest state.
    fn preference(&self, task: TaskId, process: usize) -> (bool, i64) {
        (!self.moves.contains(&(task, process)), self.group.known_lag(process, task).unwrap_or(i64::MAX))
    }

    /// Leaves copies where they are, at most `replicas`.
    fn keep(&mut self, task: TaskId, replicas: usize) {
        let has_copy = |p: &usize| self.group.processes[*p].threads.iter().any(|t| self.group.keeps_copy(*t, task));
        let mut present: Vec<usize> = self.free(task).filter(has_copy).collect();
        present.sort_by_key(|process| (self.preference(task, *process), *process));
        present.truncate(replicas);
        present.into_iter().for_each(|process| self.put(task, process));
    }

    /// Adds the missing copies.
    fn complete(&mut self, task: TaskId, replicas: usize) {
        let present = self.homes.get(&task).map_or(0, BTreeSet::len);
        for _ in present..replicas {
            let key = |process: &usize| (self.preference(task, *process), self.per_thread(*process, 0), *process);
            let Some(process) = self.free(task).min_by_key(key) else {
                return;
            };
            self.put(task, process);
        }
    }

    /// Moves copies from fuller to emptier processes as long as that brings them nearer to each other. Ends, since each
    /// move does; and changes nothing where nothing can be gained, so that a settled group stays.
    fn even_out(&mut self, stateful: &[TaskId]) {
        let mut moved = true;
        while moved {
            moved = false;
            for task in stateful {
                let homes: Vec<usize> = self.homes.get(task).into_iter().flatten().copied().collect();
                for home in homes {
                    let to = self.free(*task).min_by_key(|process| (self.per_thread(*process, 1), *process));
                    let Some(to) = to.filter(|to| self.per_thread(*to, 1) < self.per_thread(home, 0)) else {
                        continue;
                    };
                    self.homes.entry(*task).or_default().remove(&home);
                    self.loads[home] -= 1;
                    self.put(*task, to);
                    moved = true;
                }
            }
        }
    }

    /// Copies per thread with `more` added, as a fraction comparable between processes (in millionths).
    fn per_thread(&self, process: usize, more: usize) -> usize {
        (self.loads[process] + more) * 1_000_000 / self.group.processes[process].threads.len()
    }
}
