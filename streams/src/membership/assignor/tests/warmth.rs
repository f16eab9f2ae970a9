//! A task stays where its state is until its next place is warm.

use super::*;

#[test]
fn when_a_member_dies_its_tasks_go_to_their_standbys() {
    let mut town = Town::new(stateful(0, 8)).with_standbys(1);
    [1, 2].into_iter().for_each(|process| town.join(process, 0));
    town.join(3, 0);
    let settled = town.settle();
    let dying = &settled.assignments["1-0"];
    town.crash("1-0");
    let plan = town.round();
    for task in &dying.active {
        let heir = settled.assignments.iter().find(|(_, given)| given.standbys.contains(task)).unwrap().0;
        assert!(plan.assignments[heir].active.contains(task), "{task} goes to its standby");
    }
}

fn one_and_a_cold_newcomer() -> Town {
    let mut town = Town::new(stateful(0, 4));
    town.copies_catch_up = false;
    town.join(1, 0);
    town.settle();
    town.join(2, 0);
    town
}

#[test]
fn a_cold_newcomer_warms_up_before_it_gets_anything() {
    let mut town = one_and_a_cold_newcomer();
    let plan = town.round();
    assert_eq!(plan.assignments["1-0"].active.len(), 4);
    assert_eq!(plan.assignments["2-0"].warmups.len(), 2);
    assert!(plan.probe && plan.assignments.values().all(|given| given.probe));
    assert!(plan.withheld.is_empty());
}

#[test]
fn a_warm_up_goes_on_where_it_was_begun() {
    let mut town = one_and_a_cold_newcomer();
    let begun = town.round().assignments["2-0"].warmups.clone();
    begun.iter().for_each(|task| {
        town.member("2-0").offset_sums.insert(*task, END / 2);
    });
    assert_eq!(town.round().assignments["2-0"].warmups, begun);
}

#[test]
fn a_copy_within_the_acceptable_lag_takes_over() {
    let mut town = one_and_a_cold_newcomer();
    let begun = town.round().assignments["2-0"].warmups.clone();
    let near = END - town.config.acceptable_recovery_lag;
    begun.iter().for_each(|task| {
        town.member("2-0").offset_sums.insert(*task, near);
    });
    assert_eq!(town.round().withheld, begun);
    assert_eq!(town.round().assignments["2-0"].active, begun);
}

#[test]
fn no_more_copies_are_built_at_a_time_than_allowed() {
    let mut town = one_and_a_cold_newcomer();
    town.config.max_warmup_replicas = 1;
    assert_eq!(town.round().assignments["2-0"].warmups.len(), 1);
    town.copies_catch_up = true;
    town.settle();
    assert_eq!(town.member("2-0").owned.len(), 2);
}

#[test]
fn a_standby_at_the_next_place_is_warm_up_enough() {
    let mut town = one_and_a_cold_newcomer();
    town.config.num_standby_replicas = 1;
    let plan = town.round();
    assert_eq!(plan.assignments["2-0"].standbys.len(), 4);
    assert!(plan.assignments["2-0"].warmups.is_empty());
    assert!(plan.probe);
}

#[test]
fn a_task_whose_state_nobody_has_goes_to_its_place_at_once() {
    let mut town = Town::new(stateful(0, 4));
    [1, 2].into_iter().for_each(|process| town.join(process, 0));
    let plan = town.round();
    assert!(!plan.probe);
    assert_eq!(plan.assignments.values().map(|given| given.active.len()).collect::<Vec<_>>(), [2, 2]);
}

#[test]
fn little_state_is_no_reason_to_wait() {
    let mut town = one_and_a_cold_newcomer();
    town.config.acceptable_recovery_lag = END;
    assert_eq!(town.round().withheld.len(), 2);
}

#[test]
fn stateless_tasks_never_wait_and_have_no_copies() {
    let mut town = Town::new(stateless(0, 4)).with_standbys(2);
    town.join(1, 0);
    town.settle();
    town.join(2, 0);
    let plan = town.round();
    assert_eq!((plan.withheld.len(), plan.probe), (2, false));
    assert!(plan.assignments.values().all(|given| given.standbys.is_empty() && given.warmups.is_empty()));
}

#[test]
fn a_copy_stays_open_during_the_round_in_which_its_task_is_withheld() {
    let mut town = Town::new(stateful(0, 2)).with_standbys(1);
    town.join(1, 0);
    town.settle();
    town.join(2, 0);
    town.round(); // standbys are built and catch up
    let plan = town.round();
    let moving = plan.withheld.first().unwrap();
    assert!(plan.assignments["2-0"].warmups.contains(moving));
    assert!(!plan.assignments["1-0"].standbys.contains(moving), "the owner lets go before it keeps a copy");
    let next = town.round();
    assert!(next.assignments["2-0"].active.contains(moving));
    assert!(next.assignments["1-0"].standbys.contains(moving));
}
