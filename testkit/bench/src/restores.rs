//! How an engine comes back to a large state: after its disk was lost, or after `kill -9`.

use crate::error::BenchError;
use crate::feed::Feed;
use crate::job::Job;
use crate::peer::{Engine, Peer};
use crate::reader::Reader;
use crate::service::{Service, Started};
use crate::usage::Usage;
use comanda_streams::broker::Broker;
use std::time::{Duration, Instant};

/// Steady state before and after the kill: a thousandth of the keys a second, for longer than our engine may leave state
/// unflushed (30 s), so that the share it restores does not depend on how the fill ended.
const STEADY: Duration = Duration::from_secs(40);
const KILL_AFTER: Duration = Duration::from_secs(36);
const KEYS_PER_STEADY_RECORD_A_SECOND: u64 = 1_000;
/// Once restored, one in so many keys is updated, so that the outputs show what was restored.
const KEYS_PER_CHECKED: u64 = 10;

/// What it took to be back.
#[derive(Clone, Copy, Debug)]
pub struct Restore {
    /// The start after the loss.
    pub started: Started,
    /// Keys in the table.
    pub keys: u64,
    /// Wall-clock seconds from the start of the process, Java's own start included.
    pub process_s: f64,
    /// Largest resident size of the process that restored, once it ran.
    pub peak_rss_mb: f64,
}

/// One engine's way through a restore.
pub struct Scene<'a> {
    /// Cluster.
    pub broker: &'a dyn Broker,
    /// How the peer is started.
    pub peer: &'a Peer,
    /// Engine.
    pub engine: Engine,
    /// Its job; `records` is the number of keys.
    pub job: &'a Job,
}

impl Scene<'_> {
    /// Fills the table, closes in good order, deletes the local state, starts again (w6).
    ///
    /// # Errors
    /// If the engine fails on the way.
    pub fn after_deletion(&self) -> Result<Restore, BenchError> {
        let (mut feed, mut reader, service) = self.filled()?;
        service.close()?;
        std::fs::remove_dir_all(&self.job.state).map_err(BenchError::io("delete the state"))?;
        let (service, restore) = self.start_again()?;
        let keys = self.job.records;
        let checked = keys..keys + keys / KEYS_PER_CHECKED;
        feed.at_once(checked.clone())?;
        reader.until(checked.end, |_, _| {})?;
        service.close()?;
        Ok(restore)
    }

    /// Fills the table, kills the engine in the middle of steady input, starts again under it (w6k).
    ///
    /// # Errors
    /// If the engine fails on the way.
    pub fn after_kill(&self) -> Result<Restore, BenchError> {
        let (_, mut reader, service) = self.filled()?;
        let keys = self.job.records;
        let per_s = (keys / KEYS_PER_STEADY_RECORD_A_SECOND).max(1);
        let steady = keys..keys + per_s * STEADY.as_secs();
        let (service, restore) = std::thread::scope(|scope| {
            let fed = scope.spawn(|| self.feed()?.paced(steady.clone(), per_s, Instant::now()));
            std::thread::sleep(KILL_AFTER);
            service.kill();
            let again = self.start_again()?;
            fed.join().expect("the feed does not panic")?;
            Ok::<_, BenchError>(again)
        })?;
        reader.until(steady.end, |_, _| {})?;
        service.close()?;
        Ok(restore)
    }

    fn feed(&self) -> Result<Feed, BenchError> {
        Feed::new(&self.job.bootstrap, &self.job.input, self.job.workload.partitions(), self.job.records)
    }

    /// An engine that has every key in its table.
    fn filled(&self) -> Result<(Feed, Reader, Service), BenchError> {
        let mut feed = self.feed()?;
        feed.at_once(0..self.job.records)?;
        let (service, _) = Service::start(self.peer, self.engine, self.job)?;
        let mut reader = Reader::new(self.broker, &self.job.output, self.job.workload.partitions())?;
        reader.until(self.job.records, |_, _| {})?;
        Ok((feed, reader, service))
    }

    fn start_again(&self) -> Result<(Service, Restore), BenchError> {
        let before = Usage::now()?;
        let (service, started) = Service::start(self.peer, self.engine, self.job)?;
        let process_s = Usage::now()?.seconds_since(&before);
        let peak_rss_mb = service.peak_rss_mb()?;
        Ok((service, Restore { started, keys: self.job.records, process_s, peak_rss_mb }))
    }
}

impl Restore {
    /// The columns' values: see `Family::columns`.
    pub fn values(&self) -> Vec<f64> {
        let Started { restored, seconds, cpu_s } = self.started;
        let share = 100.0 * restored as f64 / self.keys as f64;
        vec![restored as f64, share, seconds, self.process_s, cpu_s, restored as f64 / seconds, self.peak_rss_mb]
    }
}
