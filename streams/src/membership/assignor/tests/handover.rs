//! Two rounds, fences, the map of owners, members that take nothing.

use super::*;

/// Two members with a task each, `1-0` and `2-0`.
fn pair() -> Town {
    let mut town = Town::new(stateful(0, 2));
    [1, 2].into_iter().for_each(|process| town.join(process, 0));
    town.settle();
    assert_eq!(town.owners(), [(task(0), "1-0".to_owned()), (task(1), "2-0".to_owned())].into());
    town
}

#[test]
fn a_moving_task_is_withheld_in_the_first_round_and_given_in_the_second() {
    let mut town = Town::new(stateless(0, 2));
    town.join(1, 0);
    town.settle();
    town.join(2, 0);
    let first = town.round();
    assert_eq!(first.withheld, [task(1)].into());
    assert_eq!(first.assignments["1-0"].active, [task(0)].into());
    assert!(first.assignments["2-0"].active.is_empty());
    let second = town.round();
    assert!(second.withheld.is_empty());
    assert_eq!(second.assignments["2-0"].active, [task(1)].into());
}

#[test]
fn a_task_that_its_owner_has_not_let_go_of_stays_withheld() {
    let mut town = Town::new(stateless(0, 2));
    town.join(1, 0);
    town.settle();
    town.join(2, 0);
    for _ in 0..5 {
        assert_eq!(town.plan().withheld, [task(1)].into());
    }
}

#[test]
fn a_living_owner_that_let_go_is_not_fenced() {
    let mut town = Town::new(stateless(0, 2));
    town.join(1, 0);
    town.settle();
    town.join(2, 0);
    town.round();
    assert!(town.round().assignments.values().all(|given| given.fence.is_empty()));
}

#[test]
fn the_heir_of_a_dead_member_fences_its_transactional_id() {
    let mut town = pair();
    town.crash("1-0");
    let heir = &town.round().assignments["2-0"];
    assert_eq!(heir.fence, [(task(0), vec!["app-1-0".to_owned()])].into());
    assert_eq!(heir.owners.ids_of(task(0)), ["app-2-0", "app-1-0"]);
}

#[test]
fn a_fenced_owner_is_forgotten_once_its_heir_has_opened_the_task() {
    let mut town = pair();
    town.crash("1-0");
    town.round();
    let plan = town.round();
    assert!(plan.assignments["2-0"].fence.is_empty());
    assert_eq!(plan.assignments["2-0"].owners.ids_of(task(0)), ["app-2-0"]);
}

#[test]
fn an_heir_that_died_before_it_opened_the_task_is_fenced_and_so_is_the_owner_before_it() {
    let mut town = pair();
    town.join(3, 0);
    town.round();
    town.crash("1-0");
    let heirs: Vec<String> =
        town.round().assignments.iter().filter(|(_, g)| g.active.contains(&task(0))).map(|(m, _)| m.clone()).collect();
    town.member(&heirs[0]).owned.insert(task(0), false);
    town.crash(&heirs[0]);
    let plan = town.plan();
    let last = plan.assignments.values().find(|given| given.active.contains(&task(0))).unwrap();
    assert_eq!(last.fence[&task(0)], [format!("app-{}", heirs[0]), "app-1-0".to_owned()]);
}

#[test]
fn a_task_not_yet_opened_is_still_to_be_fenced_in_later_rounds() {
    let mut town = pair();
    town.crash("1-0");
    town.round();
    town.member("2-0").owned.insert(task(0), false);
    assert_eq!(town.plan().assignments["2-0"].fence[&task(0)], ["app-1-0"]);
}

#[test]
fn a_slot_that_came_back_is_not_fenced_because_it_fenced_itself() {
    let mut town = pair();
    town.crash("1-0");
    town.join(1, 0);
    assert!(town.plan().assignments.values().all(|given| given.fence.is_empty()));
}

#[test]
fn any_member_may_lead_next_because_all_know_the_owners() {
    let mut town = pair();
    town.join(3, 0);
    town.round();
    town.crash("1-0");
    town.crash("2-0"); // only the newcomer, which owned nothing, is left
    let fence = &town.plan().assignments["3-0"].fence;
    assert_eq!(fence, &[(task(0), vec!["app-1-0".to_owned()]), (task(1), vec!["app-2-0".to_owned()])].into());
}

#[test]
fn the_newest_map_counts() {
    let mut town = pair();
    let old = town.member("1-0").owners.clone();
    town.crash("1-0");
    town.round();
    town.join(4, 0);
    town.member("4-0").owners = old;
    assert_eq!(town.plan().assignments["2-0"].owners.ids_of(task(0)), ["app-2-0"]);
}

#[test]
fn a_stopping_member_lets_go_of_everything() {
    let mut town = pair();
    town.member("1-0").stopping = true;
    assert_eq!(town.round().withheld, [task(0)].into());
    let plan = town.round();
    assert_eq!(plan.assignments["1-0"].active, [].into());
    assert_eq!(plan.assignments["2-0"].active.len(), 2);
}

#[test]
fn a_member_with_another_topology_is_given_nothing() {
    let mut town = pair();
    town.member("1-0").profile.topology = TOPOLOGY + 1;
    town.settle();
    assert_eq!(town.owners().into_values().collect::<BTreeSet<_>>(), ["2-0".to_owned()].into());
}

#[test]
fn a_group_in_which_nobody_takes_tasks_gets_empty_assignments() {
    let mut town = pair();
    ["1-0", "2-0"].into_iter().for_each(|member| town.member(member).stopping = true);
    let plan = town.round();
    assert_eq!(plan.assignments.len(), 2);
    assert!(plan.assignments.values().all(|given| given.active.is_empty()));
}

#[test]
fn queries_find_a_moving_task_at_its_owner() {
    let mut town = Town::new(stateless(0, 2));
    town.join(1, 0);
    town.settle();
    town.join(2, 0);
    let endpoints = &town.plan().assignments["2-0"].endpoints;
    assert_eq!(endpoints["host-1:80"].active, [task(0), task(1)].into());
    assert!(endpoints["host-2:80"].active.is_empty());
}

#[test]
fn threads_of_a_process_share_its_endpoint() {
    let mut town = Town::new(stateful(0, 4)).with_standbys(1);
    [(1, 0), (1, 1), (2, 0), (2, 1)].into_iter().for_each(|(process, thread)| town.join(process, thread));
    let endpoints = town.settle().assignments["1-0"].endpoints.clone();
    assert_eq!(endpoints.len(), 2);
    assert_eq!(endpoints["host-1:80"].active, endpoints["host-2:80"].standbys);
}

#[test]
fn the_plan_names_input_partitions_for_kafkas_own_tools() {
    let mut town = pair();
    let encoded = town.plan().encode(|task| vec![TopicPartition::new("orders", task.partition)]);
    assert_eq!(encoded[0].partitions, [TopicPartition::new("orders", 0)]);
    assert_eq!(Assignment::decode(&encoded[1].user_data).unwrap(), town.round().assignments["2-0"]);
}
