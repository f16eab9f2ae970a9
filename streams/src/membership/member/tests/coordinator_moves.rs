//! Coordinators that move, load, forget or break off.

use super::*;

#[test]
fn a_heartbeat_to_a_coordinator_that_moved_is_repeated_soon_and_nothing_is_lost() {
    let mut member = stable(7, &[0]);
    member.poll(2_000);
    assert_eq!(member.on_response(2_000, beat(error_code::NOT_COORDINATOR)), []);
    assert!(sends_heartbeat(&member.poll(2_100)));
    member.on_response(2_100, beat(0));
    assert_eq!(pair(&member), m1(7));
}

#[test]
fn a_join_that_fails_is_repeated_with_growing_pauses_and_the_same_claims() {
    let mut member = stable(7, &[0]);
    announce_rebalance(&mut member, 2_000);
    member.ready_to_join(2_000);
    let mut now_ms = 2_000;
    for pause_ms in [100, 200, 400, 800] {
        assert_eq!(member.on_response(now_ms, failed()), []);
        assert_eq!(member.poll(now_ms + pause_ms - 1), []);
        now_ms += pause_ms;
        let (member_id, subscription) = join_sent(&member.poll(now_ms));
        assert_eq!(member_id, "m1");
        assert_eq!(subscription.owned.into_keys().collect::<Vec<_>>(), [task(0)]);
    }
    follow(&mut member, now_ms, 8, &[0]);
}

#[test]
fn a_repeated_join_repeats_its_subscription_so_that_the_coordinator_need_not_rebalance_again() {
    let mut member = new_member();
    let (_, first) = join_sent(&member.poll(0));
    member.on_response(0, failed());
    assert_eq!(join_sent(&member.poll(100)).1, first);
}

#[test]
fn joins_that_fail_for_a_whole_session_lose_the_tasks() {
    let mut member = stable(7, &[0]);
    announce_rebalance(&mut member, 2_000);
    member.ready_to_join(2_000);
    member.on_response(20_000, failed());
    let mut now_ms = 20_000;
    let reason = loop {
        now_ms += 50;
        let actions = member.poll(now_ms);
        if sends_join(&actions) {
            member.on_response(now_ms, join_refused(error_code::COORDINATOR_LOAD_IN_PROGRESS, ""));
        } else if !actions.is_empty() {
            break actions;
        }
    };
    assert_eq!(lost(&reason), Some(&LossReason::SessionExpired));
    assert_eq!(now_ms, 26_000);
}

#[test]
fn a_coordinator_that_forgot_a_joining_member_takes_its_tasks() {
    let mut member = stable(7, &[0]);
    announce_rebalance(&mut member, 2_000);
    member.ready_to_join(2_000);
    let actions = member.on_response(2_000, join_refused(error_code::UNKNOWN_MEMBER_ID, ""));
    assert_eq!(lost(&actions), Some(&LossReason::UnknownMember));
    assert_eq!(join_sent(&member.closed(2_000)).0, "");
}

#[test]
fn a_member_without_tasks_that_was_forgotten_joins_anew_by_itself() {
    let mut member = new_member();
    member.poll(0);
    member.on_response(0, join_refused(error_code::MEMBER_ID_REQUIRED, "m1"));
    assert_eq!(member.on_response(0, join_refused(error_code::UNKNOWN_MEMBER_ID, "")), []);
    assert_eq!(join_sent(&member.poll(100)).0, "");
}

#[test]
fn a_sync_that_fails_leads_to_another_join() {
    let mut member = new_member();
    member.poll(0);
    member.on_response(0, joined(3));
    assert_eq!(member.on_response(0, failed()), []);
    assert_eq!(member.state(), State::Joining);
    assert!(sends_join(&member.poll(100)));
}

#[test]
fn an_answer_to_a_request_from_before_a_loss_only_frees_the_way() {
    let mut member = stable(7, &[0]);
    announce_rebalance(&mut member, 2_000);
    member.ready_to_join(2_000);
    member.fenced(2_100, Some(error_code::ILLEGAL_GENERATION));
    assert_eq!(member.closed(2_100), [], "one Join at a time");
    let actions = member.on_response(2_500, joined(8));
    assert!(join_sent(&actions).1.owned.is_empty());
    assert_eq!(pair(&member), None);
}

#[test]
fn an_answer_that_was_not_asked_for_changes_nothing() {
    let mut member = stable(7, &[0]);
    for answer in [joined(9), synced(&assignment(&[5])), GroupResponse::Committed { error: 22 }, beat(25)] {
        assert_eq!(member.on_response(100, answer), []);
    }
    assert_eq!(pair(&member), m1(7));
    assert_eq!(member.state(), State::Stable);
}

#[test]
fn a_client_that_breaks_down_ends_the_membership() {
    let mut member = stable(7, &[0]);
    let error = BrokerError::new(ErrorKind::Fatal, "JoinGroup", "authentication failed");
    let actions = member.on_response(100, GroupResponse::Failed { error });
    assert!(lost(&actions).unwrap().to_string().contains("authentication failed"));
    assert_eq!(member.closed(100), [Action::Left]);
}
