//! Restoring one task: its change logs, read up to where they ended when its offsets were fetched.

use crate::broker::{Consumer, Fetched, PartitionId, RawRecord, TopicPartition};
use crate::error::StreamsError;
use comanda_state_stores::{ChangelogRecord, TaskStorage};
use std::time::Duration;

/// Records taken from the client at once.
const BATCH_RECORDS: usize = 10_000;

/// A change log as it was found.
pub(super) struct ChangelogRange {
    pub id: PartitionId,
    pub partition: TopicPartition,
    /// First offset that is still there.
    pub begin: i64,
    /// High watermark: the restore's target.
    pub end: i64,
}

struct Log {
    range: ChangelogRange,
    store: usize,
    position: i64,
    done: bool,
    batch: Vec<RawRecord>,
}

/// The restore of one task.
#[derive(Default)]
pub(super) struct Restore {
    logs: Vec<Log>,
    records: u64,
    fetched: Vec<Fetched>,
}

impl Restore {
    /// Adds a store's change log, to be read from what the state stands for. A state that stands for an offset outside
    /// the log cannot be brought up to date: it is deleted and restored from the log's beginning.
    pub fn add(
        &mut self,
        consumer: &mut dyn Consumer,
        storage: &mut TaskStorage,
        store: &str,
        range: ChangelogRange,
    ) -> Result<(), StreamsError> {
        let index = storage.store_index(store)?;
        let known = storage.positions().changelogs.get(store).copied();
        let usable = known.filter(|known| (range.begin..=range.end).contains(known));
        if let (Some(known), None) = (known, usable) {
            let ChangelogRange { partition, begin, end, .. } = &range;
            tracing::error!(%partition, known, begin, end, "the state is from outside its change log: restoring all of it");
            storage.wipe_store(index)?;
        }
        let position = usable.unwrap_or(range.begin);
        let done = position >= range.end;
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

    /// Reads and writes a batch; true once all logs have reached their targets.
    pub fn step(
        &mut self,
        consumer: &mut dyn Consumer,
        storage: &mut TaskStorage,
        wait: Duration,
    ) -> Result<bool, StreamsError> {
        if self.logs.iter().all(|log| log.done) {
            return Ok(true);
        }
        let mut fetched = std::mem::take(&mut self.fetched);
        consumer.poll(wait, BATCH_RECORDS, &mut fetched)?;
        for item in fetched.drain(..) {
            self.take(item)?;
        }
        self.fetched = fetched;
        for log in self.logs.iter_mut().filter(|log| !log.done) {
            self.records += log.batch.len() as u64;
            log.write(storage)?;
            if log.position >= log.range.end {
                consumer.unassign(log.range.id)?;
                log.done = true;
            }
        }
        Ok(self.logs.iter().all(|log| log.done))
    }

    fn take(&mut self, item: Fetched) -> Result<(), StreamsError> {
        let (id, position) = match &item {
            Fetched::Record(id, record) => (*id, record.offset + 1),
            Fetched::End { partition, position } => (*partition, *position),
            Fetched::OutOfRange(id) => (*id, i64::MIN),
        };
        let Some(log) = self.logs.iter_mut().find(|log| log.range.id == id && !log.done) else { return Ok(()) };
        match item {
            Fetched::OutOfRange(_) => {
                let text = format!("offset {} of {} is gone", log.position, log.range.partition);
                return Err(StreamsError::TaskCorrupted(text));
            }
            // What lies past the target belongs to whoever comes later: nobody writes while this task is not open.
            Fetched::Record(_, record) => log.batch.push(record),
            Fetched::End { .. } => {}
        }
        log.position = log.position.max(position);
        Ok(())
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

impl Log {
    fn write(&mut self, storage: &mut TaskStorage) -> Result<(), StreamsError> {
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
        Ok(())
    }
}
