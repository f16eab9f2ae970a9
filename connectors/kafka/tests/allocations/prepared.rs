//! A broker whose input is prepared and whose output is only counted; group and administration are the simulator's.

use bytes::Bytes;
use comanda_simulator::SimulatedBroker;
use comanda_streams::broker::{
    Admin, Broker, BrokerError, Consumer, ConsumerRole, Fetched, GroupIdentity, GroupTransport, Headers,
    OffsetAndMetadata, PartitionId, ProducedPartition, Producer, RawRecord, TopicHandle, TopicPartition,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The broker.
pub struct Prepared {
    pub cluster: SimulatedBroker,
    /// Values given out in turn, without end.
    pub values: Vec<Bytes>,
    /// Records sent.
    pub sent: Arc<AtomicU64>,
}

impl Broker for Prepared {
    fn consumer(&self, role: ConsumerRole) -> Result<Box<dyn Consumer>, BrokerError> {
        match role {
            ConsumerRole::Main => Ok(Box::new(Input { values: self.values.clone(), partition: None, next: 0 })),
            role => self.cluster.consumer(role),
        }
    }

    fn producer(&self, _transactional_id: Option<&str>) -> Result<Box<dyn Producer>, BrokerError> {
        Ok(Box::new(Output { sent: self.sent.clone() }))
    }

    fn admin(&self) -> Result<Box<dyn Admin>, BrokerError> {
        self.cluster.admin()
    }

    fn group(&self, group_id: &str) -> Result<Box<dyn GroupTransport>, BrokerError> {
        self.cluster.group(group_id)
    }
}

struct Input {
    values: Vec<Bytes>,
    partition: Option<PartitionId>,
    next: i64,
}

impl Consumer for Input {
    fn assign(&mut self, id: PartitionId, _: &TopicPartition, offset: i64) -> Result<(), BrokerError> {
        (self.partition, self.next) = (Some(id), offset);
        Ok(())
    }

    fn unassign(&mut self, _: PartitionId) -> Result<(), BrokerError> {
        self.partition = None;
        Ok(())
    }

    fn pause(&mut self, _: PartitionId) -> Result<(), BrokerError> {
        Ok(())
    }

    fn resume(&mut self, _: PartitionId) -> Result<(), BrokerError> {
        Ok(())
    }

    fn poll(&mut self, _: Duration, max: usize, out: &mut Vec<Fetched>) -> Result<(), BrokerError> {
        let Some(partition) = self.partition else { return Ok(()) };
        for _ in 0..max {
            let value = self.values[self.next as usize % self.values.len()].clone();
            let (offset, timestamp) = (self.next, self.next);
            let record = RawRecord {
                offset,
                timestamp,
                key: Some(value.slice(..8)),
                value: Some(value),
                ..RawRecord::default()
            };
            out.push(Fetched::Record(partition, record));
            self.next += 1;
        }
        Ok(())
    }

    fn position(&self, _: PartitionId) -> Option<i64> {
        Some(self.next)
    }
}

struct Output {
    sent: Arc<AtomicU64>,
}

impl Producer for Output {
    fn init_transactions(&mut self) -> Result<(), BrokerError> {
        Ok(())
    }

    fn begin_transaction(&mut self) -> Result<(), BrokerError> {
        Ok(())
    }

    fn topic(&mut self, _: &str) -> Result<TopicHandle, BrokerError> {
        Ok(TopicHandle(0))
    }

    fn send(
        &mut self,
        _: TopicHandle,
        _: Option<i32>,
        _: i64,
        _: Option<&[u8]>,
        _: Option<&[u8]>,
        _: &Headers,
    ) -> Result<(), BrokerError> {
        self.sent.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), BrokerError> {
        Ok(())
    }

    fn take_produced(&mut self) -> Vec<ProducedPartition> {
        vec![]
    }

    fn send_offsets(
        &mut self,
        _: &[(TopicPartition, OffsetAndMetadata)],
        _: &GroupIdentity,
    ) -> Result<(), BrokerError> {
        Ok(())
    }

    fn commit_transaction(&mut self) -> Result<(), BrokerError> {
        Ok(())
    }

    fn abort_transaction(&mut self) -> Result<(), BrokerError> {
        Ok(())
    }
}
