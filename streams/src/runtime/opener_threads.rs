//! The OS threads that open a stream thread's tasks while it processes others.

use super::opener::{OpenJob, Opened, Opener};
use super::shared::Shared;
use super::thread::TaskOpener;
use super::workers::spawn;
use crate::error::StreamsError;
use crate::task_id::TaskId;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, LazyLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Tasks of a stream thread that are opened at once: while one waits for its change log or the disk, the other writes.
/// Each has a consumer of its own while it restores, whose queue is memory.
const OPENERS: usize = 2;
/// How long an opening thread waits for records of a change log at a time.
const RESTORE_WAIT: Duration = Duration::from_millis(100);

/// Where steady time begins for all opening threads of the process: they share the rate of their instance.
static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The stream thread's side of its opening threads. Dropping it ends them and waits for them: after that nobody holds a
/// task's files.
pub(super) struct OpenerThreads {
    shared: Arc<Shared>,
    name: String,
    threads: Vec<OpenerThread>,
    opened: Receiver<(usize, Opened)>,
    /// For threads still to be started.
    done: Option<Sender<(usize, Opened)>>,
}

/// One of them. The first is always there, the others are started when there is work for them.
struct OpenerThread {
    errands: Option<Sender<Errand>>,
    thread: Option<JoinHandle<()>>,
    /// Tasks given to it that have not come out.
    jobs: usize,
}

enum Errand {
    Open(OpenJob),
    Cancel(TaskId),
}

impl OpenerThreads {
    pub fn start(shared: Arc<Shared>, name: &str) -> Result<Self, StreamsError> {
        let (done, opened) = channel();
        let mut threads = Self { shared, name: name.to_owned(), threads: vec![], opened, done: Some(done) };
        threads.start_one()?;
        Ok(threads)
    }

    fn start_one(&mut self) -> Result<(), StreamsError> {
        let Some(done) = self.done.clone() else { return Ok(()) };
        let (errands, todo) = channel();
        let (shared, number) = (self.shared.clone(), self.threads.len());
        let tell = move |opened| done.send((number, opened)).is_ok();
        let thread = spawn(&format!("{}-{number}", self.name), move || open_tasks(shared, &todo, &tell))?;
        self.threads.push(OpenerThread { errands: Some(errands), thread: Some(thread), jobs: 0 });
        Ok(())
    }
}

impl OpenerThread {
    fn send(&self, errand: Errand) {
        if let Some(errands) = &self.errands {
            // If the thread is gone, `poll` says so.
            let _ = errands.send(errand);
        }
    }
}

impl TaskOpener for OpenerThreads {
    fn submit(&mut self, job: OpenJob) {
        let all_busy = self.threads.iter().all(|thread| thread.jobs > 0);
        if all_busy
            && self.threads.len() < OPENERS
            && let Err(error) = self.start_one()
        {
            tracing::warn!(%error, "tasks are opened by fewer threads");
        }
        if let Some(thread) = self.threads.iter_mut().min_by_key(|thread| thread.jobs) {
            thread.jobs += 1;
            thread.send(Errand::Open(job));
        }
    }

    fn cancel(&mut self, task: TaskId) {
        self.threads.iter().for_each(|thread| thread.send(Errand::Cancel(task)));
    }

    fn poll(&mut self, _: i64) -> Result<Option<Opened>, StreamsError> {
        if let Ok((number, opened)) = self.opened.try_recv() {
            self.threads[number].jobs -= 1;
            return Ok(Some(opened));
        }
        let ended = |thread: &OpenerThread| thread.thread.as_ref().is_some_and(JoinHandle::is_finished);
        match self.threads.iter().any(ended) {
            true => Err(StreamsError::Fatal("a thread that opens tasks panicked".to_owned())),
            false => Ok(None),
        }
    }
}

impl Drop for OpenerThreads {
    fn drop(&mut self) {
        self.done = None;
        self.threads.iter_mut().for_each(|thread| thread.errands = None);
        // What was opened and is not wanted any more closes here.
        while self.opened.recv().is_ok() {}
        for thread in self.threads.iter_mut().filter_map(|thread| thread.thread.take()) {
            if thread.join().is_err() {
                tracing::error!("a thread that opens tasks panicked");
            }
        }
    }
}

/// Opens what it is given, telling what was opened, until it is given nothing any more or nobody listens.
fn open_tasks(shared: Arc<Shared>, todo: &Receiver<Errand>, tell: &impl Fn(Opened) -> bool) {
    let mut opener = match Opener::new(shared) {
        Ok(opener) => opener,
        Err(error) => return fail_all(todo, tell, &error),
    };
    loop {
        match next_errand(todo, &mut opener) {
            Ok(Errand::Open(job)) => opener.submit(job),
            Ok(Errand::Cancel(task)) => opener.cancel(task),
            Err(TryRecvError::Disconnected) => return,
            Err(TryRecvError::Empty) => {}
        }
        if let Some(opened) = opener.step(STARTED.elapsed().as_millis() as i64, RESTORE_WAIT) {
            if matches!(opened.outcome, Err(StreamsError::Retry(_) | StreamsError::ReopenTask(_))) {
                std::thread::sleep(RESTORE_WAIT);
            }
            if !tell(opened) {
                return;
            }
        }
    }
}

/// The next errand if there is one; waits for it while there is nothing else to do.
fn next_errand(todo: &Receiver<Errand>, opener: &mut Opener) -> Result<Errand, TryRecvError> {
    match todo.try_recv() {
        Err(TryRecvError::Empty) if opener.is_idle() => {
            opener.rest();
            todo.recv().map_err(|_| TryRecvError::Disconnected)
        }
        errand => errand,
    }
}

/// Without its clients the opener can open nothing: each task is told why.
fn fail_all(todo: &Receiver<Errand>, tell: &impl Fn(Opened) -> bool, error: &StreamsError) {
    while let Ok(errand) = todo.recv() {
        let Errand::Open(job) = errand else { continue };
        let outcome = Err(StreamsError::Fatal(error.to_string()));
        if !tell(Opened { job, outcome }) {
            return;
        }
    }
}
