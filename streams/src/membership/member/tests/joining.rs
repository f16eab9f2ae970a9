//! Getting into the group, following and leading.

use super::*;
use crate::broker::MemberAssignment;

#[test]
fn the_first_join_is_repeated_with_the_id_that_the_coordinator_requires() {
    let mut member = new_member();
    assert_eq!(join_sent(&member.poll(0)).0, "");
    let again = member.on_response(0, join_refused(error_code::MEMBER_ID_REQUIRED, "m1"));
    assert_eq!(join_sent(&again).0, "m1");
}

#[test]
fn a_follower_syncs_without_assignments_and_is_assigned() {
    let mut member = new_member();
    member.poll(0);
    let sync = member.on_response(0, joined(3));
    assert!(
        matches!(&sync[..], [Action::Send(GroupRequest::Sync { generation: 3, assignments, .. })] if assignments.is_empty())
    );
    let assigned = member.on_response(0, synced(&assignment(&[4])));
    assert_eq!(assigned, [Action::Assigned { generation: 3, assignment: Box::new(assignment(&[4])) }]);
}

fn lead(generation: i32, user_data: Vec<u8>) -> GroupResponse {
    let members = vec![JoinedMember { member_id: "m1".into(), instance_id: None, user_data }];
    GroupResponse::Joined { error: 0, generation, leader: "m1".into(), member_id: "m1".into(), members }
}

/// A member that leads generation 3.
fn leading() -> Member {
    let mut member = new_member();
    member.poll(0);
    let actions = member.on_response(0, lead(3, Subscription::default().encode()));
    assert!(
        matches!(&actions[..], [Action::RunLeader { generation: 3, members }] if members.len() == 1),
        "{actions:?}"
    );
    member
}

fn assignments_sent(actions: &[Action]) -> Vec<Assignment> {
    match actions {
        [Action::Send(GroupRequest::Sync { assignments, .. })] => {
            assignments.iter().map(|one| Assignment::decode(&one.user_data).unwrap()).collect()
        }
        other => panic!("one Sync expected, got {other:?}"),
    }
}

#[test]
fn the_leader_sends_heartbeats_of_the_new_generation_while_it_works() {
    let mut member = leading();
    let actions = member.poll(2_000);
    assert!(matches!(&actions[..], [Action::Send(GroupRequest::Heartbeat { generation: 3, .. })]), "{actions:?}");
}

#[test]
fn the_leaders_plan_goes_out_with_its_sync() {
    let mut member = leading();
    let one = MemberAssignment { member_id: "m1".into(), partitions: vec![], user_data: assignment(&[0]).encode() };
    let actions = member.leader_assignment(1_000, 3, Ok(vec![one]));
    assert_eq!(assignments_sent(&actions), [assignment(&[0])]);
}

#[test]
fn what_nobody_can_assign_is_reported_by_every_member() {
    let mut member = leading();
    let error = LeaderError::Report("source topic `order.commands` is missing".into());
    let actions = member.leader_assignment(1_000, 3, Err(error));
    assert_eq!(assignments_sent(&actions), [Assignment::failed("m1", "source topic `order.commands` is missing")]);
}

#[test]
fn a_leader_whose_broker_call_failed_has_the_group_try_again_after_a_pause() {
    let mut member = leading();
    assert_eq!(member.leader_assignment(1_000, 3, Err(LeaderError::Retry("timed out".into()))), []);
    assert_eq!(member.poll(1_050), []);
    assert!(sends_join(&member.poll(1_100)));
}

#[test]
fn a_plan_for_an_older_generation_is_ignored() {
    let mut member = leading();
    assert_eq!(member.leader_assignment(1_000, 2, Ok(vec![])), []);
}

#[test]
fn a_subscription_that_the_leader_cannot_read_is_reported_by_every_member() {
    let mut member = new_member();
    member.poll(0);
    let actions = member.on_response(0, lead(3, vec![9, 9]));
    let error = assignments_sent(&actions)[0].error.clone().unwrap();
    assert!(error.contains("format version 9"), "{error}");
}

#[test]
fn two_joins_never_carry_the_same_subscription_or_the_coordinator_would_not_rebalance() {
    let mut member = stable(7, &[0]);
    let mut nonces = vec![];
    for generation in 8..10 {
        member.request_rejoin();
        nonces.push(join_sent(&member.ready_to_join(0)).1.nonce);
        follow(&mut member, 0, generation, &[0]);
    }
    assert_ne!(nonces[0], nonces[1]);
}

#[test]
fn a_coordinator_that_gives_an_empty_member_id_is_refused_for_good() {
    let mut member = new_member();
    member.poll(0);
    let actions = member.on_response(0, joined_as("", 3, "leader"));
    assert!(matches!(lost(&actions), Some(LossReason::Refused { .. })), "{actions:?}");
    assert_eq!(member.closed(0), [Action::Left]);
}

#[test]
fn a_session_timeout_outside_the_brokers_bounds_is_refused_with_the_settings_name() {
    let mut member = new_member();
    member.poll(0);
    let actions = member.on_response(0, join_refused(26, ""));
    let text = lost(&actions).unwrap().to_string();
    assert!(text.contains("session.timeout.ms") && text.contains("26"), "{text}");
}

#[test]
fn tasks_that_wait_for_warm_ups_are_probed_for_after_the_interval() {
    let mut member = new_member();
    member.poll(0);
    member.on_response(0, joined(3));
    member.on_response(0, synced(&Assignment { probe: true, ..assignment(&[0]) }));
    member.applied();
    for now_ms in (0..60_000).step_by(2_000) {
        assert!(!member.poll(now_ms).contains(&Action::PrepareRejoin), "at {now_ms}");
        member.on_response(now_ms, beat(0));
    }
    assert!(member.poll(60_000).contains(&Action::PrepareRejoin));
}

#[test]
fn a_static_member_carries_its_instance_id() {
    let mut member = Member::new(MemberConfig { instance_id: Some("pod-3".into()), ..config() }, LocalState::default());
    let actions = member.poll(0);
    assert!(matches!(&actions[..], [Action::Send(GroupRequest::Join { instance_id: Some(id), .. })] if id == "pod-3"));
}
