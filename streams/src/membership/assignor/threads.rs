//! A process's tasks to its threads.

use super::distribute::{Bin, Wishes, distribute};
use super::group::Group;
use super::placement::Placement;
use crate::task_id::TaskId;
use std::collections::{BTreeMap, BTreeSet};

/// What a member shall have in the end.
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
        let threads = &process.threads;
        for (task, thread) in actives(group, placement, index, threads) {
            targets[threads[thread]].active.insert(task);
        }
        let of_process = |copies: &BTreeSet<(TaskId, usize)>| -> BTreeSet<TaskId> {
            copies
                .iter()
                .filter(|(_, at)| *at == index)
                .map(|(task, _)| *task)
                .collect()
        };
        let (standbys, warmups) = (
            of_process(&placement.standbys),
            of_process(&placement.warmups),
        );
        let copies: Vec<TaskId> = standbys.union(&warmups).copied().collect();
        for (task, thread) in spread(group, threads, &copies, &vec![0; threads.len()]) {
            let target = &mut targets[threads[thread]];
            let kind = if standbys.contains(&task) {
                &mut target.standbys
            } else {
                &mut target.warmups
            };
            kind.insert(task);
        }
    }
    targets
}

/// Stateful tasks are spread first and stateless ones on top of them, so that both kinds and their sum are even.
fn actives(
    group: &Group<'_>,
    placement: &Placement,
    process: usize,
    threads: &[usize],
) -> BTreeMap<TaskId, usize> {
    let of_kind = |stateful: bool| -> Vec<TaskId> {
        let here = placement
            .active
            .iter()
            .filter(|(_, at)| **at == process)
            .map(|(task, _)| *task);
        here.filter(|task| group.tasks[task].stateful == stateful)
            .collect()
    };
    let mut placed = spread(group, threads, &of_kind(true), &vec![0; threads.len()]);
    let loads: Vec<usize> = (0..threads.len())
        .map(|thread| placed.values().filter(|at| **at == thread).count())
        .collect();
    placed.extend(spread(group, threads, &of_kind(false), &loads));
    placed
}

/// A task stays with the thread that owns it, else it goes to the one that keeps its copy.
fn spread(
    group: &Group<'_>,
    threads: &[usize],
    tasks: &[TaskId],
    loads: &[usize],
) -> BTreeMap<TaskId, usize> {
    let bins: Vec<Bin> = loads
        .iter()
        .map(|load| Bin {
            capacity: 1,
            load: *load,
        })
        .collect();
    let at = |has: &dyn Fn(usize) -> bool| threads.iter().position(|thread| has(*thread));
    let now_at = |task| {
        at(&|thread| group.owns(thread, task))
            .or_else(|| at(&|thread| group.keeps_copy(thread, task)))
    };
    let now = tasks
        .iter()
        .filter_map(|task| Some((*task, now_at(*task)?)))
        .collect();
    let lag = |task, thread: usize| group.keeps_copy(threads[thread], task).then_some(0);
    distribute(
        tasks,
        &bins,
        &now,
        &Wishes {
            allowed: &|_, _| true,
            lag: &lag,
            part: &|_| 0,
        },
    )
}
