//! The OS threads of an instance: one per stream thread, each with some that open its tasks and one that keeps its session
//! alive.

use super::globals::GlobalReader;
use super::opener_threads::OpenerThreads;
use super::seat::Seat;
use super::shared::Shared;
use super::streams::Clock;
use super::thread::{Now, StreamThread};
use crate::error::StreamsError;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long the global thread waits for records at a time.
const GLOBAL_WAIT: Duration = Duration::from_millis(100);
/// How often a session is looked after while a step takes long: a fraction of the shortest heartbeat interval in use.
const PULSE: Duration = Duration::from_millis(100);
/// Pause before a thread that could not connect tries again.
const CONNECT_PAUSE: Duration = Duration::from_secs(1);

/// Keeps a session alive while the stream thread is at work.
struct Pulse {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Pulse {
    fn start(seat: Arc<Seat>, started: Instant, name: &str) -> Result<Self, StreamsError> {
        let (stop, stopped) = channel();
        let beat = move || {
            while stopped.recv_timeout(PULSE) == Err(RecvTimeoutError::Timeout) {
                seat.pulse(started.elapsed().as_millis() as i64);
            }
        };
        Ok(Self { stop: Some(stop), thread: Some(spawn(name, beat)?) })
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        drop(self.stop.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that keeps the session alive panicked");
        }
    }
}

pub(super) fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StreamsError> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(run)
        .map_err(|error| StreamsError::Fatal(format!("cannot start thread {name}: {error}")))
}

/// What a stream thread tells its instance.
pub(super) enum Report {
    /// All assigned tasks run, or some are being opened or moved.
    Running { slot: usize, running: bool },
    /// It has ended, in good order or by an error.
    Ended { error: Option<StreamsError> },
}

/// Runs one stream thread until it is told to stop, or dies. A processor that panics kills its thread, not the process,
/// and not silently.
pub(super) fn run_stream_thread(
    shared: Arc<Shared>,
    slot: usize,
    clock: Arc<dyn Clock>,
    stop: Arc<AtomicBool>,
    reports: Sender<Report>,
) {
    let name = format!("stream thread {slot}");
    run_guarded(&name, &reports, || step_until_stopped(shared, slot, &*clock, &stop, &reports));
}

/// Reads the global tables until it is told to stop, or dies.
pub(super) fn run_global_thread(
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    stop: Arc<AtomicBool>,
    reports: Sender<Report>,
) {
    run_guarded("global thread", &reports, || read_globals(&shared, &*clock, &stop));
}

fn run_guarded(name: &str, reports: &Sender<Report>, run: impl FnOnce() -> Result<(), StreamsError>) {
    let outcome = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        Err(StreamsError::Fatal(format!("the {name} panicked: {text}")))
    });
    if let Err(error) = &outcome {
        tracing::error!(name, %error, "a thread died");
    }
    // Without a listener nobody is left to tell.
    let _ = reports.send(Report::Ended { error: outcome.err() });
}

/// Opens the global tables as often as it takes: the state is Kafka's, and what the disk lost is read again.
fn read_globals(shared: &Arc<Shared>, clock: &dyn Clock, stop: &AtomicBool) -> Result<(), StreamsError> {
    let started = Instant::now();
    let now = || Now { steady_ms: started.elapsed().as_millis() as i64, wall_clock_ms: clock.now_ms() };
    while !stop.load(Ordering::Relaxed) {
        let read = GlobalReader::open(shared, now()).and_then(|mut reader| {
            while !stop.load(Ordering::Relaxed) {
                match reader.step(GLOBAL_WAIT, now()) {
                    Err(StreamsError::Retry(reason)) => {
                        tracing::warn!(reason, "global tables grow older");
                        std::thread::sleep(CONNECT_PAUSE);
                    }
                    stepped => stepped?,
                }
            }
            reader.flush()
        });
        match read {
            Err(error @ (StreamsError::Fatal(_) | StreamsError::Topology(_))) => return Err(error),
            Err(error) => {
                tracing::warn!(%error, "the global tables are opened again");
                std::thread::sleep(CONNECT_PAUSE);
            }
            Ok(()) => {}
        }
    }
    Ok(())
}

fn step_until_stopped(
    shared: Arc<Shared>,
    slot: usize,
    clock: &dyn Clock,
    stop: &AtomicBool,
    reports: &Sender<Report>,
) -> Result<(), StreamsError> {
    let Some(mut thread) = connect(&shared, slot, stop)? else { return Ok(()) };
    let started = Instant::now();
    let _pulse = Pulse::start(thread.seat.clone(), started, &format!("pulse-{slot}"))?;
    let mut running = false;
    while !thread.is_stopped() {
        if stop.load(Ordering::Relaxed) {
            thread.stop();
        }
        let began = started.elapsed();
        let stepped = thread.step(Now { steady_ms: began.as_millis() as i64, wall_clock_ms: clock.now_ms() });
        if let Err(error) = stepped {
            thread.give_up();
            return Err(error);
        }
        thread.step_took(started.elapsed() - began);
        if thread.is_running() != running {
            running = !running;
            let _ = reports.send(Report::Running { slot, running });
        }
    }
    Ok(())
}

/// Makes the thread once the global tables are there; while the cluster is away it waits and says so. None if it was
/// stopped meanwhile.
fn connect(shared: &Arc<Shared>, slot: usize, stop: &AtomicBool) -> Result<Option<StreamThread>, StreamsError> {
    while !stop.load(Ordering::Relaxed) {
        if !shared.has_globals() {
            std::thread::sleep(GLOBAL_WAIT);
            continue;
        }
        let opener = OpenerThreads::start(shared.clone(), &format!("restore-{slot}"))?;
        match StreamThread::new(shared.clone(), slot, Box::new(opener)) {
            Ok(thread) => return Ok(Some(thread)),
            Err(error @ (StreamsError::Fatal(_) | StreamsError::Topology(_))) => return Err(error),
            Err(error) => {
                tracing::warn!(slot, %error, "cannot connect yet");
                std::thread::sleep(CONNECT_PAUSE);
            }
        }
    }
    Ok(None)
}
