//! From what members shall have to what they may be given now.
//!
//! The cooperative rule (KIP-429): a task that another member still owns is withheld from its next owner. The owner sees
//! that the task is gone from its assignment, commits it for the last time, lets go and rejoins; the round this starts
//! gives the task out. So no task is ever with two members of one generation.

use super::group::Group;
use super::threads::Target;
use super::{Plan, Round};
use crate::membership::{Assignment, EndpointTasks, OwnerMap};
use crate::task_id::TaskId;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn plan(group: &Group<'_>, targets: Vec<Target>, probe: bool, round: Round) -> Plan {
    let mut given: Vec<Assignment> = targets.into_iter().map(|target| as_assignment(target, probe)).collect();
    let withheld = withhold(group, &mut given);
    skip_copies_beside_the_owner(group, &mut given);
    let owners = owners(group, &given, round.generation);
    let endpoints = endpoints(group, &given, &withheld);
    for (member, assignment) in given.iter_mut().enumerate() {
        assignment.member_id = group.members[member].member_id.clone();
        assignment.topology = round.topology;
        assignment.taken = withheld.iter().any(|task| group.owns(member, *task));
        assignment.fence = fences(group, member, &assignment.active, &owners);
        assignment.owners = owners.clone();
        assignment.endpoints = endpoints.clone();
    }
    let ids = group.members.iter().map(|member| member.member_id.clone());
    Plan { assignments: ids.zip(given).collect(), withheld, probe }
}

fn as_assignment(target: Target, probe: bool) -> Assignment {
    Assignment {
        active: target.active,
        standbys: target.standbys,
        warmups: target.warmups,
        probe,
        ..Assignment::default()
    }
}

/// Takes back the tasks that another member owns; a thread of the next owner's process that keeps a copy keeps it.
fn withhold(group: &Group<'_>, given: &mut [Assignment]) -> BTreeSet<TaskId> {
    let mut withheld = BTreeSet::new();
    for member in 0..given.len() {
        let owned_by_another =
            |task: &TaskId| group.claims.get(task).is_some_and(|owners| owners.iter().any(|owner| *owner != member));
        let taken: BTreeSet<TaskId> = given[member].active.iter().copied().filter(owned_by_another).collect();
        given[member].active.retain(|task| !taken.contains(task));
        for task in &taken {
            let of_process = |other: &usize| group.process_id(*other) == group.process_id(member);
            let keeper = (0..given.len()).filter(of_process).find(|other| group.keeps_copy(*other, *task));
            if let Some(keeper) = keeper {
                given[keeper].warmups.insert(*task);
            }
        }
        withheld.extend(taken);
    }
    withheld
}

/// A process has one directory per task: while one of its threads has the task open, no other may keep a copy.
fn skip_copies_beside_the_owner(group: &Group<'_>, given: &mut [Assignment]) {
    for (member, assignment) in given.iter_mut().enumerate() {
        let beside_owner = |task: &TaskId| {
            let owners = group.claims.get(task).into_iter().flatten();
            owners.copied().any(|owner| group.process_id(owner) == group.process_id(member))
        };
        assignment.standbys.retain(|task| !beside_owner(task));
        assignment.warmups.retain(|task| !beside_owner(task));
    }
}

/// The map after this round: the owner's id, then ids of those who are gone and whom no owner is known to have fenced.
fn owners(group: &Group<'_>, given: &[Assignment], generation: i32) -> OwnerMap {
    let seen = group.members.iter().map(|member| &member.subscription.owners).max_by_key(|map| map.generation);
    let alive: BTreeSet<&str> = (0..group.members.len()).map(|member| group.transactional_id(member)).collect();
    let mut map = OwnerMap { generation, ids: BTreeMap::new() };
    for &task in group.tasks.keys().chain(group.claims.keys()).collect::<BTreeSet<_>>() {
        let next = (0..given.len()).find(|member| given[*member].active.contains(&task));
        let owner = next.or_else(|| group.claims.get(&task)?.first().copied());
        let opened = owner.is_some_and(|member| group.members[member].subscription.owned.get(&task) == Some(&true));
        let gone = seen.map_or(&[][..], |map| map.ids_of(task)).iter().filter(|id| !alive.contains(id.as_str()));
        let mut ids: Vec<String> = owner.map(|member| group.transactional_id(member).to_owned()).into_iter().collect();
        ids.extend(gone.filter(|_| !opened).cloned());
        if !ids.is_empty() {
            map.ids.insert(task, ids);
        }
    }
    map
}

/// Never the id of a living member: that would break the transaction over all its other tasks.
fn fences(
    group: &Group<'_>,
    member: usize,
    active: &BTreeSet<TaskId>,
    owners: &OwnerMap,
) -> BTreeMap<TaskId, Vec<String>> {
    let own = group.transactional_id(member);
    let to_fence = |task: &TaskId| -> Vec<String> {
        owners.ids_of(*task).iter().filter(|id| id.as_str() != own).cloned().collect()
    };
    active.iter().map(|task| (*task, to_fence(task))).filter(|(_, ids)| !ids.is_empty()).collect()
}

/// Where queries find each task: a withheld one at its owner's, which has it until it lets go.
fn endpoints(group: &Group<'_>, given: &[Assignment], withheld: &BTreeSet<TaskId>) -> BTreeMap<String, EndpointTasks> {
    let mut endpoints: BTreeMap<String, EndpointTasks> = BTreeMap::new();
    for (member, assignment) in given.iter().enumerate() {
        let subscription = &group.members[member].subscription;
        let Some(endpoint) = &subscription.profile.endpoint else {
            continue;
        };
        let tasks = endpoints.entry(endpoint.clone()).or_default();
        tasks.active.extend(&assignment.active);
        tasks.active.extend(withheld.iter().filter(|task| subscription.owned.contains_key(task)));
        tasks.standbys.extend(&assignment.standbys);
    }
    endpoints
}
