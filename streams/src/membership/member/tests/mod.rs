//! One test for each rule of the member, against a coordinator played by hand.

mod coordinator_moves;
mod exactly_once;
mod joining;
mod leaving;
mod returning;
mod sessions;

use super::*;
use crate::broker::{BrokerError, ErrorKind, GroupResponse, JoinedMember, error_code};
use crate::membership::{Assignment, Profile, Subscription};

const SESSION_MS: i64 = 6_000;

fn config() -> MemberConfig {
    MemberConfig {
        group_id: "orders".into(),
        session_timeout_ms: SESSION_MS as i32,
        heartbeat_interval_ms: 2_000,
        rebalance_timeout_ms: 30_000,
        probing_interval_ms: 60_000,
        instance_id: None,
        topics: vec!["order.commands".into()],
        profile: Profile { transactional_id: "orders-a-1".into(), ..Profile::default() },
    }
}

fn task(partition: i32) -> TaskId {
    TaskId::new(0, partition)
}

fn assignment(active: &[i32]) -> Assignment {
    Assignment { member_id: "m1".into(), active: active.iter().map(|p| task(*p)).collect(), ..Assignment::default() }
}

fn new_member() -> Member {
    Member::new(config(), LocalState::default())
}

/// Answers as the coordinator does.
fn joined(generation: i32) -> GroupResponse {
    joined_as("m1", generation, "leader")
}

fn joined_as(member_id: &str, generation: i32, leader: &str) -> GroupResponse {
    let (member_id, leader) = (member_id.into(), leader.into());
    GroupResponse::Joined { error: 0, generation, leader, member_id, members: vec![] }
}

fn join_refused(error: i16, member_id: &str) -> GroupResponse {
    let member_id = member_id.into();
    GroupResponse::Joined { error, generation: -1, leader: String::new(), member_id, members: vec![] }
}

fn synced(assignment: &Assignment) -> GroupResponse {
    synced_as("m1", assignment)
}

fn synced_as(made_for: &str, assignment: &Assignment) -> GroupResponse {
    let made_for = Assignment { member_id: made_for.into(), ..assignment.clone() };
    GroupResponse::Synced { error: 0, user_data: made_for.encode() }
}

fn sync_refused(error: i16) -> GroupResponse {
    GroupResponse::Synced { error, user_data: vec![] }
}

fn beat(error: i16) -> GroupResponse {
    GroupResponse::Heartbeat { error }
}

fn failed() -> GroupResponse {
    GroupResponse::Failed { error: BrokerError::new(ErrorKind::Retriable, "group request", "connection reset") }
}

/// Joins a new member into `generation` with `active`, applied.
fn stable(generation: i32, active: &[i32]) -> Member {
    let mut member = new_member();
    member.poll(0);
    follow(&mut member, 0, generation, active);
    member
}

/// Takes a member whose Join is under way through `generation`, applied.
fn follow(member: &mut Member, now_ms: i64, generation: i32, active: &[i32]) {
    member.on_response(now_ms, joined(generation));
    member.on_response(now_ms, synced(&assignment(active)));
    member.applied();
    assert_eq!(member.state(), State::Stable);
}

/// Tells a stable member of a rebalance by a heartbeat.
fn announce_rebalance(member: &mut Member, now_ms: i64) -> Vec<Action> {
    assert!(sends_heartbeat(&member.poll(now_ms)));
    member.on_response(now_ms, beat(error_code::REBALANCE_IN_PROGRESS))
}

fn sends_heartbeat(actions: &[Action]) -> bool {
    matches!(actions, [Action::Send(GroupRequest::Heartbeat { .. })])
}

/// Member id and subscription of the one Join among `actions`.
fn join_sent(actions: &[Action]) -> (String, Subscription) {
    match actions {
        [Action::Send(GroupRequest::Join { member_id, user_data, .. })] => {
            (member_id.clone(), Subscription::decode(user_data).unwrap())
        }
        other => panic!("one Join expected, got {other:?}"),
    }
}

fn sends_join(actions: &[Action]) -> bool {
    matches!(actions, [Action::Send(GroupRequest::Join { .. })])
}

fn lost(actions: &[Action]) -> Option<&LossReason> {
    match actions {
        [Action::Lost { reason }] => Some(reason),
        _ => None,
    }
}

fn pair(member: &Member) -> Option<(String, i32)> {
    member.identity().map(|identity| (identity.member_id, identity.generation))
}

fn m1(generation: i32) -> Option<(String, i32)> {
    Some(("m1".to_owned(), generation))
}
