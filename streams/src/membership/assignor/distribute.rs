//! Spreads tasks over bins (processes, or threads of one): evenly first, then with as few moves as that allows, then to
//! where their state is.

use crate::task_id::TaskId;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Something that takes tasks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bin {
    /// Threads in it.
    pub capacity: usize,
    /// Tasks it has already, of another kind.
    pub load: usize,
}

/// What is known about tasks and bins, by index.
pub(super) struct Wishes<'a> {
    /// Records that the bin's copy of the task's state lags behind; `None` without one.
    pub lag: &'a dyn Fn(TaskId, usize) -> Option<i64>,
    /// The part of its bin (a thread) that has the task, so that tasks are taken from all parts evenly.
    pub part: &'a dyn Fn(TaskId) -> usize,
}

/// Task → bin, for all tasks unless there is no bin. `now` says where tasks are.
///
/// Loads per capacity differ by at most 1 after rounding.
pub(super) fn distribute(
    tasks: &[TaskId],
    bins: &[Bin],
    now: &BTreeMap<TaskId, usize>,
    wishes: &Wishes<'_>,
) -> BTreeMap<TaskId, usize> {
    let mut kept = vec![Vec::new(); bins.len()];
    for task in tasks {
        if let Some(&bin) = now.get(task) {
            kept[bin].push(*task);
        }
    }
    let quotas = quotas(tasks.len(), bins, &kept.iter().map(Vec::len).collect::<Vec<_>>());
    let room: Vec<usize> = quotas.iter().zip(&kept).map(|(quota, kept)| quota.saturating_sub(kept.len())).collect();
    let mut spread = Spread { bins, wishes, room: room.clone(), placed: BTreeMap::new(), alike: BTreeMap::new() };
    for (bin, mut kept) in kept.into_iter().enumerate() {
        trim(&mut kept, quotas[bin], bin, &room, wishes);
        kept.into_iter().for_each(|task| spread.put(task, bin));
        spread.room[bin] = room[bin];
    }
    spread.follow_the_state(tasks);
    spread.fill(tasks);
    spread.placed
}

/// How many of `count` tasks each bin takes: one at a time to the bin with the lowest load per capacity; among equals to
/// one that has more of them than it was granted, so that the remainder stays where it is.
pub(super) fn quotas(count: usize, bins: &[Bin], owned: &[usize]) -> Vec<usize> {
    let mut quotas = vec![0; bins.len()];
    for _ in 0..count {
        let lowest = (0..bins.len()).min_by(|&a, &b| {
            // load(a)/capacity(a) against load(b)/capacity(b), without division
            let load_a = (bins[a].load + quotas[a]) * bins[b].capacity;
            let load_b = (bins[b].load + quotas[b]) * bins[a].capacity;
            load_a.cmp(&load_b).then_with(|| (quotas[a] >= owned[a]).cmp(&(quotas[b] >= owned[b])))
        });
        if let Some(lowest) = lowest {
            quotas[lowest] += 1;
        }
    }
    quotas
}

/// Lets go of tasks down to `quota`: those whose state is newest in a bin that has room; among equals of the fullest part,
/// then of the most frequent sub-topology; the last of these.
fn trim(kept: &mut Vec<TaskId>, quota: usize, bin: usize, room: &[usize], wishes: &Wishes<'_>) {
    let lag_elsewhere = |task: TaskId| {
        let takers = (0..room.len()).filter(|other| *other != bin && room[*other] > 0);
        takers.filter_map(|other| (wishes.lag)(task, other)).min().unwrap_or(i64::MAX)
    };
    let lags: BTreeMap<TaskId, i64> = kept.iter().map(|task| (*task, lag_elsewhere(*task))).collect();
    while kept.len() > quota {
        let in_part = count(kept.iter().map(|task| (wishes.part)(*task)));
        let alike = count(kept.iter().map(|task| task.sub_topology));
        let key = |index: &usize| {
            let task = kept[*index];
            let crowd = (in_part[&(wishes.part)(task)], alike[&task.sub_topology]);
            (lags[&task], Reverse(crowd), Reverse(task))
        };
        let easiest = (0..kept.len()).min_by_key(key).expect("a bin over its quota has a task");
        kept.remove(easiest);
    }
}

fn count<T: Ord>(items: impl Iterator<Item = T>) -> BTreeMap<T, usize> {
    let mut counts = BTreeMap::new();
    items.for_each(|item| *counts.entry(item).or_insert(0) += 1);
    counts
}

struct Spread<'a> {
    bins: &'a [Bin],
    wishes: &'a Wishes<'a>,
    room: Vec<usize>,
    placed: BTreeMap<TaskId, usize>,
    /// (bin, sub-topology) → tasks placed.
    alike: BTreeMap<(usize, u32), usize>,
}

impl Spread<'_> {
    fn put(&mut self, task: TaskId, bin: usize) {
        self.placed.insert(task, bin);
        *self.alike.entry((bin, task.sub_topology)).or_insert(0) += 1;
        self.room[bin] = self.room[bin].saturating_sub(1);
    }

    /// Places the unplaced tasks whose state some bin with room has, the newest state first.
    fn follow_the_state(&mut self, tasks: &[TaskId]) {
        let mut wanted = Vec::new();
        for task in tasks.iter().filter(|task| !self.placed.contains_key(task)) {
            let bins = 0..self.bins.len();
            wanted.extend(bins.filter_map(|bin| Some(((self.wishes.lag)(*task, bin)?, *task, bin))));
        }
        wanted.sort_unstable();
        for (_, task, bin) in wanted {
            if self.room[bin] > 0 && !self.placed.contains_key(&task) {
                self.put(task, bin);
            }
        }
    }

    /// Places the rest, tasks of one sub-topology apart from each other.
    fn fill(&mut self, tasks: &[TaskId]) {
        let unplaced: Vec<TaskId> = tasks.iter().filter(|task| !self.placed.contains_key(task)).copied().collect();
        for task in unplaced {
            let alike = |bin: usize| self.alike.get(&(bin, task.sub_topology)).copied().unwrap_or(0);
            // Per capacity, in thousandths: only an order of preference, quotas have the say.
            let key = |bin: &usize| (alike(*bin) * 1000 / self.bins[*bin].capacity, Reverse(self.room[*bin]), *bin);
            let open = (0..self.bins.len()).filter(|bin| self.room[*bin] > 0);
            if let Some(bin) = open.min_by_key(key) {
                self.put(task, bin);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bins(capacities: &[usize]) -> Vec<Bin> {
        capacities.iter().map(|&capacity| Bin { capacity, load: 0 }).collect()
    }

    #[test]
    fn quotas_follow_capacity() {
        assert_eq!(quotas(12, &bins(&[1, 1, 2]), &[0; 3]), [3, 3, 6]);
    }

    #[test]
    fn the_remainder_stays_with_those_who_have_it() {
        assert_eq!(quotas(5, &bins(&[1, 1, 1]), &[1, 2, 2]), [1, 2, 2]);
        assert_eq!(quotas(4, &bins(&[1, 1, 1]), &[1, 1, 2]), [1, 1, 2]);
    }

    #[test]
    fn an_other_kind_of_load_is_evened_out() {
        let bins = [Bin { capacity: 1, load: 2 }, Bin { capacity: 1, load: 0 }];
        assert_eq!(quotas(4, &bins, &[0, 0]), [1, 3]);
    }

    #[test]
    fn no_bins_take_no_tasks() {
        assert_eq!(quotas(3, &[], &[]), [0; 0]);
    }
}
