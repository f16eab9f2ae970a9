//! One Kafka partition on its way into a table: a state machine without IO.
//!
//! ```text
//!  records ─► backlog ─► batch ──seal──► delivery ──promise committed──► inserts ──all done──► delivered
//!                          │                                                                    │
//!                          └── fills up meanwhile; sealed when the delivery before is done ◄────┘
//! ```
//!
//! The rule that carries exactly-once: an insert is given out only while the group holds, **committed**, this range from
//! `delivered` to the delivery's end ([`Mark`]). So whoever takes the partition over finds the one range that may be in
//! ClickHouse or on the way there, and repeats it with the same tokens.

use crate::batch::{Batch, Bounds, Rejected};
use crate::block::Block;
use crate::decoder::Decoder;
use crate::mark::{Mark, OffsetRange, TopicId};
use crate::table::{Layouts, Origin, Table};
use comanda_registry::DecodeError;
use comanda_streams::broker::{RawRecord, TopicPartition};
use std::collections::VecDeque;
use std::sync::Arc;

/// Inserts of one partition start no faster than this: it bounds how many tokens a table must remember.
pub(crate) const MIN_INSERT_INTERVAL_MS: i64 = 100;
/// Pause after the first failed try of an insert; doubles up to the longest.
const FIRST_BACKOFF_MS: i64 = 100;
const LONGEST_BACKOFF_MS: i64 = 10_000;

/// Where records come from and go to.
pub(crate) struct Route {
    pub partition: TopicPartition,
    pub topic_id: TopicId,
    pub table: Arc<Table>,
    pub bounds: Bounds,
}

/// One partition's state.
pub(crate) struct Partition {
    pub route: Route,
    /// What the group holds.
    acked: Mark,
    delivered: i64,
    backlog: VecDeque<RawRecord>,
    /// Nothing comes before this once the backlog is empty.
    end_seen: i64,
    batch: Batch,
    delivery: Option<Delivery>,
    next_insert_ms: i64,
    skipped: u64,
}

/// A range that is being delivered.
struct Delivery {
    range: OffsetRange,
    /// Still to be inserted; the first may be under way.
    blocks: VecDeque<Arc<Block>>,
    rejected: Vec<Rejected>,
    under_way: bool,
    failures: u32,
}

/// The registry does not answer: the record waits.
#[derive(Debug)]
pub(crate) struct Stalled(pub String);

impl Partition {
    /// Goes on from what the group holds; reading starts at `mark.delivered`.
    pub fn resume(route: Route, mark: Mark) -> Self {
        Self {
            route,
            acked: mark,
            delivered: mark.delivered,
            backlog: VecDeque::new(),
            end_seen: mark.delivered,
            batch: Batch::new(mark.delivered, mark.delivered, mark.promised),
            delivery: None,
            next_insert_ms: 0,
            skipped: 0,
        }
    }

    /// Takes what was fetched.
    pub fn fetched(&mut self, record: RawRecord) {
        self.backlog.push_back(record);
    }

    /// Reading stands at `position`, past markers that no record shows.
    pub fn end_seen(&mut self, position: i64) {
        self.end_seen = self.end_seen.max(position);
    }

    /// Everything before this is in ClickHouse or in a dead-letter topic.
    pub fn delivered(&self) -> i64 {
        self.delivered
    }

    /// Where reading goes on once the backlog is empty.
    pub fn reading_from(&self) -> i64 {
        let last = self.backlog.back().map(|record| record.offset + 1);
        last.unwrap_or_else(|| self.batch.next())
    }

    /// Whether no more records should come for now.
    pub fn is_clogged(&self) -> bool {
        !self.backlog.is_empty()
    }

    /// Records without a value met since the last call.
    pub fn take_skipped(&mut self) -> u64 {
        std::mem::take(&mut self.skipped)
    }

    /// Turns fetched records into rows as far as there is room, and seals the batch when it is due.
    pub fn work(&mut self, now_ms: i64, decoder: &mut Decoder, layouts: &mut Layouts) -> Result<(), Stalled> {
        let outcome = self.fill(now_ms, decoder, layouts);
        // Markers are invisible: only what comes behind them shows that a range which ends in some is complete.
        let read_up_to = self.backlog.front().map_or(self.end_seen, |waiting| waiting.offset);
        self.batch.reached(now_ms, read_up_to);
        self.seal_if_due(now_ms);
        outcome
    }

    fn fill(&mut self, now_ms: i64, decoder: &mut Decoder, layouts: &mut Layouts) -> Result<(), Stalled> {
        let Self { route, backlog, batch, skipped, .. } = self;
        while let Some(record) = backlog.pop_front_if(|record| batch.has_room_for(record.offset, route.bounds)) {
            match take(batch, route, now_ms, &record, decoder, layouts) {
                Ok(Taken::Row) => {}
                Ok(Taken::Skipped) => *skipped += 1,
                Err(stalled) => {
                    backlog.push_front(record);
                    return Err(stalled);
                }
            }
        }
        Ok(())
    }

    fn seal_if_due(&mut self, now_ms: i64) {
        if self.delivery.is_some() {
            return;
        }
        let Some(end) = self.batch.due(now_ms, self.route.bounds) else {
            return;
        };
        let Route { partition, topic_id, .. } = &self.route;
        let (range, sealed) = self.batch.seal(end, |range, month| token(partition, *topic_id, range, month));
        if sealed.is_empty() {
            self.delivered = end;
            return;
        }
        self.delivery = Some(Delivery {
            range,
            blocks: sealed.blocks.into(),
            rejected: sealed.rejected,
            under_way: false,
            failures: 0,
        });
    }

    /// What the group should hold, if it is something else than it does. `promising` is false while the partition is
    /// about to be given away: then nothing new is begun.
    pub fn wanted(&self, promising: bool) -> Option<Mark> {
        let promised = match &self.delivery {
            Some(delivery) if promising || self.is_promised(delivery.range) => Some(delivery.range.end),
            Some(_) => None,
            None => self.batch.promised(),
        };
        let mark = Mark { delivered: self.delivered, promised };
        (mark != self.acked).then_some(mark)
    }

    /// The group holds `mark`.
    pub fn committed(&mut self, mark: Mark) {
        self.acked = mark;
    }

    /// The block to insert now, if one may be.
    pub fn next_insert(&mut self, now_ms: i64) -> Option<Arc<Block>> {
        let promised = self.delivery.as_ref().is_some_and(|delivery| self.is_promised(delivery.range));
        let delivery = self.delivery.as_mut().filter(|delivery| promised && !delivery.under_way)?;
        if now_ms < self.next_insert_ms {
            return None;
        }
        let block = delivery.blocks.front()?.clone();
        delivery.under_way = true;
        self.next_insert_ms = now_ms + MIN_INSERT_INTERVAL_MS;
        Some(block)
    }

    fn is_promised(&self, range: OffsetRange) -> bool {
        self.acked == Mark { delivered: range.start, promised: Some(range.end) }
    }

    /// Whether an insert is on its way.
    pub fn is_inserting(&self) -> bool {
        self.delivery.as_ref().is_some_and(|delivery| delivery.under_way)
    }

    /// Whether the present insert has failed before.
    pub fn is_failing(&self) -> bool {
        self.delivery.as_ref().is_some_and(|delivery| delivery.failures > 0)
    }

    /// The block given out last is in ClickHouse.
    pub fn inserted(&mut self) {
        if let Some(delivery) = &mut self.delivery {
            delivery.under_way = false;
            delivery.failures = 0;
            delivery.blocks.pop_front();
        }
        self.finish_if_done();
    }

    /// The block given out last may or may not be in ClickHouse: it is given out again after the pause returned, ms.
    pub fn failed(&mut self, now_ms: i64) -> i64 {
        let Some(delivery) = &mut self.delivery else {
            return 0;
        };
        delivery.under_way = false;
        delivery.failures += 1;
        let doublings = (delivery.failures - 1).min(20);
        let pause_ms = (FIRST_BACKOFF_MS << doublings).min(LONGEST_BACKOFF_MS);
        self.next_insert_ms = now_ms + pause_ms;
        pause_ms
    }

    /// ClickHouse will never take the block given out last, and has taken nothing of it: the row that is to blame is
    /// found by halves and rejected.
    pub fn refused(&mut self, words: &str) {
        let Some(delivery) = &mut self.delivery else {
            return;
        };
        delivery.under_way = false;
        self.next_insert_ms = 0; // what was not inserted takes no token
        let Some(block) = delivery.blocks.pop_front() else {
            return;
        };
        match block.halves() {
            Some([first, second]) => {
                delivery.blocks.push_front(second);
                delivery.blocks.push_front(first);
            }
            None => delivery
                .rejected
                .extend(block.rows.iter().map(|row| Rejected { record: row.record.clone(), reason: words.to_owned() })),
        }
        self.finish_if_done();
    }

    fn finish_if_done(&mut self) {
        let done = self.delivery.as_ref().filter(|d| d.blocks.is_empty() && d.rejected.is_empty());
        if let Some(delivery) = done {
            self.delivered = delivery.range.end;
            self.delivery = None;
        }
    }

    /// The records that no table takes, once all else of their range is in ClickHouse, and the mark to be committed in
    /// one transaction with them.
    pub fn dead_letters(&self) -> Option<(&[Rejected], Mark)> {
        let delivery = self.delivery.as_ref()?;
        let ready = delivery.blocks.is_empty() && self.is_promised(delivery.range);
        ready.then(|| (delivery.rejected.as_slice(), Mark::at(delivery.range.end)))
    }

    /// The dead letters and `mark` are committed.
    pub fn dead_letters_sent(&mut self, mark: Mark) {
        self.acked = mark;
        self.delivered = mark.delivered;
        self.delivery = None;
    }
}

enum Taken {
    Row,
    Skipped,
}

/// Puts one record into the batch as what it is.
fn take(
    batch: &mut Batch,
    route: &Route,
    now_ms: i64,
    record: &RawRecord,
    decoder: &mut Decoder,
    layouts: &mut Layouts,
) -> Result<Taken, Stalled> {
    let Some(bytes) = &record.value else {
        batch.skip(now_ms, record); // a tombstone: nothing happened that a table could tell
        return Ok(Taken::Skipped);
    };
    match add_row(batch, route, now_ms, record, bytes, decoder, layouts) {
        Ok(()) => {}
        Err(DecodeError::Registry(cause)) if cause.is_retriable() => {
            return Err(Stalled(cause.to_string()));
        }
        Err(bad) => batch.reject(now_ms, record.clone(), bad.to_string()),
    }
    Ok(Taken::Row)
}

fn add_row(
    batch: &mut Batch,
    route: &Route,
    now_ms: i64,
    record: &RawRecord,
    bytes: &[u8],
    decoder: &mut Decoder,
    layouts: &mut Layouts,
) -> Result<(), DecodeError> {
    let table = &route.table;
    let (writer, datum) = decoder.writer(bytes)?;
    let value = writer.read(datum)?;
    let laid_out = layouts.of(&writer, table);
    match laid_out.and_then(|layout| Ok((table.month(&layout, &value)?, layout))) {
        Ok((month, layout)) => {
            let origin = Origin { partition: &route.partition, offset: record.offset };
            batch.add(now_ms, record.clone(), month, |out| table.write_row(out, &writer, &layout, &value, &origin));
        }
        Err(reason) => batch.reject(now_ms, record.clone(), reason),
    }
    Ok(())
}

/// Stands for the rows of this range in this month. The topic's id is in it: offsets of a topic made anew begin again.
fn token(partition: &TopicPartition, topic: TopicId, range: OffsetRange, month: i32) -> String {
    format!("{partition}/{topic}/{}-{}/{month}", range.start, range.end)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
