//! A group's committed offsets, and those that transactions have sent but not yet settled.

use super::log::{Fate, Txn};
use comanda_streams::broker::{OffsetAndMetadata, TopicPartition};
use std::collections::BTreeMap;

/// The offsets of one group.
#[derive(Default)]
pub(crate) struct Offsets {
    committed: BTreeMap<TopicPartition, OffsetAndMetadata>,
    pending: BTreeMap<Txn, BTreeMap<TopicPartition, OffsetAndMetadata>>,
}

impl Offsets {
    /// TxnOffsetCommit: they show once the transaction's marker is here.
    pub fn add_pending(&mut self, txn: Txn, offsets: &[(TopicPartition, OffsetAndMetadata)]) {
        self.pending.entry(txn).or_default().extend(offsets.iter().cloned());
    }

    /// The marker of `txn` is here. Returns positions that went back: something was processed twice.
    pub fn settle(&mut self, txn: Txn, committed: bool) -> Vec<String> {
        let offsets = self.pending.remove(&txn).unwrap_or_default();
        if committed { self.commit(offsets.into_iter().collect()) } else { vec![] }
    }

    /// Commits outside a transaction, or by its marker.
    pub fn commit(&mut self, offsets: Vec<(TopicPartition, OffsetAndMetadata)>) -> Vec<String> {
        let mut went_back = vec![];
        for (partition, offset) in offsets {
            if let Some(before) = self.committed.get(&partition).filter(|before| before.offset > offset.offset) {
                went_back.push(format!("{partition} went back from {} to {}", before.offset, offset.offset));
            }
            self.committed.insert(partition, offset);
        }
        went_back
    }

    /// OffsetFetch with `require_stable`: refused (UNSTABLE_OFFSET_COMMIT) while a transaction is open over it.
    pub fn fetch(&self, partition: &TopicPartition) -> Result<Option<OffsetAndMetadata>, ()> {
        if self.pending.values().any(|offsets| offsets.contains_key(partition)) {
            return Err(());
        }
        Ok(self.committed.get(partition).cloned())
    }

    /// The position that is decided, even if its marker is still on its way.
    pub fn decided(&self, partition: &TopicPartition, fates: &[Fate]) -> i64 {
        let landed = self.committed.get(partition).map(|offset| offset.offset);
        let decided = self.pending.iter().filter(|(txn, _)| fates[**txn] == Fate::Committed);
        let pending = decided.filter_map(|(_, offsets)| Some(offsets.get(partition)?.offset));
        pending.chain(landed).max().unwrap_or(0)
    }
}
