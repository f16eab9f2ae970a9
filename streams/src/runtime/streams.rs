//! An application instance: starts its threads, shows its state, answers queries, stops in good order.

use super::query::{QueryRegistry, QueryableStore};
use super::shared::Shared;
use super::state_dir::StateDirectory;
use super::workers::{Report, run_stream_thread};
use crate::broker::Broker;
use crate::config::StreamsConfig;
use crate::error::StreamsError;
use crate::serde::Serde;
use crate::task_id::TaskId;
use crate::topology::Topology;
use comanda_state_stores::backend::SharedResources;
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

/// An instance's state, as Kafka Streams' `KafkaStreams.State`.
///
/// ```text
/// CREATED → REBALANCING ⇄ RUNNING → PENDING_SHUTDOWN → NOT_RUNNING
///                 └───────────┴───→ PENDING_ERROR → ERROR
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KafkaStreamsState {
    /// Not started.
    Created,
    /// Some thread has no assignment yet, or tasks are being opened or moved.
    Rebalancing,
    /// All assigned tasks run.
    Running,
    /// Stopping in good order.
    PendingShutdown,
    /// Stopped.
    NotRunning,
    /// A thread died; the others stop.
    PendingError,
    /// Stopped by an error.
    Error,
}

impl KafkaStreamsState {
    fn may_become(self, next: Self) -> bool {
        use KafkaStreamsState::*;
        matches!(
            (self, next),
            (Created, Rebalancing | PendingShutdown)
                | (Rebalancing, Running | PendingShutdown | PendingError)
                | (Running, Rebalancing | PendingShutdown | PendingError)
                | (PendingShutdown, NotRunning)
                | (PendingError, Error)
        )
    }
}

type Listener = Box<dyn Fn(KafkaStreamsState, KafkaStreamsState) + Send + Sync>;

struct StateMachine {
    state: Mutex<KafkaStreamsState>,
    listener: Mutex<Option<Listener>>,
    error: Mutex<Option<String>>,
}

impl StateMachine {
    fn go(&self, next: KafkaStreamsState) {
        let before = {
            let mut state = self.state.lock().expect("no listener runs under the lock");
            if !state.may_become(next) {
                return;
            }
            std::mem::replace(&mut *state, next)
        };
        tracing::info!(?before, ?next, "instance state");
        if let Some(listener) = &*self.listener.lock().expect("listeners must not panic") {
            listener(next, before);
        }
    }

    fn get(&self) -> KafkaStreamsState {
        *self.state.lock().expect("no listener runs under the lock")
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
    /// If the directory cannot be used, or another process uses it.
    pub fn new(topology: Topology, config: StreamsConfig, broker: Arc<dyn Broker>) -> Result<Self, StreamsError> {
        let directory = StateDirectory::open(&config.state_dir, &config.application_id)?;
        let shared = Shared {
            config,
            topology,
            broker,
            directory,
            resources: SharedResources::default(),
            disks: None,
            queries: Arc::new(QueryRegistry::default()),
            assignment: Mutex::new(None),
        };
        let state = StateMachine {
            state: Mutex::new(KafkaStreamsState::Created),
            listener: Mutex::new(None),
            error: Mutex::new(None),
        };
        Ok(Self {
            shared: Arc::new(shared),
            clock: Arc::new(SystemClock),
            state: Arc::new(state),
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

    /// Is told every change of state: new, old. It must return soon and not panic.
    pub fn set_state_listener(
        &self,
        listener: impl Fn(KafkaStreamsState, KafkaStreamsState) + Send + Sync + 'static,
    ) {
        *self.state.listener.lock().expect("listeners must not panic") = Some(Box::new(listener));
    }

    /// Starts the threads and returns.
    pub fn start(&mut self) -> Result<(), StreamsError> {
        self.state.go(KafkaStreamsState::Rebalancing);
        let (reports, inbox) = channel();
        for slot in 0..self.shared.config.num_stream_threads.max(1) {
            let (shared, clock, stop) = (self.shared.clone(), self.clock.clone(), self.stop.clone());
            let reports = reports.clone();
            let name = format!("{}-{}", self.shared.config.application_id, slot + 1);
            let run = move || run_stream_thread(shared, slot, clock, stop, reports);
            self.threads.push(spawn(&name, run)?);
        }
        let (state, stop, count) = (self.state.clone(), self.stop.clone(), self.threads.len());
        self.supervisor = Some(spawn("supervisor", move || supervise(&inbox, &state, &stop, count))?);
        Ok(())
    }

    /// Its state now.
    pub fn state(&self) -> KafkaStreamsState {
        self.state.get()
    }

    /// What stopped it, in state ERROR.
    pub fn error(&self) -> Option<String> {
        self.state.error.lock().expect("nothing panics while it holds the lock").clone()
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

    /// Stops in good order: commits, flushes, leaves the group; waits for it.
    pub fn close(mut self) -> KafkaStreamsState {
        self.state.go(KafkaStreamsState::PendingShutdown);
        self.stop.store(true, Ordering::Relaxed);
        self.join();
        self.state.get()
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

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StreamsError> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(run)
        .map_err(|error| StreamsError::Fatal(format!("cannot start thread {name}: {error}")))
}

/// Turns what threads report into the instance's state; the first death stops them all.
fn supervise(reports: &Receiver<Report>, state: &StateMachine, stop: &AtomicBool, count: usize) {
    let mut running = vec![false; count];
    let mut alive = count;
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
                    *state.error.lock().expect("nothing panics while it holds the lock") = Some(error.to_string());
                    state.go(KafkaStreamsState::PendingError);
                    stop.store(true, Ordering::Relaxed);
                }
            }
        }
    }
    state.go(KafkaStreamsState::NotRunning);
    state.go(KafkaStreamsState::Error);
}
