//! Reads a whole topic, committed records only, from the start.

use crate::error::AppError;
use comanda_registry::{AvroDeserializer, DecodeError, SchemaRegistry};
use comanda_schemas::Message;
use comanda_streams::StreamsError;
use comanda_streams::broker::{Broker, Consumer, ConsumerRole, Fetched, PartitionId, RawRecord, TopicPartition};
use std::sync::Arc;
use std::time::Duration;

/// A reader of all partitions of one topic.
pub struct TopicReader {
    consumer: Box<dyn Consumer>,
    at_end: Vec<bool>,
}

impl TopicReader {
    /// Reads from the first record on.
    pub fn from_start(broker: &dyn Broker, topic: &str) -> Result<Self, AppError> {
        let found = broker.admin()?.describe_topics(&[topic])?.pop().flatten();
        let partitions = found.map_or(0, |topic| topic.partitions);
        let mut consumer = broker.consumer(ConsumerRole::Restore)?;
        for partition in 0..partitions {
            consumer.assign(PartitionId(partition as u32), &TopicPartition::new(topic, partition), 0)?;
        }
        Ok(Self { consumer, at_end: vec![false; partitions as usize] })
    }

    /// What has come.
    pub fn poll(&mut self) -> Result<Vec<RawRecord>, AppError> {
        self.poll_for(Duration::ZERO)
    }

    /// Everything there is now.
    pub fn read_to_end(&mut self) -> Result<Vec<RawRecord>, AppError> {
        let mut records = vec![];
        while !self.at_end.iter().all(|end| *end) {
            records.extend(self.poll_for(Duration::from_millis(100))?);
        }
        Ok(records)
    }

    fn poll_for(&mut self, wait: Duration) -> Result<Vec<RawRecord>, AppError> {
        let mut fetched = vec![];
        self.consumer.poll(wait, 10_000, &mut fetched)?;
        let mut records = vec![];
        for item in fetched {
            match item {
                Fetched::Record(partition, record) => {
                    self.at_end[partition.0 as usize] = false;
                    records.push(record);
                }
                Fetched::End { partition, .. } => self.at_end[partition.0 as usize] = true,
                Fetched::OutOfRange(partition) => self.at_end[partition.0 as usize] = true,
            }
        }
        Ok(records)
    }
}

/// All values of a topic that is written by roles only.
pub fn decoded<M: Message>(
    broker: &dyn Broker,
    registry: &Arc<dyn SchemaRegistry>,
    topic: &str,
) -> Result<Vec<M>, AppError> {
    let reader = AvroDeserializer::<M>::new(registry.clone());
    let mut values = vec![];
    for record in TopicReader::from_start(broker, topic)?.read_to_end()? {
        let Some(value) = record.value else { continue };
        let failed = |error: DecodeError| AppError::Role {
            role: "reader",
            error: StreamsError::Fatal(format!("{topic}: {error}")),
        };
        values.push(reader.read(&value).map_err(failed)?);
    }
    Ok(values)
}
