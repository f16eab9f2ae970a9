//! Tasks to processes: a balanced target, from which a task is held back while its state is elsewhere.

use super::AssignorConfig;
use super::distribute::{Bin, Wishes, distribute};
use super::group::Group;
use crate::task_id::TaskId;
use std::collections::{BTreeMap, BTreeSet};

/// What each process has, by index.
pub(super) struct Placement {
    pub active: BTreeMap<TaskId, usize>,
    pub standbys: BTreeSet<(TaskId, usize)>,
    pub warmups: BTreeSet<(TaskId, usize)>,
    /// Tasks are held back.
    pub waiting: bool,
}

/// A task that shall go to a process which is not warm yet.
struct Move {
    lag: i64,
    task: TaskId,
    to: usize,
}

pub(super) fn place(group: &Group<'_>, config: &AssignorConfig) -> Placement {
    let of_kind = |stateful| -> Vec<TaskId> {
        group
            .tasks
            .values()
            .filter(|task| task.stateful == stateful)
            .map(|task| task.id)
            .collect()
    };
    let (stateful, stateless) = (of_kind(true), of_kind(false));
    let target = balanced(group, &stateful, &BTreeMap::new());
    let mut active = balanced(group, &stateless, &target);
    let (held, moves) = hold_back(group, config, &target);
    active.extend(held);
    let standbys = standbys(group, config, &stateful, &active, &moves);
    let warmups = warmups(config, &moves, &standbys);
    Placement {
        active,
        standbys,
        warmups,
        waiting: !moves.is_empty(),
    }
}

/// Tasks of one kind, each process by its threads, on top of what `others` gives it.
fn balanced(
    group: &Group<'_>,
    tasks: &[TaskId],
    others: &BTreeMap<TaskId, usize>,
) -> BTreeMap<TaskId, usize> {
    let load = |index| others.values().filter(|process| **process == index).count();
    let bins: Vec<Bin> = (group.processes.iter().enumerate())
        .map(|(index, process)| Bin {
            capacity: process.threads.len(),
            load: load(index),
        })
        .collect();
    let now = tasks
        .iter()
        .filter_map(|task| Some((*task, group.owner_process(*task)?)))
        .collect();
    let wishes = Wishes {
        allowed: &|_, _| true,
        lag: &|task, process| group.known_lag(process, task),
        part: &|task| {
            group
                .claims
                .get(&task)
                .and_then(|owners| owners.first().copied())
                .unwrap_or(usize::MAX)
        },
    };
    distribute(tasks, &bins, &now, &wishes)
}

/// Leaves a task at the process with the newest state while its target lags too far behind.
fn hold_back(
    group: &Group<'_>,
    config: &AssignorConfig,
    target: &BTreeMap<TaskId, usize>,
) -> (BTreeMap<TaskId, usize>, Vec<Move>) {
    let mut active = BTreeMap::new();
    let mut moves = Vec::new();
    for (&task, &to) in target {
        let lag = group.lag(to, task);
        // The owner is taken as good as anyone who is caught up: a move must gain something.
        let cost = |process: usize| {
            let lag = group.lag(process, task);
            let caught_up = lag <= config.acceptable_recovery_lag;
            (
                if caught_up { 0 } else { lag },
                group.owner_process(task) != Some(process),
                process,
            )
        };
        let warmest = (0..group.processes.len())
            .min_by_key(|process| cost(*process))
            .unwrap_or(to);
        if lag <= config.acceptable_recovery_lag || group.lag(warmest, task) >= lag {
            active.insert(task, to);
        } else {
            active.insert(task, warmest);
            moves.push(Move { lag, task, to });
        }
    }
    // Those that are nearly warm first, so that warming goes on where it was begun.
    moves.sort_by_key(|next| (next.lag, next.task));
    (active, moves)
}

/// Copies of every stateful task on processes other than the active one's, evenly; first where the task shall move to,
/// then where copies are.
fn standbys(
    group: &Group<'_>,
    config: &AssignorConfig,
    stateful: &[TaskId],
    active: &BTreeMap<TaskId, usize>,
    moves: &[Move],
) -> BTreeSet<(TaskId, usize)> {
    let keeps = |process: usize, task| {
        group.processes[process]
            .threads
            .iter()
            .any(|t| group.keeps_copy(*t, task))
    };
    let moving: BTreeSet<(TaskId, usize)> = moves.iter().map(|next| (next.task, next.to)).collect();
    let mut chosen: BTreeSet<(TaskId, usize)> = BTreeSet::new();
    for _ in 0..config.num_standby_replicas {
        let allowed = |task, process| {
            active.get(&task) != Some(&process) && !chosen.contains(&(task, process))
        };
        let load = |index| {
            chosen
                .iter()
                .filter(|(_, process)| *process == index)
                .count()
        };
        let bins: Vec<Bin> = (group.processes.iter().enumerate())
            .map(|(index, process)| Bin {
                capacity: process.threads.len(),
                load: load(index),
            })
            .collect();
        let all = || 0..group.processes.len();
        let now_at = |task| all().find(|p| allowed(task, *p) && keeps(*p, task));
        let now = stateful
            .iter()
            .filter_map(|task| Some((*task, now_at(*task)?)))
            .collect();
        let lag = |task, process| {
            if moving.contains(&(task, process)) {
                Some(-1)
            } else {
                group.known_lag(process, task)
            }
        };
        let round = distribute(
            stateful,
            &bins,
            &now,
            &Wishes {
                allowed: &allowed,
                lag: &lag,
                part: &|_| 0,
            },
        );
        chosen.extend(round);
    }
    chosen
}

/// Further copies where tasks shall move to; a standby there warms up by itself.
fn warmups(
    config: &AssignorConfig,
    moves: &[Move],
    standbys: &BTreeSet<(TaskId, usize)>,
) -> BTreeSet<(TaskId, usize)> {
    let wanted = moves
        .iter()
        .map(|next| (next.task, next.to))
        .filter(|copy| !standbys.contains(copy));
    wanted.take(config.max_warmup_replicas).collect()
}
