//! As little moves as evenness allows.

use super::*;

fn even_town(members: u8, tasks: i32) -> Town {
    let mut town = Town::new(stateful(0, tasks));
    (1..=members).for_each(|process| town.join(process, 0));
    town.settle();
    town
}

#[test]
fn a_new_member_takes_its_share_and_nothing_else_moves() {
    for members in 1..8 {
        for tasks in 0..30 {
            let mut town = even_town(members, tasks);
            let before = town.owners();
            town.join(100, 0);
            town.settle();
            let after = town.owners();
            let moved = moved(&before, &after);
            assert_eq!(moved.len(), (tasks / i32::from(members + 1)) as usize, "{members} members, {tasks} tasks");
            assert!(moved.iter().all(|task| after[task] == "100-0"));
        }
    }
}

#[test]
fn when_a_member_goes_only_its_tasks_move() {
    for members in 2..8 {
        for tasks in 0..30 {
            let mut town = even_town(members, tasks);
            let before = town.owners();
            town.crash("1-0");
            town.settle();
            let expected: BTreeSet<TaskId> = before.iter().filter(|(_, m)| *m == "1-0").map(|(t, _)| *t).collect();
            assert_eq!(moved(&before, &town.owners()), expected, "{members} members, {tasks} tasks");
        }
    }
}

#[test]
fn a_new_thread_in_a_process_takes_tasks_of_its_siblings_too() {
    let mut town = even_town(2, 8);
    let before = town.owners();
    town.join(1, 1);
    town.settle();
    let after = town.owners();
    assert_eq!(moved(&before, &after).len(), 2);
    assert!(moved(&before, &after).iter().all(|task| after[task] == "1-1"));
}

#[test]
fn tasks_leave_a_process_evenly_from_its_threads() {
    let mut town = Town::new(stateful(0, 8));
    [(1, 0), (1, 1)].into_iter().for_each(|(process, thread)| town.join(process, thread));
    town.settle();
    let before = town.owners();
    [(2, 0), (2, 1)].into_iter().for_each(|(process, thread)| town.join(process, thread));
    town.settle();
    assert_eq!(moved(&before, &town.owners()).len(), 4, "none moves between the threads of the first process");
}

#[test]
fn stateless_tasks_stay_too() {
    let mut town = Town::new([stateful(0, 6), stateless(1, 6)].concat());
    [1, 2].into_iter().for_each(|process| town.join(process, 0));
    town.settle();
    let before = town.owners();
    town.join(3, 0);
    town.settle();
    let after = town.owners();
    assert_eq!(moved(&before, &after).len(), 4);
    assert!(moved(&before, &after).iter().all(|task| after[task] == "3-0"));
}

#[test]
fn a_process_that_comes_back_with_its_state_gets_its_tasks_back() {
    let mut town = even_town(3, 9);
    let before = town.owners();
    let state = town.member("3-0").offset_sums.clone();
    town.crash("3-0");
    town.settle();
    town.join(3, 0);
    town.member("3-0").offset_sums = state.keys().map(|task| (*task, END)).collect();
    town.settle();
    assert_eq!(town.owners(), before);
}
