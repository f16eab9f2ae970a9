//! Heartbeats and the member's own clock.

use super::*;

#[test]
fn heartbeats_go_out_at_the_interval() {
    let mut member = stable(7, &[0]);
    assert_eq!(member.poll(1_999), []);
    assert!(sends_heartbeat(&member.poll(2_000)));
    assert_eq!(member.poll(2_001), []);
}

#[test]
fn without_an_answered_heartbeat_within_the_session_the_tasks_are_lost() {
    let mut member = stable(7, &[0]);
    for now_ms in [2_000, 4_000] {
        assert!(sends_heartbeat(&member.poll(now_ms)));
    }
    assert_eq!(lost(&member.poll(SESSION_MS)), Some(&LossReason::SessionExpired));
    assert_eq!(pair(&member), None);
}

#[test]
fn a_thread_that_stood_still_longer_than_its_session_loses_its_tasks_at_once() {
    let mut member = stable(7, &[0]);
    assert_eq!(lost(&member.poll(60_000)), Some(&LossReason::SessionExpired));
}

#[test]
fn a_lost_answer_is_made_good_by_the_next_heartbeat() {
    let mut member = stable(7, &[0]);
    member.poll(2_000);
    member.on_response(2_000, failed());
    assert!(sends_heartbeat(&member.poll(4_000)));
    member.on_response(4_000, beat(0));
    assert!(lost(&member.poll(9_999)).is_none());
    assert!(lost(&member.poll(10_000)).is_some());
}

#[test]
fn heartbeats_that_nobody_answers_do_not_pile_up() {
    let mut member = Member::new(MemberConfig { session_timeout_ms: 60_000, ..config() }, LocalState::default());
    member.poll(0);
    follow(&mut member, 0, 7, &[0]);
    let sent = (0..50_000).step_by(1_000).filter(|now_ms| sends_heartbeat(&member.poll(*now_ms))).count();
    assert_eq!(sent, 3);
}

#[test]
fn a_heartbeat_of_the_old_generation_answered_late_does_not_disturb_the_new_one() {
    let mut member = stable(7, &[0]);
    member.poll(2_000);
    member.request_rejoin();
    member.ready_to_join(2_100);
    follow(&mut member, 2_200, 8, &[0]);
    assert_eq!(member.on_response(2_300, beat(error_code::ILLEGAL_GENERATION)), []);
    assert_eq!(pair(&member), m1(8));
}

#[test]
fn heartbeats_go_on_while_the_thread_commits_before_a_rejoin() {
    let mut member = stable(7, &[0]);
    announce_rebalance(&mut member, 2_000);
    assert!(sends_heartbeat(&member.poll(4_000)));
    assert_eq!(member.on_response(4_000, beat(error_code::REBALANCE_IN_PROGRESS)), []);
    assert_eq!(member.state(), State::Rejoining);
    assert!(lost(&member.poll(9_000)).is_none(), "the answer kept the session");
}

#[test]
fn a_join_that_waits_at_the_coordinator_longer_than_the_session_loses_nothing() {
    let mut member = stable(7, &[0]);
    announce_rebalance(&mut member, 2_000);
    member.ready_to_join(2_000);
    assert_eq!(member.poll(31_000), []);
    follow(&mut member, 31_500, 8, &[0]);
    assert_eq!(pair(&member), m1(8));
}

#[test]
fn a_join_without_any_answer_is_given_up_after_rebalance_and_session_timeouts() {
    let mut member = stable(7, &[0]);
    announce_rebalance(&mut member, 2_000);
    member.ready_to_join(2_000);
    assert_eq!(member.poll(38_000), []);
    assert_eq!(member.poll(38_001), []);
    assert!(sends_join(&member.poll(38_101)));
}

#[test]
fn an_illegal_generation_loses_the_tasks_but_keeps_the_member_id() {
    let mut member = stable(7, &[0]);
    member.poll(2_000);
    let actions = member.on_response(2_000, beat(error_code::ILLEGAL_GENERATION));
    assert_eq!(lost(&actions), Some(&LossReason::IllegalGeneration));
    assert_eq!(join_sent(&member.closed(2_000)).0, "m1");
}

#[test]
fn a_second_process_with_the_same_instance_id_ends_this_one_for_good() {
    let mut member = stable(7, &[0]);
    member.poll(2_000);
    let actions = member.on_response(2_000, beat(error_code::FENCED_INSTANCE_ID));
    assert_eq!(lost(&actions), Some(&LossReason::InstanceFenced));
    assert_eq!(member.closed(2_000), [Action::Left]);
    assert_eq!(member.poll(60_000), []);
}

#[test]
fn a_member_whose_heartbeats_vanished_starts_over_without_their_burden() {
    let mut member = stable(7, &[0]);
    for now_ms in [2_000, 4_000] {
        assert!(sends_heartbeat(&member.poll(now_ms)));
    }
    assert!(lost(&member.poll(6_000)).is_some());
    member.closed(6_000);
    follow(&mut member, 6_000, 9, &[0]);
    for now_ms in [8_000, 10_000, 12_000, 14_000] {
        assert!(sends_heartbeat(&member.poll(now_ms)), "at {now_ms}");
        member.on_response(now_ms, beat(0));
    }
}
