//! Settled groups are even, whatever they lived through.

use super::*;

const SEEDS: u64 = 300;

#[test]
fn a_settled_group_is_even_complete_and_keeps_its_copies_apart() {
    for seed in 0..SEEDS {
        let mut dice = Dice(seed);
        let mut town = random_town(&mut dice);
        for _ in 0..6 {
            disturb(&mut town, &mut dice);
            let plan = town.settle();
            check_settled(&town, &plan, seed);
        }
    }
}

fn random_town(dice: &mut Dice) -> Town {
    let mut tasks = Vec::new();
    for sub_topology in 0..1 + dice.below(3) as u32 {
        let partitions = 1 + dice.below(12) as i32;
        let of_kind = if dice.below(3) == 0 { stateless } else { stateful };
        tasks.extend(of_kind(sub_topology, partitions));
    }
    let mut town = Town::new(tasks).with_standbys(dice.below(3) as usize);
    town.config.max_warmup_replicas = 1 + dice.below(3) as usize;
    town
}

/// Threads come and go; a few rounds may pass before the next does.
fn disturb(town: &mut Town, dice: &mut Dice) {
    for _ in 0..1 + dice.below(3) {
        let (process, thread) = (dice.below(5) as u8, dice.below(3) as u8);
        let id = format!("{process}-{thread}");
        let known = town.members.iter().any(|member| member.member_id == id);
        if known && town.members.len() > 1 {
            town.crash(&id);
        } else if !known {
            town.join(process, thread);
        }
        (0..dice.below(3)).for_each(|_| drop(town.round()));
    }
}

fn check_settled(town: &Town, plan: &Plan, seed: u64) {
    let all: BTreeSet<TaskId> = town.tasks.iter().map(|task| task.id).collect();
    let stateful: BTreeSet<TaskId> = town.tasks.iter().filter(|task| task.stateful).map(|task| task.id).collect();
    assert_eq!(town.owners().into_keys().collect::<BTreeSet<_>>(), all, "seed {seed}: every task has an owner");
    let counts = |kind: &BTreeSet<TaskId>| -> Vec<usize> {
        plan.assignments.values().map(|given| given.active.intersection(kind).count()).collect()
    };
    assert_even(&counts(&all), &format!("seed {seed}: tasks over threads"));
    assert_even(&counts(&stateful), &format!("seed {seed}: stateful tasks over threads"));
    check_copies(town, plan, &stateful, seed);
}

fn check_copies(town: &Town, plan: &Plan, stateful: &BTreeSet<TaskId>, seed: u64) {
    let process = |member: &GroupMember| member.subscription.profile.process_id;
    let processes: BTreeSet<ProcessId> = town.members.iter().map(process).collect();
    let expected = town.config.num_standby_replicas.min(processes.len() - 1);
    for task in stateful {
        let with = |of: &dyn Fn(&Assignment) -> bool| -> Vec<ProcessId> {
            town.members.iter().filter(|member| of(&plan.assignments[&member.member_id])).map(process).collect()
        };
        let mut homes = with(&|given| given.standbys.contains(task));
        assert_eq!(homes.len(), expected, "seed {seed}: copies of {task}");
        homes.extend(with(&|given| given.active.contains(task)));
        assert_eq!(homes.iter().collect::<BTreeSet<_>>().len(), expected + 1, "seed {seed}: {task} twice in a process");
    }
}

fn assert_even(counts: &[usize], what: &str) {
    let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
    assert!(most - least <= 1, "{what}: {counts:?}");
}

#[test]
fn processes_take_tasks_by_their_threads() {
    let mut town = Town::new(stateful(0, 12));
    [(1, 0), (2, 0), (2, 1), (2, 2)].into_iter().for_each(|(process, thread)| town.join(process, thread));
    let plan = town.settle();
    assert_eq!(plan.assignments.values().map(|given| given.active.len()).collect::<Vec<_>>(), [3, 3, 3, 3]);
}

#[test]
fn the_remainder_is_shared_by_processes_not_only_by_threads() {
    let mut town = Town::new(stateful(0, 6));
    [(1, 0), (1, 1), (2, 0), (2, 1)].into_iter().for_each(|(process, thread)| town.join(process, thread));
    town.settle();
    let of_process = |process: &str| town.owners().values().filter(|owner| owner.starts_with(process)).count();
    assert_eq!((of_process("1"), of_process("2")), (3, 3));
}

#[test]
fn every_member_has_a_part_of_every_sub_topology() {
    let mut town = Town::new([stateful(0, 4), stateful(1, 4)].concat());
    [1, 2, 3, 4].into_iter().for_each(|process| town.join(process, 0));
    for given in town.settle().assignments.values() {
        assert_eq!(given.active.iter().map(|task| task.sub_topology).collect::<Vec<_>>(), [0, 1]);
    }
}

#[test]
fn the_plan_does_not_depend_on_the_order_in_which_members_are_listed() {
    let mut town = Town::new(stateful(0, 7)).with_standbys(1);
    [1, 2, 3].into_iter().for_each(|process| town.join(process, 0));
    town.round();
    let plan = town.plan();
    town.members.reverse();
    assert_eq!(town.plan(), plan);
}

#[test]
fn more_threads_than_tasks_leave_some_idle() {
    let mut town = Town::new(stateful(0, 2));
    [1, 2, 3].into_iter().for_each(|process| town.join(process, 0));
    let plan = town.settle();
    assert_eq!(plan.assignments.values().map(|given| given.active.len()).sum::<usize>(), 2);
}

#[test]
fn standbys_are_even_over_processes_and_spread_to_a_new_one() {
    let mut town = Town::new(stateful(0, 8)).with_standbys(1);
    [1, 2].into_iter().for_each(|process| town.join(process, 0));
    for process in [3, 4] {
        town.join(process, 0);
        let plan = town.settle();
        let counts: Vec<usize> = plan.assignments.values().map(|given| given.standbys.len()).collect();
        assert_even(&counts, &format!("standbys over {process} processes"));
    }
}
