//! An instance of an application: a process whose threads come and go, and what outlives it.

use super::World;
use super::disks::InstanceDisks;
use super::judge;
use crate::client::SimulatedBroker;
use crate::cluster::Cluster;
use comanda_state_stores::backend::SimulatedDiskBackend;
use comanda_streams::membership::ProcessId;
use comanda_streams::{Now, Pulse, SimulatedInstance, Simulation, StreamThread, StreamsError, TaskId};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// The wall clock when a run begins.
pub(super) const EPOCH_MS: i64 = 1_700_000_000_000;
/// The longest that an instance is away after it has stopped or died.
const LONGEST_AWAY_MS: i64 = 8_000;

/// What outlives the process.
pub(super) struct Instance {
    pub number: usize,
    /// Which deployment it is of.
    pub deployment: usize,
    threads: usize,
    disks: Arc<InstanceDisks>,
    pub life: RefCell<Life>,
}

/// One life after the other.
#[derive(Default)]
pub(super) struct Life {
    /// None while the instance is away.
    pub process: Option<Process>,
    pub workers: Vec<Worker>,
    pub away_until_ms: i64,
    pub frozen_until_ms: i64,
    /// By how much its wall clock is ahead; survives it.
    pub clock_ahead_ms: i64,
    offset_sums: BTreeMap<TaskId, i64>,
}

/// A running process.
#[derive(Clone)]
pub(super) struct Process {
    pub link: SimulatedBroker,
    pub instance: SimulatedInstance,
    pub stopping: bool,
}

/// One of its stream threads.
#[derive(Default)]
pub(super) struct Worker {
    pub thread: Option<StreamThread>,
    /// Beats on while a step is held up, unless the whole process is frozen.
    pulse: Option<Pulse>,
    /// In a step, which may be held up in a call while the world goes on.
    busy: bool,
    ended: bool,
}

impl Instance {
    pub fn new(number: usize, deployment: usize, threads: usize) -> Self {
        Self { number, deployment, threads, disks: Arc::default(), life: RefCell::default() }
    }

    pub fn slots(&self) -> Range<usize> {
        0..self.threads
    }

    /// Tells all threads to stop in good order; those that are busy when they come back.
    pub fn stop(&self) {
        let mut life = self.life.borrow_mut();
        if let Some(process) = &mut life.process {
            process.stopping = true;
        }
    }
}

impl World {
    /// One step of a thread, or its start.
    pub(super) fn step(&self, instance: &Instance, slot: usize) {
        let now_ms = self.cluster().now_ms;
        let Some(process) = self.process_of(instance, now_ms) else { return };
        let (thread, wall_clock_ms) = {
            let mut life = instance.life.borrow_mut();
            let wall_clock_ms = EPOCH_MS + now_ms + life.clock_ahead_ms;
            let worker = &mut life.workers[slot];
            if worker.busy {
                return worker.pulse.iter().for_each(|pulse| pulse.beat(now_ms));
            }
            if worker.ended {
                return;
            }
            worker.busy = true;
            (worker.thread.take(), wall_clock_ms)
        };
        let outcome = match thread {
            None if process.stopping => Ok(None),
            None => process.instance.thread(slot).map(Some),
            Some(mut thread) => {
                if process.stopping {
                    thread.stop();
                }
                let now = Now { steady_ms: now_ms, wall_clock_ms };
                thread.step(now).map(|()| (!thread.is_stopped()).then_some(thread))
            }
        };
        self.stepped(instance, slot, &process, outcome);
    }

    /// The process, begun if it is time to; none if it is away, frozen or dead.
    fn process_of(&self, instance: &Instance, now_ms: i64) -> Option<Process> {
        let mut life = instance.life.borrow_mut();
        if now_ms < life.frozen_until_ms || now_ms < life.away_until_ms {
            return None;
        }
        if life.process.is_none() {
            life.workers = instance.slots().map(|_| Worker::default()).collect();
            life.process = Some(self.start(instance, life.offset_sums.clone()));
        }
        life.process.clone().filter(|process| !process.link.is_dead())
    }

    fn start(&self, instance: &Instance, offset_sums: BTreeMap<TaskId, i64>) -> Process {
        let disks = instance.disks.clone();
        let on_death = move |cluster: &mut Cluster| disks.crash(&mut cluster.dice);
        let link = SimulatedBroker::new(self.cluster.clone(), instance.number, on_death);
        tracing::info!(instance = instance.number, now_ms = self.cluster().now_ms, "starts");
        let deployment = &self.deployments[instance.deployment];
        let simulation = Simulation {
            topology: deployment.topology.clone(),
            config: deployment.config.clone(),
            broker: Arc::new(link.clone()),
            process_id: ProcessId([instance.number as u8; 16]),
            offset_sums,
            disks: instance.disks.clone(),
            async_clients: deployment.async_clients(),
        };
        Process { link, instance: SimulatedInstance::new(simulation), stopping: false }
    }

    /// A thread goes on, has stopped in good order, has died in a call, or ended with an error (its process goes with
    /// it). One that cannot connect yet tries again.
    fn stepped(
        &self,
        instance: &Instance,
        slot: usize,
        process: &Process,
        outcome: Result<Option<StreamThread>, StreamsError>,
    ) {
        let lives = !process.link.is_dead();
        let had_begun = instance.life.borrow().workers[slot].pulse.is_some();
        let (mut kept, mut ended) = (None, false);
        match outcome {
            Ok(Some(thread)) if lives => kept = Some(thread),
            Ok(Some(thread)) => drop(thread),
            Ok(None) => ended = true,
            Err(StreamsError::Retry(_)) if !had_begun => {}
            Err(error) if lives => {
                self.thread_ended(instance.number, slot, &error);
                process.link.die();
            }
            Err(_) => {}
        }
        let is_over = {
            let mut life = instance.life.borrow_mut();
            let worker = &mut life.workers[slot];
            if let Some(thread) = &kept {
                worker.pulse.get_or_insert_with(|| thread.pulse());
            }
            (worker.thread, worker.busy, worker.ended) = (kept, false, ended);
            let all_ended = life.workers.iter().all(|worker| worker.ended);
            (all_ended || process.link.is_dead()) && life.workers.iter().all(|worker| !worker.busy)
        };
        if is_over {
            self.end_life(instance);
        }
    }

    /// The process is gone: its disks are looked at, and it stays away for a while.
    fn end_life(&self, instance: &Instance) {
        let life = instance.life.take();
        if let Some(process) = &life.process {
            process.link.die();
        }
        let clock_ahead_ms = life.clock_ahead_ms;
        drop(life);
        let offset_sums = self.check_disks(instance);
        let away_until_ms = {
            let mut cluster = self.cluster();
            cluster.now_ms + if self.calm.get() { 0 } else { cluster.dice.ms(LONGEST_AWAY_MS) }
        };
        instance.life.replace(Life { away_until_ms, clock_ahead_ms, offset_sums, ..Life::default() });
    }

    fn check_disks(&self, instance: &Instance) -> BTreeMap<TaskId, i64> {
        let deployment = &self.deployments[instance.deployment];
        let mut sums = BTreeMap::new();
        for (task, disk) in instance.disks.all() {
            let backend = Box::new(SimulatedDiskBackend::open(&disk));
            match judge::check_disk(&self.cluster(), deployment, task, backend) {
                Ok(sum) => drop(sums.insert(task, sum)),
                Err(problem) => self.problem(format!("instance {}: {problem}", instance.number)),
            }
        }
        sums
    }

    /// Kills an instance; those of its threads that are within a call come back to nothing.
    pub(super) fn kill(&self, instance: &Instance) {
        let process = instance.life.borrow().process.clone();
        let Some(process) = process else { return };
        process.link.die();
        let idle = instance.life.borrow().workers.iter().all(|worker| !worker.busy);
        if idle {
            self.end_life(instance);
        }
    }
}
