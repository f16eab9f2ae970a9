//! Inputs, fed while everything goes on.

use super::instance::EPOCH_MS;
use super::{MOST_INPUTS, World};
use crate::applications::Input;
use crate::cluster::{Cluster, Fate};
use comanda_streams::broker::{RawRecord, TopicPartition};
use comanda_streams::partitioner::partition_for_key;
use std::collections::BTreeSet;

/// A byte that no UTF-8 text has.
const NO_TEXT: u8 = 0xff;

impl World {
    /// Inputs, alone or in transactions, some of which are aborted: those must not be seen.
    pub(super) fn feed(&self) {
        let mut parts = self.deployments[0].parts_mut();
        let mut cluster = self.cluster();
        if self.inputs.get() >= MOST_INPUTS || !cluster.dice.once_in(6) {
            return;
        }
        let any = cluster.dice.below(parts.len() as u64) as usize;
        let now_ms = EPOCH_MS + cluster.now_ms;
        let cluster = &mut *cluster;
        let aborted = cluster.dice.once_in(8);
        let inputs = parts[any].inputs(&mut cluster.dice, now_ms);
        self.inputs.set(self.inputs.get() + inputs.len());
        match cluster.dice.below(3) {
            _ if aborted => cluster.feed(&inputs, Some(false)),
            0 => cluster.feed(&inputs, Some(true)),
            _ => cluster.feed(&inputs, None),
        }
    }

    pub(super) fn feed_last(&self) {
        let mut parts = self.deployments[0].parts_mut();
        let mut cluster = self.cluster();
        let now_ms = EPOCH_MS + cluster.now_ms;
        parts.iter_mut().for_each(|part| cluster.feed(&part.last_inputs(now_ms), None));
    }
}

impl Cluster {
    /// Appends inputs: outside transactions, or in one that is committed or aborted at once.
    pub(super) fn feed(&mut self, inputs: &[Input], committed: Option<bool>) {
        let txn = committed.map(|committed| {
            self.fates.push(if committed { Fate::Committed } else { Fate::Aborted });
            self.fates.len() - 1
        });
        let mut touched = BTreeSet::new();
        for input in inputs {
            let partitions = self.describe(input.topic).map_or(1, |topic| topic.partitions);
            let partition = partition_for_key(input.key.as_bytes(), partitions);
            let place = TopicPartition::new(input.topic, partition);
            let mut value = input.value.clone().map(String::into_bytes);
            if self.dice.once_in(self.faults.spoil_one_in) {
                value.get_or_insert_default().insert(0, NO_TEXT);
                self.note("unreadable record");
            }
            let record = RawRecord {
                timestamp: input.timestamp,
                key: Some(input.key.clone().into_bytes().into()),
                value: value.map(Into::into),
                ..Default::default()
            };
            if let Some(log) = self.logs.get_mut(&place) {
                log.append(txn, record);
                touched.insert(place);
            }
        }
        for place in touched {
            if let (Some(txn), Some(log)) = (txn, self.logs.get_mut(&place)) {
                log.mark(txn);
            }
        }
    }
}
