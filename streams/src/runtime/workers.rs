//! The OS threads of an instance: one per stream thread, each with one that opens its tasks.

use super::opener::{OpenJob, Opened, Opener};
use super::shared::Shared;
use super::streams::Clock;
use super::thread::{Now, StreamThread, TaskOpener};
use crate::error::StreamsError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::{Duration, Instant};

/// How long the opening thread waits for records of a change log at a time.
const RESTORE_WAIT: Duration = Duration::from_millis(100);

/// The stream thread's side of its opening thread.
pub(super) struct OpenerThread {
    jobs: Sender<OpenJob>,
    opened: Receiver<Opened>,
}

impl OpenerThread {
    /// Starts it; it ends when the stream thread drops its side.
    pub fn start(shared: Arc<Shared>, name: &str) -> Result<Self, StreamsError> {
        let (jobs, todo) = channel();
        let (done, opened) = channel();
        let run = move || open_tasks(shared, &todo, &done);
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(run)
            .map_err(|error| StreamsError::Fatal(format!("cannot start thread {name}: {error}")))?;
        Ok(Self { jobs, opened })
    }
}

impl TaskOpener for OpenerThread {
    fn submit(&mut self, job: OpenJob) {
        // If the thread is gone, it has died of a panic that its end of the channel shows in `poll`.
        let _ = self.jobs.send(job);
    }

    fn poll(&mut self) -> Option<Opened> {
        match self.opened.try_recv() {
            Ok(opened) => Some(opened),
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => None,
        }
    }
}

fn open_tasks(shared: Arc<Shared>, todo: &Receiver<OpenJob>, done: &Sender<Opened>) {
    let mut opener = match Opener::new(shared) {
        Ok(opener) => opener,
        Err(error) => return fail_all(todo, done, &error),
    };
    loop {
        let job = if opener.is_idle() { todo.recv().map_err(|_| TryRecvError::Disconnected) } else { todo.try_recv() };
        match job {
            Ok(job) => opener.submit(job),
            Err(TryRecvError::Disconnected) => return,
            Err(TryRecvError::Empty) => {}
        }
        if let Some(opened) = opener.step(RESTORE_WAIT) {
            if matches!(opened.outcome, Err(StreamsError::Retry(_))) {
                std::thread::sleep(RESTORE_WAIT);
            }
            if done.send(opened).is_err() {
                return;
            }
        }
    }
}

/// Without its clients the opener can open nothing: each task is told why.
fn fail_all(todo: &Receiver<OpenJob>, done: &Sender<Opened>, error: &StreamsError) {
    while let Ok(job) = todo.recv() {
        let outcome = Err(StreamsError::Fatal(error.to_string()));
        if done.send(Opened { task: job.task, outcome }).is_err() {
            return;
        }
    }
}

/// What a stream thread tells its instance.
pub(super) enum Report {
    /// All assigned tasks run, or some are being opened or moved.
    Running { slot: usize, running: bool },
    /// It has ended, in good order or by an error.
    Ended { error: Option<StreamsError> },
}

/// Runs one stream thread until it is told to stop, or dies.
pub(super) fn run_stream_thread(
    shared: Arc<Shared>,
    slot: usize,
    clock: Arc<dyn Clock>,
    stop: Arc<AtomicBool>,
    reports: Sender<Report>,
) {
    let outcome = step_until_stopped(shared, slot, &*clock, &stop, &reports);
    if let Err(error) = &outcome {
        tracing::error!(slot, %error, "stream thread died");
    }
    // Without a listener nobody is left to tell.
    let _ = reports.send(Report::Ended { error: outcome.err() });
}

fn step_until_stopped(
    shared: Arc<Shared>,
    slot: usize,
    clock: &dyn Clock,
    stop: &AtomicBool,
    reports: &Sender<Report>,
) -> Result<(), StreamsError> {
    let mut thread = connect(&shared, slot, stop)?;
    let started = Instant::now();
    let mut running = false;
    while !thread.is_stopped() {
        if stop.load(Ordering::Relaxed) {
            thread.stop();
        }
        let steady_ms = started.elapsed().as_millis() as i64;
        thread.step(Now { steady_ms, wall_clock_ms: clock.now_ms() })?;
        if thread.is_running() != running {
            running = !running;
            let _ = reports.send(Report::Running { slot, running });
        }
    }
    Ok(())
}

/// Makes the thread; while the cluster is away it waits and says so.
fn connect(shared: &Arc<Shared>, slot: usize, stop: &AtomicBool) -> Result<StreamThread, StreamsError> {
    loop {
        let opener = OpenerThread::start(shared.clone(), &format!("restore-{slot}"))?;
        match StreamThread::new(shared.clone(), slot, Box::new(opener)) {
            Err(StreamsError::Retry(reason)) if !stop.load(Ordering::Relaxed) => {
                tracing::warn!(slot, reason, "cannot connect yet");
                std::thread::sleep(Duration::from_secs(1));
            }
            other => return other,
        }
    }
}
