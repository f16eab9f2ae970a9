//! An application instance: starts its threads, shows its state, answers queries, stops in good order.

use super::instance_state::{KafkaStreamsState, StateMachine};
use super::opener::Restored;
use super::query::{QueryRegistry, QueryableStore};
use super::restore_rate::RestoreRate;
use super::shared::Shared;
use super::state_dir::StateDirectory;
use super::workers::{Report, run_global_thread, run_stream_thread, spawn};
use crate::async_calls::AsyncClient;
use crate::broker::Broker;
use crate::config::StreamsConfig;
use crate::error::StreamsError;
use crate::serde::Serde;
use crate::task_id::TaskId;
use crate::topology::Topology;
use comanda_state_stores::Views;
use comanda_state_stores::backend::{ResourceSizes, SharedResources};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The time that processors see: the system's, or a scaled one.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since the epoch.
    fn now_ms(&self) -> i64;
}

/// The system's clock.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.map_or(0, |elapsed| elapsed.as_millis() as i64)
    }
}

/// Where a key's task is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyQueryMetadata {
    /// The task.
    pub task: TaskId,
    /// `application.server` of the instance that runs it, if the group has told.
    pub active_host: Option<String>,
}

/// A running application.
pub struct KafkaStreams {
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    state: Arc<StateMachine>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    supervisor: Option<JoinHandle<()>>,
}

impl KafkaStreams {
    /// Opens the state directory; nothing runs yet.
    ///
    /// # Errors
    /// If a setting is refused, the directory cannot be used, or another process uses it.
    pub fn new(topology: Topology, config: StreamsConfig, broker: Arc<dyn Broker>) -> Result<Self, StreamsError> {
        config.check()?;
        let directory = StateDirectory::open(&config.state_dir, &config.application_id)?;
        let resources = SharedResources::new(ResourceSizes::within(config.state_memory_bytes));
        let shared = Shared {
            restore_rate: Mutex::new(RestoreRate::new(config.restore_max_bytes_per_s)),
            config,
            topology,
            broker,
            directory,
            resources,
            disks: None,
            queries: Arc::new(QueryRegistry::default()),
            async_clients: Mutex::default(),
            restore_listener: Mutex::new(None),
            globals: Views::default(),
            assignment: Mutex::new(None),
        };
        Ok(Self {
            shared: Arc::new(shared),
            clock: Arc::new(SystemClock),
            state: Arc::default(),
            stop: Arc::default(),
            threads: vec![],
            supervisor: None,
        })
    }

    /// Gives processors another clock. Sessions and commits keep to real time.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Has the topology's calls of that name made by `client`. Without one the tasks that make them do not start.
    pub fn set_async_client(&self, name: &str, client: Arc<dyn AsyncClient>) {
        let mut clients = self.shared.async_clients.lock().expect("nothing panics while it holds the lock");
        *clients = std::mem::take(&mut *clients).with(name, client);
    }

    /// Is told every change of state: new, old. It must return soon and not panic.
    pub fn set_state_listener(&self, listener: impl Fn(KafkaStreamsState, KafkaStreamsState) + Send + Sync + 'static) {
        self.state.set_listener(listener);
    }

    /// Is told what it took to restore each task that begins to run here (as the end of Kafka Streams'
    /// `StateRestoreListener`). It must return soon and not panic.
    pub fn set_restore_listener(&self, listener: impl Fn(Restored) + Send + 'static) {
        *self.shared.restore_listener.lock().expect("listeners must not panic") = Some(Box::new(listener));
    }

    /// Starts the threads and returns.
    ///
    /// # Errors
    /// If it was started before, or a thread cannot be made.
    pub fn start(&mut self) -> Result<(), StreamsError> {
        if self.state() != KafkaStreamsState::Created {
            return Err(StreamsError::Fatal(format!("started in state {:?}: make a new instance", self.state())));
        }
        self.state.go(KafkaStreamsState::Rebalancing);
        let (reports, inbox) = channel();
        for slot in 0..self.shared.config.num_stream_threads.max(1) {
            let (shared, clock, stop) = (self.shared.clone(), self.clock.clone(), self.stop.clone());
            let reports = reports.clone();
            let name = format!("{}-{}", self.shared.config.application_id, slot + 1);
            let run = move || run_stream_thread(shared, slot, clock, stop, reports);
            self.threads.push(spawn(&name, run)?);
        }
        let count = self.threads.len();
        if !self.shared.topology.globals().is_empty() {
            let (shared, clock, stop) = (self.shared.clone(), self.clock.clone(), self.stop.clone());
            self.threads.push(spawn("global", move || run_global_thread(shared, clock, stop, reports))?);
        }
        let (state, stop, threads) = (self.state.clone(), self.stop.clone(), self.threads.len());
        self.supervisor = Some(spawn("supervisor", move || supervise(&inbox, &state, &stop, (count, threads)))?);
        Ok(())
    }

    /// Its state now.
    pub fn state(&self) -> KafkaStreamsState {
        self.state.get()
    }

    /// What stopped it, in state ERROR.
    pub fn error(&self) -> Option<String> {
        self.state.error()
    }

    /// Waits until it is RUNNING (or stopped), at most `timeout`; true if it is RUNNING.
    pub fn wait_until_running(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        while Instant::now() < deadline {
            match self.state() {
                KafkaStreamsState::Running => return true,
                KafkaStreamsState::Created | KafkaStreamsState::Rebalancing => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                _ => return false,
            }
        }
        false
    }

    /// A key-value store to be queried. `partitions` is the partition count of the store's input topics.
    pub fn store<K, V>(
        &self,
        name: &str,
        partitions: i32,
        keys: Serde<K>,
        values: Serde<V>,
    ) -> Result<QueryableStore<K, V>, StreamsError> {
        let Some((sub_topology, spec)) = self.shared.topology.store_home(name) else {
            return Err(StreamsError::Topology(format!("no store named `{name}`")));
        };
        self.shared.queries.enable();
        Ok(QueryableStore {
            registry: self.shared.queries.clone(),
            sub_topology,
            store: name.to_owned(),
            partitions,
            timestamped: spec.timestamped,
            keys,
            values,
        })
    }

    /// Where a task runs, by the last assignment.
    pub fn key_query_metadata(&self, task: TaskId) -> KeyQueryMetadata {
        let assignment = self.shared.assignment.lock().expect("nothing panics while it holds the lock");
        let endpoints = assignment.iter().flat_map(|assignment| &assignment.endpoints);
        let owner = endpoints.filter(|(_, tasks)| tasks.active.contains(&task)).map(|(endpoint, _)| endpoint.clone());
        KeyQueryMetadata { task, active_host: owner.into_iter().next() }
    }

    /// Stops in good order: commits, flushes, leaves the group (a static member stays in it until its session ends);
    /// waits for it.
    pub fn close(self) -> KafkaStreamsState {
        let state = self.state.clone();
        // The log has the error.
        let _ = self.close_or_error();
        state.get()
    }

    /// The same, with the error of a thread that died, also while stopping.
    pub fn close_or_error(mut self) -> Result<(), String> {
        self.state.go(KafkaStreamsState::PendingShutdown);
        self.stop.store(true, Ordering::Relaxed);
        self.join();
        self.error().map_or(Ok(()), Err)
    }

    fn join(&mut self) {
        for thread in self.threads.drain(..).chain(self.supervisor.take()) {
            if thread.join().is_err() {
                tracing::error!("a thread panicked");
            }
        }
    }
}

impl Drop for KafkaStreams {
    /// As `close`, for whoever forgets it.
    fn drop(&mut self) {
        self.state.go(KafkaStreamsState::PendingShutdown);
        self.stop.store(true, Ordering::Relaxed);
        self.join();
    }
}

/// Turns what threads report into the instance's state; the first death stops them all.
/// Of `threads` the first `stream_threads` run tasks.
fn supervise(
    reports: &Receiver<Report>,
    state: &StateMachine,
    stop: &AtomicBool,
    (stream_threads, threads): (usize, usize),
) {
    let mut running = vec![false; stream_threads];
    let mut alive = threads;
    while alive > 0 {
        let Ok(report) = reports.recv() else { break };
        match report {
            Report::Running { slot, running: now } => {
                running[slot] = now;
                let all = running.iter().all(|running| *running);
                state.go(if all { KafkaStreamsState::Running } else { KafkaStreamsState::Rebalancing });
            }
            Report::Ended { error } => {
                alive -= 1;
                if let Some(error) = error {
                    state.died_of(&error.to_string());
                    stop.store(true, Ordering::Relaxed);
                }
            }
        }
    }
    state.go(KafkaStreamsState::NotRunning);
    state.go(KafkaStreamsState::Error);
}
