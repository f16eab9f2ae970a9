//! The way out of a thread's tasks into its producer.

use crate::broker::{Admin, BrokerError, Headers, Producer, TopicHandle};
use crate::error::StreamsError;
use crate::partitioner::partition_for_key;
use crate::task::{OutputTopic, RecordCollector};
use std::collections::HashMap;

/// Sends to the thread's producer; begins a transaction with the first record of one.
pub(super) struct ProducerCollector {
    pub producer: Box<dyn Producer>,
    admin: Box<dyn Admin>,
    transactional: bool,
    in_transaction: bool,
    topics: HashMap<String, OutputTopic>,
    known: Vec<Known>,
}

struct Known {
    handle: TopicHandle,
    partitions: i32,
}

impl ProducerCollector {
    pub fn new(producer: Box<dyn Producer>, admin: Box<dyn Admin>, transactional: bool) -> Self {
        Self { producer, admin, transactional, in_transaction: false, topics: HashMap::new(), known: vec![] }
    }

    /// A new producer in place of one that is of no use any more. Handles that tasks hold stay valid.
    pub fn replace_producer(&mut self, mut producer: Box<dyn Producer>) -> Result<(), StreamsError> {
        let name_handle = |(name, topic): (&String, &OutputTopic)| Ok((*topic, producer.topic(name)?));
        let handles: Vec<(OutputTopic, TopicHandle)> =
            self.topics.iter().map(name_handle).collect::<Result<_, StreamsError>>()?;
        for (topic, handle) in handles {
            self.known[topic.0 as usize].handle = handle;
        }
        (self.producer, self.in_transaction) = (producer, false);
        Ok(())
    }

    /// Whether a transaction is open.
    pub fn in_transaction(&self) -> bool {
        self.in_transaction
    }

    /// Begins a transaction if none is open.
    pub fn begin(&mut self) -> Result<(), StreamsError> {
        if self.transactional && !self.in_transaction {
            self.producer.begin_transaction()?;
            self.in_transaction = true;
        }
        Ok(())
    }

    /// The transaction is over, by commit or abort.
    pub fn ended(&mut self) {
        self.in_transaction = false;
    }

    /// The topic that a producer's handle stands for.
    pub fn topic_of(&self, handle: TopicHandle) -> Option<OutputTopic> {
        let index = self.known.iter().position(|known| known.handle == handle)?;
        Some(OutputTopic(index as u32))
    }
}

impl RecordCollector for ProducerCollector {
    fn topic(&mut self, name: &str) -> Result<OutputTopic, StreamsError> {
        if let Some(topic) = self.topics.get(name) {
            return Ok(*topic);
        }
        let found = self.admin.describe_topics(&[name])?.pop().flatten();
        let Some(description) = found else {
            return Err(StreamsError::Fatal(format!("output topic `{name}` does not exist: create it first")));
        };
        let handle = self.producer.topic(name)?;
        let topic = OutputTopic(self.known.len() as u32);
        self.known.push(Known { handle, partitions: description.partitions });
        self.topics.insert(name.to_owned(), topic);
        Ok(topic)
    }

    fn send(
        &mut self,
        topic: OutputTopic,
        partition: Option<i32>,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &Headers,
    ) -> Result<(), StreamsError> {
        self.begin()?;
        let Known { handle, partitions } = self.known[topic.0 as usize];
        let partition = partition.or_else(|| key.map(|key| partition_for_key(key, partitions)));
        self.producer.send(handle, partition, timestamp, key, value, headers).map_err(unsent)
    }
}

/// A record that the cluster will never take costs the input that it comes from, not the application.
fn unsent(error: BrokerError) -> StreamsError {
    const MESSAGE_TOO_LARGE: i16 = 10;
    const INVALID_RECORD: i16 = 87;
    match error.code {
        Some(MESSAGE_TOO_LARGE | INVALID_RECORD) => StreamsError::SkipRecord(error.to_string()),
        _ => error.into(),
    }
}
