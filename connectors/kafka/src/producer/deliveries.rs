//! What delivery reports have said since it was last asked: how far each partition reaches, and the first failure.

use crate::ffi::code;
use comanda_streams::broker::{ProducedPartition, TopicHandle};

/// Gathered delivery reports. Partitions are found by index, because every record passes here.
#[derive(Debug, Default)]
pub(crate) struct Deliveries {
    /// By topic number, by partition: offset after the last acknowledged record, or [`NOTHING`].
    reached: Vec<Vec<i64>>,
    failure: Option<DeliveryFailure>,
}

/// The first record that was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DeliveryFailure {
    /// Its topic's number.
    pub(crate) topic: usize,
    /// Its partition.
    pub(crate) partition: i32,
    /// librdkafka's code.
    pub(crate) code: i32,
}

const NOTHING: i64 = -1;

impl Deliveries {
    /// One report. A record that an abort purged is no failure; one acknowledged as a duplicate comes without an
    /// offset, and the position then stays behind, which is safe: more of the log is read again at a restore.
    pub(crate) fn report(&mut self, topic: usize, partition: i32, offset: i64, code: i32) {
        match code {
            0 => self.reach(topic, partition, offset),
            code::PURGE_QUEUE | code::PURGE_INFLIGHT => {}
            code => {
                self.failure.get_or_insert(DeliveryFailure { topic, partition, code });
            }
        }
    }

    fn reach(&mut self, topic: usize, partition: i32, offset: i64) {
        let Ok(index) = usize::try_from(partition) else {
            return;
        };
        if self.reached.len() <= topic {
            self.reached.resize_with(topic + 1, Vec::new);
        }
        let partitions = &mut self.reached[topic];
        if partitions.len() <= index {
            partitions.resize(index + 1, NOTHING);
        }
        if offset >= 0 {
            partitions[index] = partitions[index].max(offset + 1);
        }
    }

    /// Takes the first failure.
    pub(crate) fn take_failure(&mut self) -> Option<DeliveryFailure> {
        self.failure.take()
    }

    /// Takes how far each partition reaches that was written since the last call.
    pub(crate) fn take_reached(&mut self) -> Vec<ProducedPartition> {
        let mut taken = Vec::new();
        for (topic, partitions) in (0..).zip(&mut self.reached) {
            for (partition, next) in (0..).zip(partitions.iter_mut()) {
                let next_offset = std::mem::replace(next, NOTHING);
                if next_offset != NOTHING {
                    taken.push(ProducedPartition { topic: TopicHandle(topic), partition, next_offset });
                }
            }
        }
        taken
    }

    /// Forgets everything: what was acknowledged in an aborted transaction does not count.
    pub(crate) fn forget(&mut self) {
        self.failure = None;
        self.take_reached();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_partition_reaches_past_its_highest_offset_and_is_told_once() {
        let mut deliveries = Deliveries::default();
        for (topic, partition, offset) in [(1, 2, 7), (1, 2, 5), (0, 0, 0)] {
            deliveries.report(topic, partition, offset, 0);
        }
        let reached: Vec<_> =
            deliveries.take_reached().iter().map(|p| (p.topic.0, p.partition, p.next_offset)).collect();
        assert_eq!(reached, [(0, 0, 1), (1, 2, 8)]);
        assert!(deliveries.take_reached().is_empty());
    }

    #[test]
    fn the_first_failure_stays_and_purged_records_are_none() {
        let mut deliveries = Deliveries::default();
        deliveries.report(0, 0, -1001, code::PURGE_QUEUE);
        assert_eq!(deliveries.take_failure(), None);
        deliveries.report(3, 1, -1001, code::MSG_TIMED_OUT);
        deliveries.report(0, 0, -1001, 10);
        assert_eq!(
            deliveries.take_failure(),
            Some(DeliveryFailure { topic: 3, partition: 1, code: code::MSG_TIMED_OUT })
        );
        assert_eq!(deliveries.take_failure(), None);
    }

    #[test]
    fn an_acknowledged_duplicate_without_offset_moves_nothing() {
        let mut deliveries = Deliveries::default();
        deliveries.report(0, 0, 4, 0);
        deliveries.report(0, 0, -1001, 0);
        assert_eq!(deliveries.take_reached()[0].next_offset, 5);
    }
}
