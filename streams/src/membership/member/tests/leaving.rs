//! Going out of the group.

use super::*;

fn sends_leave(actions: &[Action]) -> bool {
    matches!(actions, [Action::Send(GroupRequest::Leave { member_id, .. })] if member_id == "m1")
}

#[test]
fn a_member_leaves_and_then_has_no_identity() {
    let mut member = stable(7, &[0]);
    assert!(sends_leave(&member.leave(100)));
    assert_eq!(pair(&member), None);
    assert_eq!(member.on_response(200, GroupResponse::Left { error: 0 }), [Action::Left]);
    assert_eq!(member.state(), State::Left);
}

#[test]
fn a_member_that_never_joined_just_goes() {
    assert_eq!(new_member().leave(0), [Action::Left]);
}

#[test]
fn leaving_waits_for_a_join_that_is_under_way() {
    let mut member = stable(7, &[0]);
    member.request_rejoin();
    member.ready_to_join(100);
    assert_eq!(member.leave(200), []);
    assert!(sends_leave(&member.on_response(300, joined(8))));
}

#[test]
fn a_coordinator_that_does_not_answer_holds_nobody_longer_than_a_session() {
    let mut member = stable(7, &[0]);
    member.leave(100);
    assert_eq!(member.poll(6_099), []);
    assert_eq!(member.poll(6_100), [Action::Left]);
}

#[test]
fn a_static_member_goes_without_leaving_so_that_its_tasks_wait_for_it() {
    let mut member = Member::new(MemberConfig { instance_id: Some("pod-3".into()), ..config() }, LocalState::default());
    member.poll(0);
    follow(&mut member, 0, 7, &[0]);
    assert_eq!(member.leave(100), [Action::Left]);
}

#[test]
fn an_announced_stop_is_told_to_the_leader_by_a_rejoin() {
    let mut member = stable(7, &[0]);
    assert_eq!(member.announce_stop(), [Action::PrepareRejoin]);
    let (_, subscription) = join_sent(&member.ready_to_join(0));
    assert!(subscription.stopping);
}
