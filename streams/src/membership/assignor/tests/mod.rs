//! The assignor against groups that live through rounds: what it gives is what the next round finds owned.

mod balance;
mod handover;
mod stickiness;
mod warmth;

use super::*;
use crate::membership::dice::Dice;
use crate::membership::{CAUGHT_UP, ProcessId, Profile};

const TOPOLOGY: u64 = 1;
const END: i64 = 1_000_000;

fn task(partition: i32) -> TaskId {
    TaskId::new(0, partition)
}

fn stateful(sub_topology: u32, partitions: i32) -> Vec<TaskSpec> {
    let spec = |p| TaskSpec { id: TaskId::new(sub_topology, p), stateful: true, end_offset_sum: END };
    (0..partitions).map(spec).collect()
}

fn stateless(sub_topology: u32, partitions: i32) -> Vec<TaskSpec> {
    let spec = |p| TaskSpec { id: TaskId::new(sub_topology, p), stateful: false, end_offset_sum: 0 };
    (0..partitions).map(spec).collect()
}

/// A group whose members do at once what they are told.
struct Town {
    members: Vec<GroupMember>,
    tasks: Vec<TaskSpec>,
    config: AssignorConfig,
    /// Whether copies catch up within a round.
    copies_catch_up: bool,
    generation: i32,
}

impl Town {
    fn new(tasks: Vec<TaskSpec>) -> Self {
        Self { members: Vec::new(), tasks, config: AssignorConfig::default(), copies_catch_up: true, generation: 0 }
    }

    fn with_standbys(mut self, replicas: usize) -> Self {
        self.config.num_standby_replicas = replicas;
        self
    }

    /// Adds thread `thread` of process `process`, named `p-t`.
    fn join(&mut self, process: u8, thread: u8) {
        let profile = Profile {
            process_id: ProcessId([process; 16]),
            endpoint: Some(format!("host-{process}:80")),
            transactional_id: format!("app-{process}-{thread}"),
            version: "1".into(),
            topology: TOPOLOGY,
        };
        let on_disk = self.members.iter().find(|m| m.subscription.profile.process_id == profile.process_id);
        let offset_sums = on_disk.map(|m| m.subscription.offset_sums.clone()).unwrap_or_default();
        let subscription = Subscription { profile, offset_sums, ..Subscription::default() };
        self.members.push(GroupMember { member_id: format!("{process}-{thread}"), subscription });
    }

    fn crash(&mut self, member_id: &str) {
        self.members.retain(|member| member.member_id != member_id);
    }

    fn member(&mut self, member_id: &str) -> &mut Subscription {
        &mut self.members.iter_mut().find(|member| member.member_id == member_id).unwrap().subscription
    }

    fn plan(&self) -> Plan {
        let round = Round { generation: self.generation + 1, topology: TOPOLOGY };
        let plan = assign(&self.members, &self.tasks, &self.config, round);
        self.check(&plan);
        plan
    }

    /// What must hold in every round.
    fn check(&self, plan: &Plan) {
        let mut seen = BTreeSet::new();
        for member in &self.members {
            let given = &plan.assignments[&member.member_id];
            for task in &given.active {
                assert!(seen.insert(*task), "{task} is given twice");
                let others = self.members.iter().filter(|other| other.member_id != member.member_id);
                for other in others {
                    assert!(!other.subscription.owned.contains_key(task), "{task} is still with {}", other.member_id);
                    let copies = &plan.assignments[&other.member_id];
                    let copied = copies.standbys.contains(task) || copies.warmups.contains(task);
                    let same = other.subscription.profile.process_id == member.subscription.profile.process_id;
                    assert!(!(copied && same), "{task} is active and copied in one process");
                }
            }
        }
        assert!(seen.is_disjoint(&plan.withheld));
    }

    /// One round; everybody lets go of what is gone and opens what is new.
    fn round(&mut self) -> Plan {
        let plan = self.plan();
        self.generation += 1;
        let mut disks: BTreeMap<ProcessId, BTreeMap<TaskId, i64>> = BTreeMap::new();
        let stateful: BTreeSet<TaskId> = self.tasks.iter().filter(|task| task.stateful).map(|task| task.id).collect();
        for member in &mut self.members {
            let given = &plan.assignments[&member.member_id];
            let disk = disks.entry(member.subscription.profile.process_id).or_default();
            for (task, sum) in &member.subscription.offset_sums {
                disk.entry(*task).or_insert(if *sum == CAUGHT_UP { END } else { *sum });
            }
            let copies: BTreeSet<TaskId> = given.standbys.union(&given.warmups).copied().collect();
            for task in &copies {
                let sum = disk.entry(*task).or_insert(0);
                *sum = if self.copies_catch_up { END } else { *sum };
            }
            disk.extend(given.active.intersection(&stateful).map(|task| (*task, CAUGHT_UP)));
            member.subscription.owned = given.active.iter().map(|task| (*task, true)).collect();
            member.subscription.standbys = copies;
            member.subscription.owners = given.owners.clone();
        }
        for member in &mut self.members {
            member.subscription.offset_sums = disks[&member.subscription.profile.process_id].clone();
        }
        plan
    }

    /// Rounds until nothing is withheld or waited for; then another round must change nothing.
    fn settle(&mut self) -> Plan {
        for _ in 0..200 {
            let plan = self.round();
            if plan.withheld.is_empty() && !plan.probe {
                let again = self.round();
                assert_eq!(places(&again), places(&plan), "a settled group moves");
                return plan;
            }
        }
        panic!("the group does not settle");
    }

    /// Task → member that owns it.
    fn owners(&self) -> BTreeMap<TaskId, String> {
        let owned = |member: &GroupMember| -> Vec<(TaskId, String)> {
            member.subscription.owned.keys().map(|task| (*task, member.member_id.clone())).collect()
        };
        self.members.iter().flat_map(owned).collect()
    }
}

type Places = Vec<(BTreeSet<TaskId>, BTreeSet<TaskId>)>;

fn places(plan: &Plan) -> Places {
    plan.assignments.values().map(|given| (given.active.clone(), given.standbys.clone())).collect()
}

/// Tasks whose owner differs between two times, among those owned at both.
fn moved(before: &BTreeMap<TaskId, String>, after: &BTreeMap<TaskId, String>) -> BTreeSet<TaskId> {
    let differs = |task: &&TaskId| before.get(*task).is_some_and(|owner| Some(owner) != after.get(*task));
    before.keys().filter(differs).copied().collect()
}
