//! Starting and stopping: the sink runs in a thread of its own.

use crate::client::ClickHouse;
use crate::complaint::Complaint;
use crate::config::{ClickHouseConfig, SinkConfig};
use crate::error::SinkError;
use crate::mapping::Mapping;
use crate::sink::Sink;
use crate::sources;
use crate::table::Table;
use comanda_registry::SchemaRegistry;
use comanda_streams::broker::Broker;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Pause between two looks for tables and topics that are not there yet.
const CHECK_PAUSE: Duration = Duration::from_secs(1);
/// A stop waits so long for inserts under way, and then so long for the coordinator; nothing is lost if it does not.
const DRAIN_MS: i64 = 10_000;
const LEAVE_MS: i64 = 5_000;

/// What a sink delivers, and with what.
pub struct SinkParts {
    /// Settings of the loop.
    pub config: SinkConfig,
    /// Where ClickHouse is.
    pub clickhouse: ClickHouseConfig,
    /// The way to Kafka.
    pub broker: Arc<dyn Broker>,
    /// Asked on the loop's own thread, once per schema: its tries must end well within the session time-out.
    pub registry: Arc<dyn SchemaRegistry>,
    /// Topics and tables, e.g. [`Mapping::all`].
    pub mappings: Vec<Mapping>,
}

/// Where a sink stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SinkStatus {
    /// Waits for servers, topics or tables; says for what.
    Waiting(String),
    /// A member of its group, delivering so many partitions.
    Running(usize),
    /// Stopped as asked.
    Stopped,
    /// Ended by an error: see [`SinkHandle::stop`].
    Failed(String),
}

/// A running sink. Dropping it without [`SinkHandle::stop`] leaves the thread running.
pub struct SinkHandle {
    shared: Arc<Shared>,
    thread: JoinHandle<Result<(), SinkError>>,
}

struct Shared {
    stop: AtomicBool,
    partitions: AtomicUsize,
    status: Mutex<SinkStatus>,
}

impl Shared {
    fn set(&self, status: SinkStatus) {
        *self.status.lock().unwrap_or_else(PoisonError::into_inner) = status;
    }

    fn stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// Starts a sink. It waits for whatever is not there yet.
///
/// # Errors
/// If no thread can be started.
pub fn start(parts: SinkParts) -> Result<SinkHandle, SinkError> {
    let shared = Arc::new(Shared {
        stop: AtomicBool::new(false),
        partitions: AtomicUsize::new(0),
        status: Mutex::new(SinkStatus::Waiting("starting".to_owned())),
    });
    let seen = shared.clone();
    let thread = std::thread::Builder::new()
        .name("clickhouse-sink".to_owned())
        .spawn(move || {
            let result = run(parts, &seen);
            seen.set(match &result {
                Ok(()) => SinkStatus::Stopped,
                Err(error) => {
                    tracing::error!(%error, "the ClickHouse sink ended");
                    SinkStatus::Failed(error.to_string())
                }
            });
            result
        })
        .map_err(|error| SinkError::Thread(error.to_string()))?;
    Ok(SinkHandle { shared, thread })
}

impl SinkHandle {
    /// Where it stands.
    pub fn status(&self) -> SinkStatus {
        let status = self.shared.status.lock().unwrap_or_else(PoisonError::into_inner);
        match &*status {
            SinkStatus::Running(_) => SinkStatus::Running(self.shared.partitions.load(Ordering::Relaxed)),
            other => other.clone(),
        }
    }

    /// Whether the thread has ended.
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// Ends what is under way, commits, leaves the group, and waits for that.
    ///
    /// # Errors
    /// The error that had ended the sink, if one had.
    pub fn stop(self) -> Result<(), SinkError> {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_else(|_| Err(SinkError::Thread("it panicked; see its message above".to_owned())))
    }
}

fn run(parts: SinkParts, shared: &Shared) -> Result<(), SinkError> {
    let client = ClickHouse::new(parts.clickhouse.clone());
    let Some(tables) = wait_for_sources(&parts, &client, shared)? else {
        return Ok(());
    };
    let topics = parts.mappings.into_iter().map(|mapping| mapping.topic).collect();
    let mut sink = Sink::new(parts.config, parts.broker, parts.registry, &client, topics, tables)?;
    shared.set(SinkStatus::Running(0));
    let begin = Instant::now();
    let now_ms = || i64::try_from(begin.elapsed().as_millis()).unwrap_or(i64::MAX);
    while !shared.stopping() {
        sink.step(now_ms())?;
        shared.partitions.store(sink.partitions(), Ordering::Relaxed);
    }
    finish(&mut sink, &now_ms)
}

/// `None` if a stop comes first.
fn wait_for_sources(
    parts: &SinkParts,
    client: &ClickHouse,
    shared: &Shared,
) -> Result<Option<Vec<Arc<Table>>>, SinkError> {
    let mut admin = parts.broker.admin()?;
    let mut trouble = Complaint::default();
    let begin = Instant::now();
    while !shared.stopping() {
        let now_ms = i64::try_from(begin.elapsed().as_millis()).unwrap_or(i64::MAX);
        match sources::check(&parts.config, client, admin.as_mut(), &parts.mappings) {
            Ok(tables) => {
                trouble.settle(now_ms, "the ClickHouse sink has all it needs");
                return Ok(Some(tables));
            }
            Err(error) if sources::is_passing(&error) => {
                trouble.raise(now_ms, &format!("{error}; waiting"));
                shared.set(SinkStatus::Waiting(error.to_string()));
                std::thread::sleep(CHECK_PAUSE);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

fn finish(sink: &mut Sink, now_ms: &dyn Fn() -> i64) -> Result<(), SinkError> {
    const PAUSE: Duration = Duration::from_millis(2);
    sink.drain();
    let drained_by_ms = now_ms() + DRAIN_MS;
    while !sink.is_drained() && now_ms() < drained_by_ms {
        sink.step(now_ms())?;
        std::thread::sleep(PAUSE);
    }
    sink.leave(now_ms());
    let left_by_ms = now_ms() + LEAVE_MS;
    while !sink.has_left() && now_ms() < left_by_ms {
        sink.step(now_ms())?;
        std::thread::sleep(PAUSE);
    }
    Ok(())
}
