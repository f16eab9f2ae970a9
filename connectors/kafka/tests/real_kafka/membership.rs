//! The classic group protocol as the broker plays it.

use crate::fixture::*;
use comanda_servers::unique_name;
use comanda_streams::broker::{
    Broker, GroupRequest, GroupResponse, GroupTransport, JoinedMember, MemberAssignment, error_code,
};
use std::time::{Duration, Instant};

/// A Joined answer's parts.
struct Joined {
    error: i16,
    generation: i32,
    leader: String,
    member_id: String,
    members: Vec<JoinedMember>,
}

fn joined(group: &mut dyn GroupTransport) -> Joined {
    match answer(group) {
        GroupResponse::Joined { error, generation, leader, member_id, members } => {
            Joined { error, generation, leader, member_id, members }
        }
        other => panic!("{other:?}"),
    }
}

fn heartbeat(generation: i32, member_id: &str) -> GroupRequest {
    GroupRequest::Heartbeat { generation, member_id: member_id.to_owned(), instance_id: None }
}

fn heartbeat_code(group: &mut dyn GroupTransport, generation: i32, member_id: &str) -> i16 {
    group.send(heartbeat(generation, member_id));
    match answer(group) {
        GroupResponse::Heartbeat { error } => error,
        other => panic!("{other:?}"),
    }
}

fn sync(generation: i32, member_id: &str, assignments: Vec<MemberAssignment>) -> GroupRequest {
    GroupRequest::Sync { generation, member_id: member_id.to_owned(), instance_id: None, assignments }
}

fn user_data(group: &mut dyn GroupTransport) -> Vec<u8> {
    match answer(group) {
        GroupResponse::Synced { error: 0, user_data } => user_data,
        other => panic!("{other:?}"),
    }
}

/// Two members in one generation, the first of them its leader, both synced.
struct Pair {
    leader: Box<dyn GroupTransport>,
    follower: Box<dyn GroupTransport>,
    leader_id: String,
    follower_id: String,
    generation: i32,
}

fn pair(group_id: &str, topic: &str) -> Pair {
    let mut leader = broker().group(group_id).unwrap();
    let leader_id = join_alone(&mut *leader, group_id, topic).member_id;
    let mut follower = broker().group(group_id).unwrap();
    let follower_id = first_join(&mut *follower, topic);
    follower.send(join_request(&follower_id, topic, b"follower"));
    leader.send(join_request(&leader_id, topic, b"leader"));
    let (of_leader, of_follower) = (joined(&mut *leader), joined(&mut *follower));
    assert_eq!((of_leader.error, of_follower.error), (0, 0));
    assert_eq!(of_leader.generation, of_follower.generation);
    assert_eq!((&of_leader.leader, &of_follower.leader), (&leader_id, &leader_id));
    assert!(of_follower.members.is_empty());
    let mut seen: Vec<_> = of_leader.members.iter().map(|m| (m.member_id.as_str(), &m.user_data[..])).collect();
    seen.sort_unstable_by_key(|(_, data)| *data);
    assert_eq!(seen, [(&*of_follower.member_id, &b"follower"[..]), (&*leader_id, &b"leader"[..])]);

    let generation = of_leader.generation;
    let give = |member_id: &str, number, user_data: &[u8]| MemberAssignment {
        member_id: member_id.to_owned(),
        partitions: vec![partition(topic, number)],
        user_data: user_data.to_vec(),
    };
    follower.send(sync(generation, &of_follower.member_id, Vec::new()));
    let assignments = vec![give(&leader_id, 0, b"to leader"), give(&of_follower.member_id, 1, b"to follower")];
    leader.send(sync(generation, &leader_id, assignments));
    assert_eq!(user_data(&mut *leader), b"to leader");
    assert_eq!(user_data(&mut *follower), b"to follower");
    Pair { leader, follower, leader_id, follower_id: of_follower.member_id, generation }
}

#[test]
fn two_members_join_sync_beat_and_one_leaves() {
    let (topic, group_id) = (topic(2), unique_name("group"));
    let mut pair = pair(&group_id, &topic);
    assert_eq!(heartbeat_code(&mut *pair.leader, pair.generation, &pair.leader_id), error_code::NONE);
    assert_eq!(heartbeat_code(&mut *pair.follower, pair.generation, &pair.follower_id), error_code::NONE);

    pair.follower.send(GroupRequest::Leave { member_id: pair.follower_id.clone(), instance_id: None });
    let left = answer(&mut *pair.follower);
    assert!(matches!(left, GroupResponse::Left { error: 0 }), "{left:?}");
    let gone = heartbeat_code(&mut *pair.follower, pair.generation, &pair.follower_id);
    let called = heartbeat_code(&mut *pair.leader, pair.generation, &pair.leader_id);
    assert_eq!((gone, called), (error_code::UNKNOWN_MEMBER_ID, error_code::REBALANCE_IN_PROGRESS));
}

#[test]
fn a_heartbeat_is_answered_while_a_join_waits_for_the_others() {
    let (topic, group_id) = (topic(2), unique_name("group"));
    let mut pair = pair(&group_id, &topic);
    pair.leader.send(join_request(&pair.leader_id, &topic, b"")); // waits until the follower joins
    let deadline = Instant::now() + PATIENCE;
    while heartbeat_code(&mut *pair.follower, pair.generation, &pair.follower_id) != error_code::REBALANCE_IN_PROGRESS {
        assert!(Instant::now() < deadline);
    }
    let waiting = heartbeat_code(&mut *pair.leader, pair.generation, &pair.leader_id);
    assert_eq!(waiting, error_code::REBALANCE_IN_PROGRESS);

    pair.follower.send(join_request(&pair.follower_id, &topic, b""));
    assert_eq!(joined(&mut *pair.leader).generation, pair.generation + 1);
}

#[test]
fn a_transport_dropped_during_a_join_does_not_wait_for_it() {
    let (topic, group_id) = (topic(2), unique_name("group"));
    let mut pair = pair(&group_id, &topic);
    pair.leader.send(join_request(&pair.leader_id, &topic, b""));
    std::thread::sleep(Duration::from_millis(200));
    let started = Instant::now();
    drop(pair.leader);
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[test]
fn a_member_commits_offsets_and_a_stale_one_does_not() {
    let (topic, group_id) = (topic(2), unique_name("group"));
    let mut group = broker().group(&group_id).unwrap();
    let member = join_alone(&mut *group, &group_id, &topic);
    let mut commit = |generation| {
        group.send(GroupRequest::CommitOffsets {
            generation,
            member_id: member.member_id.clone(),
            instance_id: None,
            offsets: vec![(partition(&topic, 0), offset(3, "m")), (partition(&topic, 1), offset(4, ""))],
        });
        match answer(&mut *group) {
            GroupResponse::Committed { error } => error,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(commit(member.generation - 1), error_code::ILLEGAL_GENERATION);
    assert_eq!(commit(member.generation), error_code::NONE);
    let asked = [partition(&topic, 1), partition(&topic, 0)];
    let committed = broker().admin().unwrap().committed_offsets(&group_id, &asked).unwrap();
    assert_eq!(committed, [Some(offset(4, "")), Some(offset(3, "m"))]);
}

#[test]
fn a_static_member_that_comes_back_fences_its_former_self() {
    let (topic, group_id) = (topic(1), unique_name("group"));
    let join = |member_id: &str| match join_request(member_id, &topic, b"") {
        GroupRequest::Join { member_id, session_timeout_ms, rebalance_timeout_ms, topics, user_data, .. } => {
            let instance_id = Some("slot-0".to_owned());
            GroupRequest::Join { member_id, instance_id, session_timeout_ms, rebalance_timeout_ms, topics, user_data }
        }
        other => other,
    };
    let mut former = broker().group(&group_id).unwrap();
    former.send(join(""));
    let first = joined(&mut *former);
    assert_eq!(first.error, error_code::NONE);
    let mut heir = broker().group(&group_id).unwrap();
    heir.send(join(""));
    let second = joined(&mut *heir);
    assert_eq!(second.error, error_code::NONE);
    assert_ne!(second.member_id, first.member_id);

    former.send(GroupRequest::Heartbeat {
        generation: first.generation,
        member_id: first.member_id,
        instance_id: Some("slot-0".to_owned()),
    });
    let answer = answer(&mut *former);
    assert!(matches!(answer, GroupResponse::Heartbeat { error: error_code::FENCED_INSTANCE_ID }), "{answer:?}");
}

#[test]
fn an_unreachable_coordinator_fails_a_join_and_is_told_to_heartbeats_as_a_code() {
    let nowhere = comanda_kafka::KafkaSettings::new("127.0.0.1:1");
    let mut group = comanda_kafka::KafkaBroker::new(nowhere).unwrap().group("g").unwrap();
    group.send(heartbeat(1, "m"));
    let unheard = answer(&mut *group);
    let not_available = matches!(unheard, GroupResponse::Heartbeat { error: error_code::COORDINATOR_NOT_AVAILABLE });
    assert!(not_available, "{unheard:?}");
    group.send(join_request("", "t", b""));
    let GroupResponse::Failed { error } = answer(&mut *group) else { panic!("not failed") };
    assert_eq!(error.kind, comanda_streams::broker::ErrorKind::Retriable, "{error}");
    assert!(error.to_string().contains("127.0.0.1:1"), "{error}");
}
