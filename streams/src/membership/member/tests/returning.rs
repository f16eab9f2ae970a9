//! A static member that comes back: the coordinator answers with what was made for its former life (KIP-345).

use super::*;
use crate::membership::OwnerMap;

/// The second life of a static member, its join answered under another member id than the assignment was made for.
fn returned(assignment: &Assignment) -> (Member, Vec<Action>) {
    let mut member = Member::new(MemberConfig { instance_id: Some("pod-3".into()), ..config() }, LocalState::default());
    assert!(sends_join(&member.poll(0)));
    // A returning leader is answered with its former id, so that it does not assign.
    member.on_response(0, joined_as("second", 7, "first"));
    let actions = member.on_response(0, synced_as("first", assignment));
    (member, actions)
}

fn given(actions: &[Action]) -> &Assignment {
    match actions {
        [Action::Assigned { assignment, .. }] => assignment,
        other => panic!("one assignment expected, got {other:?}"),
    }
}

#[test]
fn it_takes_up_its_tasks_at_once_under_its_new_id_and_disturbs_nobody() {
    let (mut member, actions) = returned(&assignment(&[0, 1]));
    assert_eq!(given(&actions).active, [task(0), task(1)].into());
    assert_eq!(member.applied(), []);
    assert_eq!((member.state(), pair(&member)), (State::Stable, Some(("second".to_owned(), 7))));
    assert_eq!(member.identity().unwrap().instance_id.as_deref(), Some("pod-3"));
}

#[test]
fn tasks_that_were_being_taken_from_it_are_let_go_of_by_a_join() {
    let (mut member, _) = returned(&Assignment { taken: true, ..assignment(&[0]) });
    assert_eq!(member.applied(), [Action::PrepareRejoin]);
    let (member_id, subscription) = join_sent(&member.ready_to_join(100));
    assert_eq!((&*member_id, subscription.owned), ("second", [(task(0), false)].into()));
}

#[test]
fn an_error_of_its_former_life_is_not_reported_but_looked_at_again() {
    let (mut member, actions) = returned(&Assignment::failed("first", "a topic is missing"));
    assert_eq!((&given(&actions).error, given(&actions).active.len()), (&None, 0));
    assert_eq!(member.applied(), [Action::PrepareRejoin]);
}

#[test]
fn tasks_of_another_topology_are_not_taken_up() {
    let (mut member, actions) = returned(&Assignment { topology: 5, ..assignment(&[0]) });
    assert_eq!(given(&actions).active, [].into());
    assert_eq!(member.applied(), [Action::PrepareRejoin]);
    assert!(join_sent(&member.ready_to_join(100)).1.owned.is_empty());
}

#[test]
fn it_fences_its_former_life_in_another_state_directory_but_not_itself() {
    let ids = [(task(0), vec!["orders-elsewhere-1".into()]), (task(1), vec!["orders-a-1".into(), "dead".into()])];
    let owners = OwnerMap { generation: 7, ids: ids.into() };
    let fence = [(task(1), vec!["dead".to_owned()])];
    let (_, actions) = returned(&Assignment { owners, fence: fence.into(), ..assignment(&[0, 1]) });
    let expected = [(task(0), vec!["orders-elsewhere-1".to_owned()]), (task(1), vec!["dead".to_owned()])];
    assert_eq!(given(&actions).fence, expected.into());
}

/// A life that does not know yet that another one has taken its place.
fn former() -> Member {
    let mut member = Member::new(MemberConfig { instance_id: Some("pod-3".into()), ..config() }, LocalState::default());
    member.poll(0);
    follow(&mut member, 0, 7, &[0]);
    member
}

#[test]
fn its_former_life_stays_out_when_a_commit_tells_it() {
    let mut member = former();
    member.commit_offsets(100, vec![]).unwrap();
    let actions = member.on_response(200, GroupResponse::Committed { error: error_code::FENCED_INSTANCE_ID });
    assert_eq!(actions[0], Action::Committed(CommitOutcome::Fenced));
    assert_eq!(lost(&actions[1..]), Some(&LossReason::InstanceFenced));
    assert_eq!(member.closed(300), [Action::Left]);
}

#[test]
fn its_former_life_stays_out_when_a_transaction_tells_it_no_more_than_that_it_is_fenced() {
    let mut member = former();
    assert_eq!(lost(&member.fenced(100, None)), Some(&LossReason::IllegalGeneration));
    assert_eq!(join_sent(&member.closed(200)).0, "m1", "never as a new member: that would take the place of its heir");
    let actions = member.on_response(300, join_refused(error_code::FENCED_INSTANCE_ID, ""));
    assert_eq!(lost(&actions), Some(&LossReason::InstanceFenced));
}
