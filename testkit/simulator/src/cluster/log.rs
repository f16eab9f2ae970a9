//! A partition's log: records and transaction markers by offset, and what each kind of reader sees of it.

use comanda_streams::broker::{Isolation, RawRecord};
use std::collections::BTreeMap;
use std::ops::Range;

/// A transaction's number, unique in a cluster.
pub(crate) type Txn = usize;

/// What the coordinator has decided about a transaction. Its markers may still be on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Open,
    Committed,
    Aborted,
}

pub(crate) enum Entry {
    Record { txn: Option<Txn>, record: RawRecord },
    Marker,
}

/// One partition.
#[derive(Default)]
pub(crate) struct Log {
    /// By offset. Nothing is ever taken out: readers start at `start` and do not see what is in `cleaned`.
    entries: Vec<Entry>,
    cleaned: Vec<bool>,
    start: i64,
    /// Ranges that were deleted before anybody had read them.
    lost: Vec<Range<i64>>,
    /// Transactions without a marker here, with the offset of their first record.
    open: BTreeMap<Txn, i64>,
}

impl Log {
    /// First offset that is there.
    pub fn start(&self) -> i64 {
        self.start
    }

    /// High watermark: the offset after the last entry.
    pub fn end(&self) -> i64 {
        self.entries.len() as i64
    }

    /// Last stable offset: no transaction is open before it.
    pub fn stable(&self) -> i64 {
        self.open.values().min().copied().unwrap_or_else(|| self.end())
    }

    /// Appends a record and says at which offset.
    pub fn append(&mut self, txn: Option<Txn>, mut record: RawRecord) -> i64 {
        let offset = self.end();
        record.offset = offset;
        if let Some(txn) = txn {
            self.open.entry(txn).or_insert(offset);
        }
        self.push(Entry::Record { txn, record });
        offset
    }

    /// Appends a transaction's marker.
    pub fn mark(&mut self, txn: Txn) {
        self.open.remove(&txn);
        self.push(Entry::Marker);
    }

    fn push(&mut self, entry: Entry) {
        self.entries.push(entry);
        self.cleaned.push(false);
    }

    /// Deletes what is before `offset` (KIP-107).
    pub fn delete_before(&mut self, offset: i64) {
        self.start = self.start.max(offset.min(self.end()));
    }

    /// Deletes what is before `until`, of which nothing from `from` on was read.
    pub fn lose(&mut self, from: i64, until: i64) {
        self.lost.push(from.max(self.start)..until.min(self.end()));
        self.delete_before(until);
    }

    /// Whether the record at `offset` was deleted before anybody had read it.
    pub fn is_lost(&self, offset: i64) -> bool {
        self.lost.iter().any(|range| range.contains(&offset))
    }

    /// How far a reader gets: the last stable offset, or the high watermark.
    pub fn end_for(&self, isolation: Isolation) -> i64 {
        match isolation {
            Isolation::ReadCommitted => self.stable(),
            Isolation::ReadUncommitted => self.end(),
        }
    }

    /// The first record from `position` on that a reader sees, if there is one as far as it gets.
    pub fn next(&self, position: i64, isolation: Isolation, fates: &[Fate]) -> Option<&RawRecord> {
        (position.max(self.start)..self.end_for(isolation)).find_map(|offset| match &self.entries[offset as usize] {
            Entry::Record { txn, record } => {
                let shown = isolation == Isolation::ReadUncommitted || is_committed(*txn, fates);
                (shown && !self.cleaned[offset as usize]).then_some(record)
            }
            Entry::Marker => None,
        })
    }

    /// All records of committed transactions and of none, below `until`, with those that are deleted or cleaned by now.
    pub fn all_committed<'a>(&'a self, until: i64, fates: &'a [Fate]) -> impl Iterator<Item = &'a RawRecord> {
        self.entries.iter().take(until.max(0) as usize).filter_map(|entry| match entry {
            Entry::Record { txn, record } if is_committed(*txn, fates) => Some(record),
            _ => None,
        })
    }

    /// Whether the log cleaner has taken the record at `offset` away.
    pub fn is_cleaned(&self, offset: i64) -> bool {
        self.cleaned[offset as usize]
    }

    /// What the log cleaner does: of each key only the last committed record stays; markers and aborted records go.
    /// Tombstones are kept, as `delete.retention.ms` has them for a day.
    pub fn compact(&mut self, fates: &[Fate]) {
        let stable = self.stable() as usize;
        let mut last: BTreeMap<&[u8], usize> = BTreeMap::new();
        let mut cleaned = self.cleaned.clone();
        for (offset, entry) in self.entries.iter().enumerate().take(stable) {
            match entry {
                Entry::Record { txn, record } if is_committed(*txn, fates) => {
                    let before = last.insert(record.key.as_deref().unwrap_or_default(), offset);
                    before.into_iter().for_each(|older| cleaned[older] = true);
                }
                _ => cleaned[offset] = true,
            }
        }
        self.cleaned = cleaned;
    }
}

fn is_committed(txn: Option<Txn>, fates: &[Fate]) -> bool {
    txn.is_none_or(|txn| fates[txn] == Fate::Committed)
}
