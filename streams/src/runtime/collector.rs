//! The way out of a thread's tasks into its producer.

use crate::broker::{Admin, BrokerError, Headers, Producer, TopicHandle};
use crate::error::StreamsError;
use crate::partitioner::partition_for_key;
use crate::task::{OutputTopic, RecordCollector};
use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

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
    name: Arc<str>,
    handle: TopicHandle,
    partitions: i32,
    /// The broker has refused a batch for its size. Records go one by one until it is known which: a batch may be too
    /// large without any of its records being so.
    one_by_one: bool,
    /// The smallest record that the broker has refused for its size; none of that size is sent again.
    refused_bytes: Option<usize>,
    /// Fingerprints of records that the broker has refused for what they are, the newest last; none of them is sent again.
    refused: VecDeque<u64>,
}

/// Kafka's `MESSAGE_TOO_LARGE`.
const MESSAGE_TOO_LARGE: i16 = 10;
/// Kafka's `INVALID_TIMESTAMP` and `INVALID_RECORD` (a null key on a compacted topic): about one record of a batch.
const INVALID: [i16; 2] = [32, 87];
/// Refused records remembered of a topic. One comes again within a transaction or two and is dealt with: of more than
/// these at once the oldest are found out anew.
const MAX_REFUSED: usize = 1_000;

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

    /// Waits until all that was sent has arrived.
    pub fn deliver(&mut self) -> Result<(), StreamsError> {
        self.producer.flush().map_err(|error| self.undelivered(error))?;
        self.known.iter_mut().for_each(|topic| topic.one_by_one = false);
        Ok(())
    }

    /// A record that was refused for its size, or for what it is, takes its transaction along. When it comes again it is
    /// found out, and the time after that it is refused where it is sent, as one that is too large for the client.
    fn undelivered(&mut self, error: BrokerError) -> StreamsError {
        let about_a_record = |code: i16| code == MESSAGE_TOO_LARGE || INVALID.contains(&code);
        let topic = error.undelivered.filter(|_| error.code.is_some_and(about_a_record));
        let Some(known) = self.known.iter_mut().find(|known| Some(known.handle) == topic) else {
            return error.into();
        };
        known.one_by_one = true;
        StreamsError::Aborted(error.to_string())
    }

    /// Sends a record alone, so that a refusal is about it.
    fn deliver_alone(&mut self, topic: OutputTopic, size_bytes: usize, fingerprint: u64) -> Result<(), StreamsError> {
        let Err(error) = self.producer.flush() else { return Ok(()) };
        let known = &mut self.known[topic.0 as usize];
        if error.undelivered == Some(known.handle) && error.code == Some(MESSAGE_TOO_LARGE) {
            tracing::warn!(topic = %known.name, size_bytes, "the broker refuses records of this size");
            known.refused_bytes = Some(size_bytes);
            known.one_by_one = false;
            return Err(StreamsError::Aborted(error.to_string()));
        }
        if error.undelivered == Some(known.handle) && error.code.is_some_and(|code| INVALID.contains(&code)) {
            tracing::warn!(topic = %known.name, %error, "the broker refuses this record");
            known.refused.push_back(fingerprint);
            if known.refused.len() > MAX_REFUSED {
                known.refused.pop_front();
            }
            known.one_by_one = false;
            return Err(StreamsError::Aborted(error.to_string()));
        }
        Err(self.undelivered(error))
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
        let partitions = description.partitions;
        let (one_by_one, refused_bytes, refused) = (false, None, VecDeque::new());
        self.known.push(Known { name: name.into(), handle, partitions, one_by_one, refused_bytes, refused });
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
        let known = &self.known[topic.0 as usize];
        // Walks the headers: only where the topic has refused something.
        let size_bytes = || key.map_or(0, <[u8]>::len) + value.map_or(0, <[u8]>::len) + headers.size();
        if known.refused_bytes.is_some_and(|refused| size_bytes() >= refused) {
            let (size_bytes, name) = (size_bytes(), &known.name);
            let text = format!("{size_bytes} bytes are too large for topic `{name}`: see its max.message.bytes");
            return Err(StreamsError::SkipRecord(text));
        }
        let fingerprint = || fingerprint(timestamp, key, value);
        if !known.refused.is_empty() && known.refused.contains(&fingerprint()) {
            return Err(StreamsError::SkipRecord(format!("topic `{}` refuses the record as invalid", known.name)));
        }
        let (handle, one_by_one) = (known.handle, known.one_by_one);
        let partition = partition.or_else(|| key.map(|key| partition_for_key(key, known.partitions)));
        match self.producer.send(handle, partition, timestamp, key, value, headers) {
            Ok(()) if one_by_one => self.deliver_alone(topic, size_bytes(), fingerprint()),
            Ok(()) => Ok(()),
            Err(error) if error.undelivered.is_some() => Err(self.undelivered(error)),
            Err(error) => Err(unsent(error)),
        }
    }
}

/// A record that the cluster will never take costs the input that it comes from, not the application.
fn unsent(error: BrokerError) -> StreamsError {
    match error.code {
        Some(code) if code == MESSAGE_TOO_LARGE || INVALID.contains(&code) => {
            StreamsError::SkipRecord(error.to_string())
        }
        _ => error.into(),
    }
}

/// What a record is known by when it comes again.
fn fingerprint(timestamp: i64, key: Option<&[u8]>, value: Option<&[u8]>) -> u64 {
    let mut hasher = DefaultHasher::new();
    (timestamp, key, value).hash(&mut hasher);
    hasher.finish()
}
