//! Tasks to processes: a balanced target, from which a task is held back while its state is elsewhere.

use super::AssignorConfig;
use super::distribute::{Bin, Wishes, distribute};
use super::group::Group;
use super::standbys::standbys;
use crate::task_id::TaskId;
use std::collections::{BTreeMap, BTreeSet};

/// What each process has, by index.
pub(super) struct Placement {
    /// Where every task shall be in the end.
    pub target: BTreeMap<TaskId, usize>,
    /// Where it is to run until then.
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
        group.tasks.values().filter(|task| task.stateful == stateful).map(|task| task.id).collect()
    };
    let (stateful, stateless) = (of_kind(true), of_kind(false));
    let mut target = balanced(group, &stateful, &BTreeMap::new());
    let (mut active, moves) = hold_back(group, config, &target);
    let stateless = balanced(group, &stateless, &target);
    active.extend(&stateless);
    target.extend(stateless);
    let moving = moves.iter().map(|next| (next.task, next.to)).collect();
    let standbys = standbys(group, config, &active, &moving);
    let warmups = warmups(config, &moves, &standbys);
    Placement { target, active, standbys, warmups, waiting: !moves.is_empty() }
}

/// Tasks of one kind, each process by its threads, on top of what `others` gives it.
fn balanced(group: &Group<'_>, tasks: &[TaskId], others: &BTreeMap<TaskId, usize>) -> BTreeMap<TaskId, usize> {
    let load = |index| others.values().filter(|process| **process == index).count();
    let bins: Vec<Bin> = (group.processes.iter().enumerate())
        .map(|(index, process)| Bin { capacity: process.threads.len(), load: load(index) })
        .collect();
    let now = tasks.iter().filter_map(|task| Some((*task, group.owner_process(*task)?))).collect();
    let wishes = Wishes {
        lag: &|task, process| group.known_lag(process, task),
        part: &|task| group.claims.get(&task).and_then(|owners| owners.first().copied()).unwrap_or(usize::MAX),
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
            (if caught_up { 0 } else { lag }, group.owner_process(task) != Some(process), process)
        };
        let warmest = (0..group.processes.len()).min_by_key(|process| cost(*process)).unwrap_or(to);
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

/// Further copies where tasks shall move to; a standby there warms up by itself.
fn warmups(config: &AssignorConfig, moves: &[Move], standbys: &BTreeSet<(TaskId, usize)>) -> BTreeSet<(TaskId, usize)> {
    let wanted = moves.iter().map(|next| (next.task, next.to)).filter(|copy| !standbys.contains(copy));
    wanted.take(config.max_warmup_replicas).collect()
}
