//! An instance of the application: a thread that comes and goes, and what outlives it.

use super::World;
use super::disks::InstanceDisks;
use super::judge;
use crate::client::SimulatedBroker;
use crate::cluster::Cluster;
use comanda_state_stores::backend::SimulatedDiskBackend;
use comanda_streams::membership::ProcessId;
use comanda_streams::{Now, Pulse, Simulation, StreamThread, StreamsError, TaskId};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The wall clock when a run begins.
pub(super) const EPOCH_MS: i64 = 1_700_000_000_000;
/// The longest that an instance is away after it has stopped or died.
const LONGEST_AWAY_MS: i64 = 8_000;

/// What outlives the thread.
pub(super) struct Instance {
    number: usize,
    disks: Arc<InstanceDisks>,
    pub(super) life: RefCell<Life>,
}

/// One life after the other.
#[derive(Default)]
pub(super) struct Life {
    pub thread: Option<StreamThread>,
    pub link: Option<SimulatedBroker>,
    /// Beats on while a step is held up, unless the whole process is frozen.
    pulse: Option<Pulse>,
    /// In a step, which may be held up in a call while the world goes on.
    pub busy: bool,
    pub away_until_ms: i64,
    pub frozen_until_ms: i64,
    offset_sums: BTreeMap<TaskId, i64>,
}

impl Instance {
    pub fn new(number: usize) -> Self {
        Self { number, disks: Arc::default(), life: RefCell::default() }
    }
}

impl World {
    /// One step of an instance, or its start.
    pub(super) fn step(&self, instance: &Instance) {
        let now_ms = self.cluster().now_ms;
        let (thread, link) = {
            let mut life = instance.life.borrow_mut();
            if now_ms < life.frozen_until_ms || now_ms < life.away_until_ms {
                return;
            }
            if life.busy {
                return life.pulse.iter().for_each(|pulse| pulse.beat(now_ms));
            }
            life.busy = true;
            (life.thread.take(), life.link.clone())
        };
        let outcome = match thread {
            None => self.start(instance),
            Some(mut thread) => {
                let now = Now { steady_ms: now_ms, wall_clock_ms: EPOCH_MS + now_ms };
                thread.step(now).map(|()| thread)
            }
        };
        let link = link.or_else(|| instance.life.borrow().link.clone());
        let lives = link.as_ref().is_some_and(|link| !link.is_dead());
        match outcome {
            Ok(thread) if lives && !thread.is_stopped() => {
                let mut life = instance.life.borrow_mut();
                life.pulse.get_or_insert_with(|| thread.pulse());
                (life.thread, life.busy) = (Some(thread), false);
            }
            outcome => self.end_life(instance, link, outcome.map(drop)),
        }
    }

    fn start(&self, instance: &Instance) -> Result<StreamThread, StreamsError> {
        let disks = instance.disks.clone();
        let on_death = move |cluster: &mut Cluster| disks.crash(&mut cluster.dice);
        let link = SimulatedBroker::new(self.cluster.clone(), instance.number, on_death);
        instance.life.borrow_mut().link = Some(link.clone());
        tracing::info!(instance = instance.number, now_ms = self.cluster().now_ms, "starts");
        let offset_sums = instance.life.borrow().offset_sums.clone();
        StreamThread::for_simulation(Simulation {
            topology: self.application.topology.clone(),
            config: self.config.clone(),
            broker: Arc::new(link),
            process_id: ProcessId([instance.number as u8; 16]),
            offset_sums,
            disks: instance.disks.clone(),
        })
    }

    /// A thread that stopped in good order, died in a call, or ended with an error (its process goes with it). One that
    /// cannot connect yet tries again.
    fn end_life(&self, instance: &Instance, link: Option<SimulatedBroker>, outcome: Result<(), StreamsError>) {
        let had_begun = instance.life.borrow().pulse.is_some();
        if let Some(link) = link {
            match &outcome {
                Err(StreamsError::Retry(_)) if !had_begun => {}
                Err(error) if !link.is_dead() => self.thread_ended(instance.number, error),
                _ => {}
            }
            link.die();
        }
        let sums = self.check_disks(instance);
        let away_until_ms = {
            let mut cluster = self.cluster();
            cluster.now_ms + if self.calm.get() { 0 } else { cluster.dice.ms(LONGEST_AWAY_MS) }
        };
        let next = Life { away_until_ms, offset_sums: sums, ..Life::default() };
        drop(instance.life.replace(next));
    }

    fn check_disks(&self, instance: &Instance) -> BTreeMap<TaskId, i64> {
        let mut sums = BTreeMap::new();
        for (task, disk) in instance.disks.all() {
            let backend = Box::new(SimulatedDiskBackend::open(&disk));
            let found = judge::check_disk(&self.cluster(), &self.application.topology, &self.config, task, backend);
            match found {
                Ok(sum) => drop(sums.insert(task, sum)),
                Err(problem) => self.problem(format!("instance {}: {problem}", instance.number)),
            }
        }
        sums
    }

    /// Kills an instance that may be within a call.
    pub(super) fn kill(&self, instance: &Instance) {
        let link = instance.life.borrow().link.clone();
        let Some(link) = link else { return };
        link.die();
        let idle = !instance.life.borrow().busy;
        if idle {
            drop(instance.life.borrow_mut().thread.take());
            self.end_life(instance, Some(link), Ok(()));
        }
    }
}
