//! The rules that carry exactly-once.

use super::*;

#[test]
fn the_identity_is_that_of_the_last_applied_assignment_never_a_newer_one() {
    let mut member = stable(7, &[0, 1]);
    announce_rebalance(&mut member, 2_000);
    member.ready_to_join(2_000);
    assert_eq!(pair(&member), m1(7));
    member.on_response(2_500, joined(8));
    assert_eq!(pair(&member), m1(7), "joined");
    member.on_response(2_600, synced(&assignment(&[0])));
    assert_eq!(pair(&member), m1(7), "assigned");
    member.applied();
    assert_eq!(pair(&member), m1(8), "applied");
}

#[test]
fn a_member_that_has_applied_nothing_has_no_identity() {
    let mut member = new_member();
    assert_eq!(pair(&member), None);
    member.poll(0);
    member.on_response(0, joined(1));
    member.on_response(0, synced(&assignment(&[0])));
    assert_eq!(pair(&member), None);
    assert!(!member.may_commit());
}

#[test]
fn a_rebalance_is_joined_only_after_the_commit_under_the_old_pair() {
    let mut member = stable(7, &[0]);
    assert_eq!(announce_rebalance(&mut member, 2_000), [Action::PrepareRejoin]);
    assert!(member.may_commit());
    assert_eq!(pair(&member), m1(7));
    assert!(!sends_join(&member.poll(3_000)), "the thread has not committed yet");
    assert!(sends_join(&member.ready_to_join(3_000)));
}

#[test]
fn no_commit_from_ready_to_join_until_the_next_assignment_is_applied() {
    let mut member = stable(7, &[0]);
    announce_rebalance(&mut member, 2_000);
    member.ready_to_join(2_000);
    assert!(!member.may_commit(), "joining");
    member.on_response(2_000, joined(8));
    assert!(!member.may_commit(), "syncing");
    member.on_response(2_000, synced(&assignment(&[0])));
    assert!(!member.may_commit(), "assigned, not applied");
    member.applied();
    assert!(member.may_commit());
}

#[test]
fn a_rebalance_announced_before_the_assignment_is_applied_waits_for_it() {
    let mut member = new_member();
    member.poll(0);
    member.on_response(0, joined(7));
    member.on_response(0, synced(&assignment(&[0])));
    assert_eq!(announce_rebalance(&mut member, 2_000), []);
    assert_eq!(member.applied(), [Action::PrepareRejoin]);
}

#[test]
fn after_a_loss_there_is_no_identity_and_no_join_until_the_tasks_are_closed() {
    let mut member = stable(7, &[0, 1]);
    member.poll(2_000);
    let actions = member.on_response(2_000, beat(error_code::UNKNOWN_MEMBER_ID));
    assert_eq!(lost(&actions), Some(&LossReason::UnknownMember));
    assert_eq!(pair(&member), None);
    assert_eq!(member.poll(10_000), []);
    let (member_id, subscription) = join_sent(&member.closed(10_000));
    assert_eq!(member_id, "");
    assert!(subscription.owned.is_empty());
    follow(&mut member, 10_000, 9, &[0]);
    assert_eq!(pair(&member), m1(9));
}

#[test]
fn a_moving_task_is_claimed_until_its_last_commit_and_then_given_up_by_a_rejoin() {
    let mut member = stable(7, &[0, 1]);
    announce_rebalance(&mut member, 2_000);
    let (_, subscription) = join_sent(&member.ready_to_join(2_000));
    assert_eq!(subscription.owned.into_keys().collect::<Vec<_>>(), [task(0), task(1)]);
    member.on_response(2_100, joined(8));
    member.on_response(2_100, synced(&assignment(&[0])));
    assert_eq!(member.applied(), [], "task 0_1 is not let go of yet");
    assert_eq!(pair(&member), m1(8), "its last commit goes under the new pair");
    assert_eq!(member.revoked(&[task(1)]), [Action::PrepareRejoin]);
    let (_, subscription) = join_sent(&member.ready_to_join(2_200));
    assert_eq!(subscription.owned.into_keys().collect::<Vec<_>>(), [task(0)]);
}

#[test]
fn several_moving_tasks_are_given_up_by_one_rejoin() {
    let mut member = stable(7, &[0, 1, 2]);
    announce_rebalance(&mut member, 2_000);
    member.ready_to_join(2_000);
    follow(&mut member, 2_100, 8, &[0]);
    assert_eq!(member.revoked(&[task(1)]), []);
    assert_eq!(member.revoked(&[task(2)]), [Action::PrepareRejoin]);
}

#[test]
fn a_task_let_go_of_during_a_join_that_claims_it_is_given_up_by_another_join() {
    let mut member = stable(7, &[0, 1]);
    announce_rebalance(&mut member, 2_000);
    member.ready_to_join(2_000);
    follow(&mut member, 2_100, 8, &[0]);
    announce_rebalance(&mut member, 4_100);
    let (_, subscription) = join_sent(&member.ready_to_join(4_100));
    assert!(subscription.owned.contains_key(&task(1)));
    assert_eq!(member.revoked(&[task(1)]), []);
    member.on_response(4_200, joined(9));
    member.on_response(4_200, synced(&assignment(&[0])));
    assert_eq!(member.applied(), [Action::PrepareRejoin]);
}

#[test]
fn nothing_to_give_up_means_no_further_rejoin() {
    let mut member = stable(7, &[0]);
    announce_rebalance(&mut member, 2_000);
    member.ready_to_join(2_000);
    member.on_response(2_100, joined(8));
    member.on_response(2_100, synced(&assignment(&[0, 1])));
    assert_eq!(member.applied(), []);
}

#[test]
fn an_assignment_that_never_arrived_is_never_applied() {
    let mut member = stable(7, &[0]);
    announce_rebalance(&mut member, 2_000);
    member.ready_to_join(2_000);
    member.on_response(2_100, joined(8));
    let rejoin = member.on_response(2_200, sync_refused(error_code::REBALANCE_IN_PROGRESS));
    let (_, subscription) = join_sent(&rejoin);
    assert_eq!(subscription.owned.into_keys().collect::<Vec<_>>(), [task(0)]);
    assert_eq!(pair(&member), m1(7));
    assert!(!member.may_commit());
    assert_eq!(member.applied(), []);
}

#[test]
fn a_fenced_commit_loses_the_tasks() {
    let mut member = stable(7, &[0]);
    let actions = member.fenced(100, Some(error_code::ILLEGAL_GENERATION));
    assert_eq!(lost(&actions), Some(&LossReason::IllegalGeneration));
    let (member_id, _) = join_sent(&member.closed(100));
    assert_eq!(member_id, "m1", "the member itself is still known");
}

#[test]
fn an_unreadable_assignment_loses_the_tasks_because_others_may_have_been_given_them() {
    let mut member = stable(7, &[0]);
    announce_rebalance(&mut member, 2_000);
    member.ready_to_join(2_000);
    member.on_response(2_000, joined(8));
    let actions = member.on_response(2_000, GroupResponse::Synced { error: 0, user_data: vec![] });
    assert!(matches!(lost(&actions), Some(LossReason::BadAssignment(_))), "{actions:?}");
}

#[test]
fn a_task_is_told_as_opened_only_after_the_thread_says_so() {
    let mut member = stable(7, &[0, 1]);
    member.opened(task(1));
    member.request_rejoin();
    let (_, subscription) = join_sent(&member.ready_to_join(1_000));
    assert_eq!(subscription.owned, [(task(0), false), (task(1), true)].into());
}

#[test]
fn the_last_map_of_owners_is_repeated_in_every_subscription() {
    let mut member = stable(7, &[]);
    let map = OwnerMap { generation: 8, ids: [(task(0), vec!["orders-b-1".into()])].into() };
    let mapped = Assignment { owners: map.clone(), ..Assignment::default() };
    for (generation, assignment) in [(8, mapped), (9, Assignment::failed("m1", "a topic is missing"))] {
        member.request_rejoin();
        member.ready_to_join(1_000);
        member.on_response(1_000, joined(generation));
        member.on_response(1_000, synced(&assignment));
        member.applied();
    }
    member.request_rejoin();
    assert_eq!(join_sent(&member.ready_to_join(1_000)).1.owners, map);
}

#[test]
fn a_plain_commit_carries_the_identity_and_is_refused_during_a_join() {
    let mut member = stable(7, &[0]);
    let actions = member.commit_offsets(100, vec![]).unwrap();
    assert!(
        matches!(&actions[..], [Action::Send(GroupRequest::CommitOffsets { generation: 7, member_id, .. })] if member_id == "m1")
    );
    assert_eq!(member.commit_offsets(100, vec![]), Err(NotNow), "one at a time");
    let outcome = member.on_response(150, GroupResponse::Committed { error: 0 });
    assert_eq!(outcome, [Action::Committed(CommitOutcome::Done)]);
    member.request_rejoin();
    member.ready_to_join(200);
    assert_eq!(member.commit_offsets(200, vec![]), Err(NotNow));
}

#[test]
fn a_join_waits_for_the_answer_to_a_plain_commit() {
    let mut member = stable(7, &[0]);
    member.commit_offsets(100, vec![]).unwrap();
    member.request_rejoin();
    assert_eq!(member.ready_to_join(200), []);
    let actions = member.on_response(300, GroupResponse::Committed { error: 0 });
    assert_eq!(actions[0], Action::Committed(CommitOutcome::Done));
    assert!(sends_join(&actions[1..]), "{actions:?}");
}

#[test]
fn a_fenced_plain_commit_is_told_and_loses_the_tasks() {
    let mut member = stable(7, &[0]);
    member.commit_offsets(100, vec![]).unwrap();
    let actions = member.on_response(150, GroupResponse::Committed { error: error_code::ILLEGAL_GENERATION });
    assert_eq!(actions[0], Action::Committed(CommitOutcome::Fenced));
    assert_eq!(lost(&actions[1..]), Some(&LossReason::IllegalGeneration));
}
