//! Whole groups of members under faults: crashes, stalls, lost messages, broken connections, a moving coordinator.
//!
//! What is checked all the time: no task is open at two members of the group at once, and every accepted commit begins
//! where the one before it ended. At the end, when the faults stop: every task runs once, evenly, and the group rests.

mod coordinator;
mod faults;
mod leader;
mod network;
mod producers;
mod thread;

use super::dice::Dice;
use super::{AssignorConfig, State, TaskSpec};
use crate::task_id::TaskId;
use coordinator::Coordinator;
use network::Message;
use producers::Producers;
use std::collections::{BTreeMap, BTreeSet};
use thread::{END, Surroundings, Thread};

const SEEDS: u64 = 300;
const TICK_MS: i64 = 50;
const FAULTS_MS: i64 = 90_000;
const CALM_MS: i64 = 120_000;
const PROCESSES: u8 = 3;
const SLOTS: u8 = 2;

struct Slot {
    thread: Option<Thread>,
    stalled_until_ms: i64,
    /// Number of the request under way that is no heartbeat; answers to others are lost with their connection.
    request: u64,
}

struct World {
    now_ms: i64,
    dice: Dice,
    coordinator: Coordinator,
    coordinator_away_until_ms: i64,
    producers: Producers,
    disks: Vec<BTreeMap<TaskId, i64>>,
    slots: Vec<Slot>,
    /// The first so many processes have static members.
    static_processes: u8,
    /// (arrival, order of sending) → slot, request number, message.
    network: BTreeMap<(i64, u64), (usize, u64, Message)>,
    sent: u64,
    tasks: Vec<TaskSpec>,
    config: AssignorConfig,
    faults: bool,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let mut tasks = Vec::new();
        for (sub_topology, stateful) in [(0, true), (1, false)] {
            let end_offset_sum = if stateful { END } else { 0 };
            let spec = |p| TaskSpec { id: TaskId::new(sub_topology, p), stateful, end_offset_sum };
            tasks.extend((0..1 + dice.below(8) as i32).map(spec));
        }
        let config = AssignorConfig { num_standby_replicas: dice.below(2) as usize, ..AssignorConfig::default() };
        let slot = || Slot { thread: None, stalled_until_ms: 0, request: 0 };
        Self {
            now_ms: 0,
            dice,
            coordinator: Coordinator::new(),
            coordinator_away_until_ms: 0,
            producers: Producers::default(),
            disks: vec![BTreeMap::new(); PROCESSES.into()],
            slots: (0..PROCESSES * SLOTS).map(|_| slot()).collect(),
            static_processes: (seed % u64::from(PROCESSES + 1)) as u8,
            network: BTreeMap::new(),
            sent: 0,
            tasks,
            config,
            faults: true,
        }
    }

    fn run(&mut self, until_ms: i64) {
        while self.now_ms < until_ms {
            self.now_ms += TICK_MS;
            if self.faults {
                self.disturb();
            }
            self.deliver();
            let replies = self.coordinator.tick(self.now_ms);
            self.answer(replies);
            (0..self.slots.len()).for_each(|slot| self.step(slot));
            self.check_single_owners();
        }
    }

    fn with_thread(&mut self, slot: usize, act: impl FnOnce(&mut Option<Thread>, i64, &mut Surroundings<'_>)) {
        let mut around = Surroundings {
            coordinator: &mut self.coordinator,
            producers: &mut self.producers,
            disk: &mut self.disks[slot / usize::from(SLOTS)],
            tasks: &self.tasks,
            config: self.config,
            dice: &mut self.dice,
        };
        act(&mut self.slots[slot].thread, self.now_ms, &mut around);
    }

    fn step(&mut self, slot: usize) {
        if self.now_ms < self.slots[slot].stalled_until_ms {
            return;
        }
        self.with_thread(slot, |thread, now_ms, around| {
            if let Some(thread) = thread {
                thread.step(now_ms, around);
            }
        });
        self.post(slot);
    }

    fn threads(&self) -> impl Iterator<Item = &Thread> {
        self.slots.iter().filter_map(|slot| slot.thread.as_ref())
    }

    /// A thread that the coordinator does not know any more may still have tasks open: it cannot commit them.
    fn check_single_owners(&self) {
        let mut open = BTreeMap::new();
        for thread in self.threads() {
            let identity = thread.member.identity().filter(|identity| self.coordinator.has_member(&identity.member_id));
            for task in thread.open.keys().filter(|_| identity.is_some()) {
                let other = open.insert(*task, &thread.transactional_id);
                assert_eq!(other, None, "{task} is also at {} at {} ms", thread.transactional_id, self.now_ms);
            }
        }
    }

    fn calm_down(&mut self) {
        self.faults = false;
        self.coordinator_away_until_ms = 0;
        self.slots.iter_mut().for_each(|slot| slot.stalled_until_ms = 0);
        self.start(0);
    }

    fn check_settled(&mut self) {
        let generation = self.coordinator.generation;
        let before = self.coordinator.committed.clone();
        self.run(self.now_ms + 10_000);
        assert_eq!(self.coordinator.generation, generation, "the group does not come to rest");
        assert!(self.coordinator.is_stable() && self.threads().all(|thread| thread.member.state() == State::Stable));
        let all: BTreeSet<TaskId> = self.tasks.iter().map(|task| task.id).collect();
        let running: Vec<TaskId> = self.threads().flat_map(|thread| thread.open.keys().copied()).collect();
        assert_eq!(running.len(), all.len());
        assert_eq!(running.into_iter().collect::<BTreeSet<_>>(), all);
        for task in all {
            assert!(self.coordinator.committed.get(&task) > before.get(&task), "{task} stands still");
        }
        let counts: Vec<usize> = self.threads().map(|thread| thread.open.len()).collect();
        assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1, "{counts:?}");
    }
}

#[test]
fn no_task_is_ever_with_two_members_and_no_commit_overlaps_whatever_happens() {
    let (mut fenced, mut returns) = (0, 0);
    for seed in 0..SEEDS {
        let run = std::panic::catch_unwind(|| {
            let mut world = World::new(seed);
            world.run(FAULTS_MS);
            world.calm_down();
            world.run(FAULTS_MS + CALM_MS);
            world.check_settled();
            (world.producers.fenced, world.coordinator.returns)
        });
        let (seen_fenced, seen_returns) = run.unwrap_or_else(|_| panic!("seed {seed} fails"));
        fenced += seen_fenced;
        returns += seen_returns;
    }
    assert!(returns > 100, "static members come back without a rebalance: {returns}");
    assert!(fenced > 100, "dead owners are met: {fenced}");
}
