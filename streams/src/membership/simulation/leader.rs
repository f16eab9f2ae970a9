//! What a leading thread does, checked.

use super::producers::Producers;
use super::thread::{Surroundings, TOPOLOGY};
use crate::broker::MemberAssignment;
use crate::membership::*;

pub fn plan(
    generation: i32,
    members: Vec<(String, Subscription)>,
    around: &mut Surroundings<'_>,
) -> Vec<MemberAssignment> {
    let group_member = |(member_id, subscription)| GroupMember { member_id, subscription };
    let members: Vec<GroupMember> = members.into_iter().map(group_member).collect();
    let round = Round { generation, topology: TOPOLOGY };
    let plan = assign(&members, around.tasks, &around.config, round);
    check_fences(&members, &plan, around.producers);
    plan.encode(|_| vec![])
}

/// An heir fences every dead owner with an open transaction that the newest map in the group names.
fn check_fences(members: &[GroupMember], plan: &Plan, producers: &mut Producers) {
    let newest = members.iter().map(|member| &member.subscription.owners).max_by_key(|map| map.generation).unwrap();
    let alive = |id: &str| members.iter().any(|member| member.subscription.profile.transactional_id == id);
    for member in members {
        let given = &plan.assignments[&member.member_id];
        for task in given.active.iter().filter(|task| !member.subscription.owned.contains_key(task)) {
            let blocking = producers.open_over(*task).filter(|id| !alive(id));
            let named: Vec<&str> = blocking.filter(|id| newest.ids_of(*task).iter().any(|named| named == id)).collect();
            for id in &named {
                assert!(given.fence[task].iter().any(|fenced| fenced == id), "{id} blocks {task}");
            }
            producers.fenced += named.len();
        }
    }
}
