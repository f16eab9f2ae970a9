//! The production thread under a simulator: its states on the simulator's disks, its tasks opened within the step, no
//! waiting.

use super::opener::{OpenJob, Opened, Opener};
use super::query::QueryRegistry;
use super::restore_rate::RestoreRate;
use super::seat::Seat;
use super::shared::Shared;
use super::state_dir::StateDirectory;
use super::thread::{StreamThread, TaskOpener};
use crate::async_calls::AsyncClients;
use crate::broker::Broker;
use crate::config::StreamsConfig;
use crate::error::StreamsError;
use crate::membership::ProcessId;
use crate::task_id::TaskId;
use crate::topology::Topology;
use comanda_state_stores::backend::{Backend, SharedResources};
use comanda_state_stores::{StoreError, Views};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Where tasks keep their state instead of in RocksDB.
pub trait TaskDisks: Send + Sync {
    /// The disk of a task, as its last life left it.
    ///
    /// # Errors
    /// [`StoreError::Locked`] while another thread of the process has it open.
    fn open(&self, task: TaskId) -> Result<Box<dyn Backend>, StoreError>;

    /// Deletes what is on it.
    ///
    /// # Errors
    /// As of `open`.
    fn destroy(&self, task: TaskId) -> Result<(), StoreError>;
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
    /// Who makes its asynchronous calls.
    pub async_clients: AsyncClients,
}

/// A simulated instance: what its threads share.
#[derive(Clone)]
pub struct SimulatedInstance(Arc<Shared>);

impl SimulatedInstance {
    /// An instance without threads. Its states can be queried.
    pub fn new(simulation: Simulation) -> Self {
        let Simulation { topology, config, broker, process_id, offset_sums, disks, async_clients } = simulation;
        let queries = Arc::new(QueryRegistry::default());
        queries.enable();
        Self(Arc::new(Shared {
            restore_rate: Mutex::new(RestoreRate::new(config.restore_max_bytes_per_s)),
            config,
            topology,
            broker,
            directory: StateDirectory::in_memory(process_id, offset_sums),
            resources: SharedResources::default(),
            disks: Some(disks),
            queries,
            async_clients: Mutex::new(async_clients),
            restore_listener: Mutex::new(None),
            globals: Views::default(),
            assignment: Mutex::new(None),
        }))
    }

    /// Connects one of its threads, which never waits: whoever steps it owns the time.
    ///
    /// # Errors
    /// As the broker's.
    pub fn thread(&self, slot: usize) -> Result<StreamThread, StreamsError> {
        let opener = InlineOpener { opener: Opener::new(self.0.clone())?, rests: false };
        let mut thread = StreamThread::new(self.0.clone(), slot, Box::new(opener))?;
        thread.rest = |_| {};
        Ok(thread)
    }

    /// The committed states of its tasks.
    pub fn queries(&self) -> &QueryRegistry {
        &self.0.queries
    }
}

impl StreamThread {
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

    fn poll(&mut self, steady_ms: i64) -> Result<Option<Opened>, StreamsError> {
        if std::mem::take(&mut self.rests) || self.opener.is_idle() {
            return Ok(None);
        }
        let opened = self.opener.step(steady_ms, Duration::ZERO);
        self.rests = opened.is_some();
        Ok(opened)
    }
}
