//! Records on their way to be a range: turned into rows as they come, bounded in rows, bytes, months and age.

use crate::block::{Block, Row};
use crate::mark::OffsetRange;
use comanda_streams::broker::RawRecord;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Table partitions that one range may touch, each an insert of its own: a stream out of all order must not become
/// inserts of a row each without end.
const MAX_MONTHS: usize = 12;

/// What a batch holds at most; the record that reaches a bound is still taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub rows: usize,
    pub bytes: usize,
    pub age_ms: i64,
}

/// A record that no table takes, and why.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rejected {
    pub record: RawRecord,
    pub reason: String,
}

/// A range in the making.
#[derive(Debug)]
pub(crate) struct Batch {
    /// First offset of the range.
    start: i64,
    /// Next offset to take.
    next: i64,
    /// The range's end, if it was decided before a restart: then no bound counts, only this.
    promised: Option<i64>,
    months: BTreeMap<i32, Rows>,
    rejected: Vec<Rejected>,
    rows: usize,
    bytes: usize,
    first_at_ms: Option<i64>,
}

#[derive(Debug, Default)]
struct Rows {
    bytes: Vec<u8>,
    rows: Vec<Row>,
}

/// What a batch becomes.
#[derive(Debug, Default)]
pub(crate) struct Sealed {
    /// By month.
    pub blocks: Vec<Arc<Block>>,
    pub rejected: Vec<Rejected>,
}

impl Batch {
    /// An empty one from `start` on, having read up to `next`.
    pub fn new(start: i64, next: i64, promised: Option<i64>) -> Self {
        Self {
            start,
            next,
            promised,
            months: BTreeMap::new(),
            rejected: Vec::new(),
            rows: 0,
            bytes: 0,
            first_at_ms: None,
        }
    }

    /// The end that was decided before a restart.
    pub fn promised(&self) -> Option<i64> {
        self.promised
    }

    /// Next offset to take.
    pub fn next(&self) -> i64 {
        self.next
    }

    /// Whether the record at `offset` may be taken now.
    pub fn has_room_for(&self, offset: i64, bounds: Bounds) -> bool {
        match self.promised {
            Some(end) => offset < end,
            None => !self.is_full(bounds),
        }
    }

    fn is_full(&self, bounds: Bounds) -> bool {
        self.rows >= bounds.rows || self.bytes >= bounds.bytes || self.months.len() >= MAX_MONTHS
    }

    /// Takes a record whose row `write` appends to the month's rows; if it cannot, the record is rejected.
    pub fn add(
        &mut self,
        now_ms: i64,
        record: RawRecord,
        month: i32,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), String>,
    ) {
        let rows = self.months.entry(month).or_default();
        let before = rows.bytes.len();
        match write(&mut rows.bytes) {
            Ok(()) => {
                self.bytes += rows.bytes.len() - before;
                let end = rows.bytes.len();
                rows.rows.push(Row { record: record.clone(), end });
                self.rows += 1;
                self.taken(now_ms, &record);
            }
            Err(reason) => self.reject(now_ms, record, reason),
        }
    }

    /// Takes a record that is no row.
    pub fn reject(&mut self, now_ms: i64, record: RawRecord, reason: String) {
        self.taken(now_ms, &record);
        self.rejected.push(Rejected { record, reason });
    }

    /// Takes a record that is nothing to anybody.
    pub fn skip(&mut self, now_ms: i64, record: &RawRecord) {
        self.reached(now_ms, record.offset + 1);
    }

    fn taken(&mut self, now_ms: i64, record: &RawRecord) {
        self.bytes += record.size();
        self.reached(now_ms, record.offset + 1);
    }

    /// Nothing that is wanted stands before `position`.
    pub fn reached(&mut self, now_ms: i64, position: i64) {
        if position > self.next {
            self.next = position;
            self.first_at_ms.get_or_insert(now_ms);
        }
    }

    /// Where the range ends if it is to be delivered now.
    pub fn due(&self, now_ms: i64, bounds: Bounds) -> Option<i64> {
        if let Some(end) = self.promised {
            return (self.next >= end).then_some(end);
        }
        let old = self.first_at_ms.is_some_and(|first_ms| now_ms - first_ms >= bounds.age_ms);
        (old || self.is_full(bounds)).then_some(self.next)
    }

    /// The range up to `end` (as [`Batch::due`] gave it), leaving an empty batch that goes on from there.
    pub fn seal(&mut self, end: i64, token: impl Fn(OffsetRange, i32) -> String) -> (OffsetRange, Sealed) {
        let next = self.next.max(end);
        let full = std::mem::replace(self, Batch::new(end, next, None));
        let range = OffsetRange { start: full.start, end };
        let months = full.months.into_iter().filter(|(_, rows)| !rows.rows.is_empty());
        let blocks = months.map(|(month, rows)| {
            let token = token(range, month);
            Arc::new(Block { token, bytes: rows.bytes, rows: rows.rows })
        });
        let blocks = blocks.collect();
        (range, Sealed { blocks, rejected: full.rejected })
    }
}

impl Sealed {
    /// Whether there is nothing to do for this range.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty() && self.rejected.is_empty()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { rows: 3, bytes: 10_000, age_ms: 500 };

    fn record(offset: i64) -> RawRecord {
        RawRecord { offset, ..RawRecord::default() }
    }

    fn add(batch: &mut Batch, offset: i64, month: i32) {
        batch.add(0, record(offset), month, |out| {
            out.push(offset as u8);
            Ok(())
        });
    }

    fn seal(batch: &mut Batch, end: i64) -> (OffsetRange, Vec<(String, Vec<u8>)>) {
        let (range, sealed) = batch.seal(end, |range, month| format!("{}-{}/{month}", range.start, range.end));
        (range, sealed.blocks.iter().map(|b| (b.token.clone(), b.bytes.clone())).collect())
    }

    #[test]
    fn a_range_is_one_block_a_month_in_the_order_of_the_records() {
        let mut batch = Batch::new(10, 10, None);
        [(10, 2), (11, 1), (14, 2)].into_iter().for_each(|(offset, month)| add(&mut batch, offset, month));
        let (range, blocks) = seal(&mut batch, 15);
        assert_eq!(range, OffsetRange { start: 10, end: 15 });
        let expected = [("10-15/1".to_owned(), vec![11]), ("10-15/2".to_owned(), vec![10, 14])];
        assert_eq!(blocks, expected);
    }

    #[test]
    fn a_batch_is_due_by_rows_bytes_or_age() {
        let mut batch = Batch::new(0, 0, None);
        assert_eq!(batch.due(9_999, BOUNDS), None);
        add(&mut batch, 0, 1);
        assert_eq!(batch.due(499, BOUNDS), None);
        assert_eq!(batch.due(500, BOUNDS), Some(1));
        assert_eq!(batch.due(0, Bounds { bytes: 1, ..BOUNDS }), Some(1));
        add(&mut batch, 1, 1);
        add(&mut batch, 2, 1);
        assert_eq!(batch.due(0, BOUNDS), Some(3));
        assert!(!batch.has_room_for(3, BOUNDS));
    }

    #[test]
    fn a_promised_range_ends_where_it_was_promised_whatever_the_bounds_say() {
        let mut batch = Batch::new(0, 0, Some(5));
        (0..4).for_each(|offset| add(&mut batch, offset, 1));
        assert_eq!(batch.due(9_999, BOUNDS), None);
        assert!(batch.has_room_for(4, BOUNDS));
        assert!(!batch.has_room_for(5, BOUNDS));
        batch.reached(0, 8); // offset 4 is a marker and so are those behind it
        assert_eq!(batch.due(0, BOUNDS), Some(5));
        let (range, blocks) = seal(&mut batch, 5);
        assert_eq!((range.end, blocks.len()), (5, 1));
        assert_eq!(batch.due(0, BOUNDS), None);
    }

    #[test]
    fn a_row_that_cannot_be_written_leaves_its_neighbours_alone() {
        let mut batch = Batch::new(0, 0, None);
        add(&mut batch, 0, 1);
        batch.add(0, record(1), 1, |_| Err("column total: too large".to_owned()));
        add(&mut batch, 2, 1);
        let (_, sealed) = batch.seal(3, |_, _| String::new());
        assert_eq!(sealed.blocks[0].bytes, [0, 2]);
        let rejected = Rejected { record: record(1), reason: "column total: too large".to_owned() };
        assert_eq!(sealed.rejected, [rejected]);
    }

    #[test]
    fn a_stream_out_of_all_order_makes_no_more_inserts_than_months_allowed() {
        let mut batch = Batch::new(0, 0, None);
        let bounds = Bounds { rows: 1_000, ..BOUNDS };
        let taken = (0..).take_while(|offset| {
            let room = batch.has_room_for(*offset, bounds);
            add(&mut batch, *offset, *offset as i32);
            room
        });
        assert_eq!(taken.count(), MAX_MONTHS);
    }
}
