//! Records that no table takes go to `<topic>.dead-letter`, in one transaction with the offset behind their range: each
//! exactly once.

use crate::batch::Rejected;
use bytes::Bytes;
use comanda_streams::broker::{
    Broker, BrokerError, ErrorKind, GroupIdentity, OffsetToCommit, Producer, TopicPartition,
};

/// Name of a topic's dead-letter topic.
pub(crate) fn dead_letter_topic(topic: &str) -> String {
    format!("{topic}.dead-letter")
}

/// The producer of dead letters; made when the first one comes.
pub(crate) struct DeadLetters {
    transactional_id: String,
    producer: Option<Box<dyn Producer>>,
}

/// What became of a transaction that failed.
#[derive(Debug)]
pub(crate) enum Undelivered {
    /// Nothing was sent or committed: again later.
    Again(BrokerError),
    /// It may have been committed: ask the group.
    Unknown(BrokerError),
    /// The member is not current any more.
    Fenced(Option<i16>),
}

impl DeadLetters {
    /// Connects to nothing yet.
    pub fn new(transactional_id: String) -> Self {
        Self { transactional_id, producer: None }
    }

    /// Sends the records of `source` and commits `offset` with them; blocks until that is done.
    pub fn send(
        &mut self,
        broker: &dyn Broker,
        source: &TopicPartition,
        rejected: &[Rejected],
        offset: OffsetToCommit,
        group: &GroupIdentity,
    ) -> Result<(), Undelivered> {
        let mut producer = match self.producer.take() {
            Some(producer) => producer,
            None => self.connect(broker).map_err(Undelivered::Again)?,
        };
        let prepared = prepare(producer.as_mut(), source, rejected, offset, group);
        if let Err(error) = prepared {
            // A producer that cannot abort is dropped; the next one of this id finishes its transaction.
            if producer.abort_transaction().is_ok() {
                self.producer = Some(producer);
            }
            return Err(match error.kind {
                ErrorKind::MemberFenced => Undelivered::Fenced(error.code),
                _ => Undelivered::Again(error),
            });
        }
        producer.commit_transaction().map_err(Undelivered::Unknown)?;
        self.producer = Some(producer);
        Ok(())
    }

    fn connect(&self, broker: &dyn Broker) -> Result<Box<dyn Producer>, BrokerError> {
        let mut producer = broker.producer(Some(&self.transactional_id))?;
        producer.init_transactions()?;
        Ok(producer)
    }
}

fn prepare(
    producer: &mut dyn Producer,
    source: &TopicPartition,
    rejected: &[Rejected],
    offset: OffsetToCommit,
    group: &GroupIdentity,
) -> Result<(), BrokerError> {
    producer.begin_transaction()?;
    let topic = producer.topic(&dead_letter_topic(&source.topic))?;
    for Rejected { record, reason } in rejected {
        tracing::warn!(%source, offset = record.offset, reason, "dead letter");
        let mut headers = record.headers.clone();
        // As the engine names them (KIP-1034).
        let mut add = |name: &str, text: &str| {
            let value = Some(Bytes::copy_from_slice(text.as_bytes()));
            headers.add(&format!("__streams.errors.{name}"), value);
        };
        add("exception", "ClickHouseRowException");
        add("message", reason);
        add("topic", &source.topic);
        add("partition", &source.partition.to_string());
        add("offset", &record.offset.to_string());
        let timestamp = record.timestamp.max(0); // the broker refuses one below 0
        let (key, value) = (record.key.as_deref(), record.value.as_deref());
        producer.send(topic, None, timestamp, key, value, &headers)?;
    }
    producer.flush()?;
    producer.send_offsets(&[offset], group)
}
