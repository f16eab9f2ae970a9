//! The production thread under a simulator: its states on the simulator's disks, its tasks opened within the step, no
//! waiting.

use super::opener::{OpenJob, Opened, Opener};
use super::query::QueryRegistry;
use super::seat::Seat;
use super::shared::Shared;
use super::state_dir::StateDirectory;
use super::thread::{StreamThread, TaskOpener};
use crate::broker::Broker;
use crate::config::StreamsConfig;
use crate::error::StreamsError;
use crate::membership::ProcessId;
use crate::task_id::TaskId;
use crate::topology::Topology;
use comanda_state_stores::backend::{Backend, SharedResources};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Where tasks keep their state instead of in RocksDB.
pub trait TaskDisks: Send + Sync {
    /// The disk of a task, as its last life left it.
    fn open(&self, task: TaskId) -> Box<dyn Backend>;

    /// Deletes what is on it.
    fn destroy(&self, task: TaskId);
}

/// What a simulated instance is made of: all that is random in a real one comes from here.
pub struct Simulation {
    /// The application.
    pub topology: Topology,
    /// Its settings; `state_dir` is not used.
    pub config: StreamsConfig,
    /// The simulated cluster.
    pub broker: Arc<dyn Broker>,
    /// The identity of its state directory, kept over restarts.
    pub process_id: ProcessId,
    /// What earlier lives left of each task, in records of its change logs.
    pub offset_sums: BTreeMap<TaskId, i64>,
    /// The disks.
    pub disks: Arc<dyn TaskDisks>,
}

impl StreamThread {
    /// An instance of one thread that never waits: whoever steps it owns the time. Its states can be queried.
    ///
    /// # Errors
    /// As the broker's, when it connects.
    pub fn for_simulation(simulation: Simulation) -> Result<Self, StreamsError> {
        let Simulation { topology, config, broker, process_id, offset_sums, disks } = simulation;
        let queries = Arc::new(QueryRegistry::default());
        queries.enable();
        let shared = Arc::new(Shared {
            config,
            topology,
            broker,
            directory: StateDirectory::in_memory(process_id, offset_sums),
            resources: SharedResources::default(),
            disks: Some(disks),
            queries,
            restore_listener: Mutex::new(None),
            assignment: Mutex::new(None),
        });
        let opener = InlineOpener { opener: Opener::new(shared.clone())?, rests: false };
        let mut thread = Self::new(shared, 0, Box::new(opener))?;
        thread.rest = |_| {};
        Ok(thread)
    }

    /// The committed states of its tasks.
    pub fn queries(&self) -> &QueryRegistry {
        &self.shared.queries
    }

    /// What keeps its session alive while a step takes long.
    pub fn pulse(&self) -> Pulse {
        Pulse(self.seat.clone())
    }
}

/// A thread's heartbeats, from outside of its steps.
pub struct Pulse(Arc<Seat>);

impl Pulse {
    /// Takes in the coordinator's answers and sends what is due.
    pub fn beat(&self, steady_ms: i64) {
        self.0.pulse(steady_ms);
    }
}

/// Opens tasks a piece a step.
struct InlineOpener {
    opener: Opener,
    /// A task was just opened: what comes next waits for the next step, or failures would be tried again for ever.
    rests: bool,
}

impl TaskOpener for InlineOpener {
    fn submit(&mut self, job: OpenJob) {
        self.opener.submit(job);
    }

    fn cancel(&mut self, task: TaskId) {
        self.opener.cancel(task);
    }

    fn poll(&mut self) -> Result<Option<Opened>, StreamsError> {
        if std::mem::take(&mut self.rests) || self.opener.is_idle() {
            return Ok(None);
        }
        let opened = self.opener.step(Duration::ZERO);
        self.rests = opened.is_some();
        Ok(opened)
    }
}
