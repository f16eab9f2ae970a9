//! A process's tasks to its threads.

use super::distribute::{Bin, Wishes, distribute};
use super::group::Group;
use super::placement::Placement;
use crate::task_id::TaskId;
use std::collections::{BTreeMap, BTreeSet};

/// What a member shall have until the next change.
#[derive(Clone, Debug, Default)]
pub(super) struct Target {
    pub active: BTreeSet<TaskId>,
    pub standbys: BTreeSet<TaskId>,
    pub warmups: BTreeSet<TaskId>,
}

/// One target per member, by index; empty for members that take no tasks.
pub(super) fn to_threads(group: &Group<'_>, placement: &Placement) -> Vec<Target> {
    let mut targets = vec![Target::default(); group.members.len()];
    for (index, process) in group.processes.iter().enumerate() {
        let threads = Threads { group, members: &process.threads };
        let due = threads.due(placement, index);
        for (task, thread) in threads.running(placement, index, &due) {
            targets[process.threads[thread]].active.insert(task);
        }
        for (task, thread) in threads.copying(placement, index, &due) {
            let target = &mut targets[process.threads[thread]];
            let is_standby = placement.standbys.contains(&(task, index));
            let copies = if is_standby { &mut target.standbys } else { &mut target.warmups };
            copies.insert(task);
        }
    }
    targets
}

/// The threads of one process that take tasks.
struct Threads<'a> {
    group: &'a Group<'a>,
    members: &'a [usize],
}

impl Threads<'_> {
    /// The process's share in the end, the tasks that are still held back elsewhere among it: what will be even then is
    /// not shuffled now. Stateful tasks are spread first and stateless ones on top, so that both kinds and their sum are
    /// even.
    fn due(&self, placement: &Placement, process: usize) -> BTreeMap<TaskId, usize> {
        let of_kind = |stateful: bool| -> Vec<TaskId> {
            let here = placement.target.iter().filter(|(_, at)| **at == process).map(|(task, _)| *task);
            here.filter(|task| self.group.tasks[task].stateful == stateful).collect()
        };
        let mut due = self.spread(&of_kind(true), &vec![0; self.members.len()]);
        due.extend(self.spread(&of_kind(false), &self.loads(&due)));
        due
    }

    /// What runs here now: the share that is here, and tasks held back here, which stay with their thread.
    fn running(&self, placement: &Placement, process: usize, due: &BTreeMap<TaskId, usize>) -> BTreeMap<TaskId, usize> {
        let here = |task: &TaskId| placement.active.get(task) == Some(&process);
        let mut running: BTreeMap<TaskId, usize> =
            due.iter().filter(|(task, _)| here(task)).map(|(t, at)| (*t, *at)).collect();
        let held = placement.active.keys().copied().filter(|task| here(task) && !due.contains_key(task));
        let (owned, inherited): (Vec<TaskId>, Vec<TaskId>) = held.partition(|task| self.owner(*task).is_some());
        running.extend(owned.into_iter().filter_map(|task| Some((task, self.owner(task)?))));
        running.extend(self.spread(&inherited, &self.loads(&running)));
        running
    }

    /// Copies: one that is to become active here with its coming owner, the others evenly.
    fn copying(&self, placement: &Placement, process: usize, due: &BTreeMap<TaskId, usize>) -> BTreeMap<TaskId, usize> {
        let copies = placement.standbys.union(&placement.warmups);
        let here = copies.filter(|(_, at)| *at == process).map(|(task, _)| *task);
        let (coming, staying): (Vec<TaskId>, Vec<TaskId>) = here.partition(|task| due.contains_key(task));
        let mut copying: BTreeMap<TaskId, usize> = coming.into_iter().map(|task| (task, due[&task])).collect();
        copying.extend(self.spread(&staying, &self.loads(&copying)));
        copying
    }

    fn loads(&self, placed: &BTreeMap<TaskId, usize>) -> Vec<usize> {
        (0..self.members.len()).map(|thread| placed.values().filter(|at| **at == thread).count()).collect()
    }

    fn owner(&self, task: TaskId) -> Option<usize> {
        self.members.iter().position(|member| self.group.owns(*member, task))
    }

    fn copier(&self, task: TaskId) -> Option<usize> {
        self.members.iter().position(|member| self.group.keeps_copy(*member, task))
    }

    /// Evenly; a task stays with the thread that owns it, else with the one that keeps its copy.
    fn spread(&self, tasks: &[TaskId], loads: &[usize]) -> BTreeMap<TaskId, usize> {
        let bins: Vec<Bin> = loads.iter().map(|load| Bin { capacity: 1, load: *load }).collect();
        let now_at = |task| self.owner(task).or_else(|| self.copier(task));
        let now = tasks.iter().filter_map(|task| Some((*task, now_at(*task)?))).collect();
        let lag = |task, thread: usize| self.group.keeps_copy(self.members[thread], task).then_some(0);
        distribute(tasks, &bins, &now, &Wishes { lag: &lag, part: &|_| 0 })
    }
}
