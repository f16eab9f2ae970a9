//! The engine's port for asynchronous calls on threads that block.

use crate::breaker::{Breaker, BreakerSettings, Permit};
use comanda_streams::{AsyncCall, AsyncClient, AsyncOutcome, AsyncReply};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

/// A provider: makes one call and waits for its end.
///
/// # Contract
/// It returns within a time-out of its own, also if the other side never answers. `Failed { retry: true }` only where
/// making the same call again does no harm: the other side knows the idempotency key, or has not been reached.
pub trait Provider: Send + Sync + 'static {
    /// Makes the call.
    fn call(&self, call: &AsyncCall) -> AsyncOutcome;

    /// Whether an outcome says that the provider does not work: such ones open the breaker.
    fn has_failed(&self, outcome: &AsyncOutcome) -> bool {
        matches!(outcome, AsyncOutcome::Failed { retry: true, .. })
    }
}

/// Makes calls to one provider on so many threads, behind a breaker. What cannot be begun now fails at once, to be tried
/// again by the engine.
pub struct ThreadedClient {
    jobs: Option<SyncSender<Job>>,
    breaker: Arc<Mutex<Breaker>>,
    started: Instant,
    threads: Vec<JoinHandle<()>>,
}

struct Job {
    call: AsyncCall,
    reply: AsyncReply,
    permit: Permit,
}

impl ThreadedClient {
    /// A client with `threads` calls at a time. So many more wait for a thread; what comes beyond that waits in the
    /// engine's store.
    ///
    /// # Errors
    /// If a thread cannot be started.
    pub fn new(provider: impl Provider, threads: usize, breaker: BreakerSettings) -> std::io::Result<Self> {
        let threads = threads.max(1);
        let (jobs, todo) = sync_channel(threads);
        let (provider, todo) = (Arc::new(provider), Arc::new(Mutex::new(todo)));
        let (breaker, started) = (Arc::new(Mutex::new(Breaker::new(breaker))), Instant::now());
        let worker = |number: usize| {
            let (provider, todo, breaker) = (provider.clone(), todo.clone(), breaker.clone());
            let run = move || work(&*provider, &todo, &breaker, started);
            std::thread::Builder::new().name(format!("provider-{number}")).spawn(run)
        };
        let threads = (1..=threads).map(worker).collect::<Result<_, _>>()?;
        Ok(Self { jobs: Some(jobs), breaker, started, threads })
    }
}

impl AsyncClient for ThreadedClient {
    fn call(&self, call: AsyncCall, reply: AsyncReply) {
        let Some(permit) = lock(&self.breaker).permit(now_ms(self.started)) else {
            return reply.send(not_now("the breaker is open"));
        };
        let Some(jobs) = &self.jobs else { return };
        if let Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) =
            jobs.try_send(Job { call, reply, permit })
        {
            lock(&self.breaker).give_back(job.permit);
            job.reply.send(not_now("all threads are busy"));
        }
    }
}

impl Drop for ThreadedClient {
    /// Waits for the calls under way: their answers are of use as long as their task lives.
    fn drop(&mut self) {
        drop(self.jobs.take());
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread that calls a provider panicked");
            }
        }
    }
}

fn work(provider: &impl Provider, todo: &Mutex<Receiver<Job>>, breaker: &Mutex<Breaker>, started: Instant) {
    loop {
        let next = lock(todo).recv();
        let Ok(Job { call, reply, permit }) = next else { return };
        let outcome = catch_unwind(AssertUnwindSafe(|| provider.call(&call))).unwrap_or_else(|_| {
            AsyncOutcome::Failed { reason: "the provider's client panicked".to_owned(), retry: false }
        });
        lock(breaker).ended(permit, now_ms(started), !provider.has_failed(&outcome));
        reply.send(outcome);
    }
}

fn not_now(reason: &str) -> AsyncOutcome {
    AsyncOutcome::Failed { reason: reason.to_owned(), retry: true }
}

fn now_ms(started: Instant) -> i64 {
    i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
