//! A stream thread that has a real member and nothing else real: its tasks are counters, its transactions are sums.

use super::coordinator::Coordinator;
use super::leader::plan;
use super::producers::Producers;
use crate::broker::{GroupRequest, GroupResponse};
use crate::membership::dice::Dice;
use crate::membership::*;
use crate::task_id::TaskId;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub const TOPOLOGY: u64 = 1;
/// Records in each task's change log.
pub const END: i64 = 1_000_000;
/// How long a copy takes to catch up.
const WARM_UP_MS: i64 = 2_000;
/// The longest that the thread puts any of its duties off.
const LATEST_MS: u64 = 1_500;

/// What threads share: the cluster and the plan's inputs.
pub struct Surroundings<'a> {
    pub coordinator: &'a mut Coordinator,
    pub producers: &'a mut Producers,
    pub disk: &'a mut BTreeMap<TaskId, i64>,
    pub tasks: &'a [TaskSpec],
    pub config: AssignorConfig,
    pub dice: &'a mut Dice,
}

/// Something to do at a time: chance puts it off.
#[derive(Debug)]
enum Duty {
    Rejoin,
    Lead { generation: i32, members: Vec<(String, Subscription)> },
    LetGo,
    Close,
}

/// From where to where a task was processed since its last commit.
pub struct Open {
    from: i64,
    to: i64,
}

pub struct Thread {
    pub member: Member,
    pub transactional_id: String,
    epoch: u64,
    pub open: BTreeMap<TaskId, Open>,
    /// Not wanted any more, still open.
    leaving: BTreeSet<TaskId>,
    copies: BTreeMap<TaskId, i64>,
    duties: Vec<(i64, Duty)>,
    pub requests: Vec<GroupRequest>,
    pub inbox: VecDeque<GroupResponse>,
}

impl Thread {
    pub fn start(process: u8, slot: u8, is_static: bool, around: &mut Surroundings<'_>) -> Self {
        let transactional_id = format!("app-{process}-{slot}");
        let profile = Profile {
            process_id: ProcessId([process; 16]),
            transactional_id: transactional_id.clone(),
            topology: TOPOLOGY,
            ..Profile::default()
        };
        let config = MemberConfig {
            group_id: "app".into(),
            session_timeout_ms: 6_000,
            heartbeat_interval_ms: 2_000,
            rebalance_timeout_ms: 10_000,
            probing_interval_ms: 5_000,
            instance_id: is_static.then(|| format!("pod-{process}-{slot}")),
            topics: vec![],
            profile,
        };
        let local = LocalState { standbys: BTreeSet::new(), offset_sums: around.disk.clone() };
        Self {
            member: Member::new(config, local),
            epoch: around.producers.init(&transactional_id),
            transactional_id,
            open: BTreeMap::new(),
            leaving: BTreeSet::new(),
            copies: BTreeMap::new(),
            duties: Vec::new(),
            requests: Vec::new(),
            inbox: VecDeque::new(),
        }
    }

    /// One turn of the loop.
    pub fn step(&mut self, now_ms: i64, around: &mut Surroundings<'_>) {
        while let Some(response) = self.inbox.pop_front() {
            let actions = self.member.on_response(now_ms, response);
            self.carry_out(now_ms, actions, around);
        }
        self.look_at_the_disk(now_ms, around);
        let actions = self.member.poll(now_ms);
        self.carry_out(now_ms, actions, around);
        self.do_duties(now_ms, around);
        for (task, open) in &mut self.open {
            open.to += around.dice.below(10) as i64;
            around.producers.write(&self.transactional_id, self.epoch, *task);
        }
        if around.dice.once_in(4) {
            self.commit(now_ms, around);
        }
    }

    /// A stop in good order.
    pub fn leave(&mut self, now_ms: i64, around: &mut Surroundings<'_>) {
        self.commit(now_ms, around);
        around.producers.abort(&self.transactional_id, self.epoch);
        self.open.clear();
        self.duties.clear();
        let actions = self.member.leave(now_ms);
        self.carry_out(now_ms, actions, around);
    }

    fn carry_out(&mut self, now_ms: i64, actions: Vec<Action>, around: &mut Surroundings<'_>) {
        for action in actions {
            match action {
                Action::Send(request) => self.requests.push(request),
                Action::PrepareRejoin => self.put_off(now_ms, Duty::Rejoin, around),
                Action::RunLeader { generation, members } => {
                    self.put_off(now_ms, Duty::Lead { generation, members }, around);
                }
                Action::Assigned { assignment, .. } => self.take_up(now_ms, &assignment, around),
                Action::Lost { .. } => {
                    self.duties.clear();
                    self.put_off(now_ms, Duty::Close, around);
                }
                Action::Left => {}
                Action::Committed(_) => {
                    unreachable!("the simulated threads commit in transactions")
                }
            }
        }
    }

    fn put_off(&mut self, now_ms: i64, duty: Duty, around: &mut Surroundings<'_>) {
        let by_ms = if around.dice.once_in(2) { 0 } else { around.dice.below(LATEST_MS) as i64 };
        self.duties.push((now_ms + by_ms, duty));
    }

    fn do_duties(&mut self, now_ms: i64, around: &mut Surroundings<'_>) {
        while let Some(next) = self.duties.iter().position(|(at_ms, _)| *at_ms <= now_ms) {
            let actions = match self.duties.remove(next).1 {
                Duty::Rejoin => {
                    self.commit(now_ms, around);
                    self.member.ready_to_join(now_ms)
                }
                Duty::Lead { generation, members } => {
                    let plan = plan(generation, members, around);
                    self.member.leader_assignment(now_ms, generation, Ok(plan))
                }
                Duty::LetGo => self.let_go(now_ms, around),
                Duty::Close => {
                    around.producers.abort(&self.transactional_id, self.epoch);
                    self.open.clear();
                    self.leaving.clear();
                    self.member.closed(now_ms)
                }
            };
            self.carry_out(now_ms, actions, around);
        }
    }

    fn take_up(&mut self, now_ms: i64, assignment: &Assignment, around: &mut Surroundings<'_>) {
        assert_eq!(assignment.error, None);
        let actions = self.member.applied();
        for task in &assignment.active {
            if !self.open.contains_key(task) {
                let fenced = assignment.fence.get(task).into_iter().flatten();
                fenced.for_each(|id| {
                    around.producers.init(id);
                });
                around.producers.time_out(*task, &self.transactional_id);
                let from = around.coordinator.committed.get(task).copied().unwrap_or(0);
                self.open.insert(*task, Open { from, to: from });
            }
            self.member.opened(*task);
        }
        self.leaving = self.open.keys().filter(|task| !assignment.active.contains(task)).copied().collect();
        let copies = assignment.standbys.union(&assignment.warmups);
        self.copies = copies.map(|task| (*task, self.copies.get(task).copied().unwrap_or(now_ms))).collect();
        self.look_at_the_disk(now_ms, around);
        self.carry_out(now_ms, actions, around);
        if !self.leaving.is_empty() {
            self.put_off(now_ms, Duty::LetGo, around);
        }
    }

    /// Only when the last commit went through is a task let go of; otherwise a later turn tries again.
    fn let_go(&mut self, now_ms: i64, around: &mut Surroundings<'_>) -> Vec<Action> {
        if self.leaving.is_empty() {
            return Vec::new();
        }
        if !self.commit(now_ms, around) {
            self.put_off(now_ms + 50, Duty::LetGo, around);
            return Vec::new();
        }
        let leaving: Vec<TaskId> = std::mem::take(&mut self.leaving).into_iter().collect();
        self.open.retain(|task, _| !leaving.contains(task));
        self.member.revoked(&leaving)
    }

    /// Whether a commit was made.
    fn commit(&mut self, now_ms: i64, around: &mut Surroundings<'_>) -> bool {
        if !self.member.may_commit() {
            return false;
        }
        let identity = self.member.identity().unwrap();
        if !around.producers.is_current(&self.transactional_id, self.epoch) {
            self.epoch = around.producers.init(&self.transactional_id);
            self.rewind(around);
            return false;
        }
        let offsets: Vec<(TaskId, i64, i64)> =
            self.open.iter().map(|(task, open)| (*task, open.from, open.to)).collect();
        match around.coordinator.commit(&identity, &offsets) {
            Ok(()) => {
                around.producers.abort(&self.transactional_id, self.epoch); // nothing is open any more
                self.open.values_mut().for_each(|open| open.from = open.to);
                true
            }
            Err(code) => {
                let actions = self.member.fenced(now_ms, Some(code));
                self.carry_out(now_ms, actions, around);
                false
            }
        }
    }

    fn rewind(&mut self, around: &Surroundings<'_>) {
        for (task, open) in &mut self.open {
            let from = around.coordinator.committed.get(task).copied().unwrap_or(0);
            *open = Open { from, to: from };
        }
    }

    fn look_at_the_disk(&mut self, now_ms: i64, around: &mut Surroundings<'_>) {
        for (task, since_ms) in &self.copies {
            let sum = if now_ms - since_ms >= WARM_UP_MS { END } else { 0 };
            around.disk.entry(*task).and_modify(|known| *known = sum.max(*known)).or_insert(sum);
        }
        around.disk.extend(self.open.keys().map(|task| (*task, END)));
        let standbys = self.copies.keys().copied().collect();
        self.member.set_local(LocalState { standbys, offset_sums: around.disk.clone() });
    }
}
