//! Restoring one task: its change logs, read up to where they ended when its offsets were fetched.

use super::changelog_range::ChangelogRange;
use super::restore_rate::RestoreRate;
use crate::broker::{Consumer, Fetched, RawRecord};
use crate::error::StreamsError;
use bytes::Bytes;
use comanda_state_stores::{ChangelogRecord, TaskStorage};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Records taken from the client at once.
const BATCH_RECORDS: usize = 10_000;

struct Log {
    range: ChangelogRange,
    store: usize,
    position: i64,
    done: bool,
    batch: Vec<RawRecord>,
}

/// The restore of one task.
pub(super) struct Restore {
    /// Wall clock when the targets were found.
    now_ms: i64,
    logs: Vec<Log>,
    records: u64,
    fetched: Vec<Fetched>,
}

impl Restore {
    pub fn new(now_ms: i64) -> Self {
        Self { now_ms, logs: vec![], records: 0, fetched: vec![] }
    }

    /// Adds a store's change log, to be read from what the state stands for. A state that the log cannot bring up to date
    /// is deleted and restored from the log's beginning.
    pub fn add(
        &mut self,
        consumer: &mut dyn Consumer,
        storage: &mut TaskStorage,
        store: &str,
        range: ChangelogRange,
    ) -> Result<(), StreamsError> {
        let index = storage.store_index(store)?;
        let known = storage.positions().changelogs.get(store).copied();
        let reason = known.and_then(|known| range.cannot_continue(known, storage.changelog_origin(index), self.now_ms));
        if let (Some(known), Some(reason)) = (known, reason) {
            let ChangelogRange { partition, begin, end, .. } = &range;
            tracing::warn!(%partition, known, begin, end, reason, "the state cannot be continued: restoring all of it");
            storage.wipe_store(index)?;
        }
        let usable = known.filter(|_| reason.is_none());
        let position = usable.unwrap_or(range.begin);
        let done = position >= range.end;
        // A continued state is only as young as its oldest part until the log's end is reached.
        if usable.is_none() || done {
            storage.set_changelog_origin(index, range.origin(self.now_ms));
        }
        if !done {
            consumer.assign(range.id, &range.partition, position)?;
        }
        self.logs.push(Log { range, store: index, position, done, batch: vec![] });
        Ok(())
    }

    /// Records restored so far.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Whether all logs have reached their targets.
    pub fn is_done(&self) -> bool {
        self.logs.iter().all(|log| log.done)
    }

    /// Reads and writes a batch, as soon as `rate` allows.
    pub fn step(
        &mut self,
        consumer: &mut dyn Consumer,
        storage: &mut TaskStorage,
        rate: &Mutex<RestoreRate>,
        steady_ms: i64,
        wait: Duration,
    ) -> Result<(), StreamsError> {
        let pause = locked(rate).pause(steady_ms);
        if !pause.is_zero() {
            std::thread::sleep(pause.min(wait));
            return Ok(());
        }
        let mut fetched = std::mem::take(&mut self.fetched);
        consumer.poll(wait, BATCH_RECORDS, &mut fetched)?;
        let mut bytes = 0;
        for item in fetched.drain(..) {
            bytes += self.take(item)?;
        }
        locked(rate).read(bytes, steady_ms);
        self.fetched = fetched;
        for log in self.logs.iter_mut().filter(|log| !log.done) {
            self.records += log.batch.len() as u64;
            log.write(storage, self.now_ms)?;
            if log.position >= log.range.end {
                consumer.unassign(log.range.id)?;
                log.done = true;
            }
        }
        Ok(())
    }

    /// Takes in what was read; its bytes.
    fn take(&mut self, item: Fetched) -> Result<usize, StreamsError> {
        let (id, position) = match &item {
            Fetched::Record(id, record) => (*id, record.offset + 1),
            Fetched::End { partition, position } => (*partition, *position),
            Fetched::OutOfRange(id) => (*id, i64::MIN),
        };
        let Some(log) = self.logs.iter_mut().find(|log| log.range.id == id && !log.done) else { return Ok(0) };
        let mut bytes = 0;
        match item {
            Fetched::OutOfRange(_) => {
                let text = format!("offset {} of {} is gone", log.position, log.range.partition);
                return Err(StreamsError::TaskCorrupted(text));
            }
            // What lies past the target belongs to whoever comes later: nobody writes while this task is not open.
            Fetched::Record(_, record) => {
                bytes = record.key.as_ref().map_or(0, Bytes::len) + record.value.as_ref().map_or(0, Bytes::len);
                log.batch.push(record);
            }
            Fetched::End { .. } => {}
        }
        log.position = log.position.max(position);
        Ok(bytes)
    }

    /// Ends reading, done or not.
    pub fn stop(&mut self, consumer: &mut dyn Consumer) {
        for log in self.logs.iter_mut().filter(|log| !log.done) {
            log.done = true;
            if let Err(error) = consumer.unassign(log.range.id) {
                tracing::warn!(partition = %log.range.partition, %error, "cannot end a restore");
            }
        }
    }
}

/// A number is as good after a panic as before.
fn locked(rate: &Mutex<RestoreRate>) -> MutexGuard<'_, RestoreRate> {
    rate.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Log {
    fn write(&mut self, storage: &mut TaskStorage, now_ms: i64) -> Result<(), StreamsError> {
        let records = self.batch.iter().filter_map(|record| {
            Some(ChangelogRecord {
                key: record.key.as_deref()?,
                value: record.value.as_deref(),
                timestamp_ms: record.timestamp,
                offset: record.offset,
            })
        });
        storage.restore(self.store, records, self.position)?;
        self.batch.clear();
        // Only now: part of a batch may reach the disk, and must not pass for all of the log.
        if self.position >= self.range.end {
            storage.set_changelog_origin(self.store, self.range.origin(now_ms));
        }
        Ok(())
    }
}
