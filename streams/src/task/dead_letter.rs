//! Bad input goes to the dead-letter topic: the original bytes, with headers saying what was wrong (KIP-1034).

use super::collector::RecordCollector;
use super::queue::BadInput;
use crate::broker::{Headers, RawRecord, TopicPartition};
use crate::config::ErrorHandler;
use crate::error::StreamsError;
use bytes::Bytes;
use std::cell::RefCell;
use std::rc::Rc;

/// Where bad records of a topic go.
pub(crate) fn dead_letter_topic(source: &str) -> String {
    format!("{source}.dead-letter")
}

/// Sends bad records away and counts them.
pub(crate) struct DeadLetters {
    pub collector: Rc<RefCell<dyn RecordCollector>>,
    pub handler: ErrorHandler,
    pub dead_letters: u64,
    pub dropped: u64,
}

impl DeadLetters {
    /// Sends `raw` to `<topic>.dead-letter`.
    pub fn send(
        &mut self,
        exception: &str,
        from: &TopicPartition,
        raw: &RawRecord,
        reason: &str,
    ) -> Result<(), StreamsError> {
        tracing::warn!(topic = %from.topic, partition = from.partition, offset = raw.offset, reason, "dead letter");
        let mut headers = raw.headers.clone();
        let mut add = |name: &str, text: &str| {
            headers.add(&format!("__streams.errors.{name}"), Some(Bytes::copy_from_slice(text.as_bytes())));
        };
        add("exception", exception);
        add("message", reason);
        add("topic", &from.topic);
        add("partition", &from.partition.to_string());
        add("offset", &raw.offset.to_string());
        self.dead_letters += 1;
        self.write(from, raw, &headers)
    }

    fn write(&mut self, from: &TopicPartition, raw: &RawRecord, headers: &Headers) -> Result<(), StreamsError> {
        let mut collector = self.collector.borrow_mut();
        let topic = collector.topic(&dead_letter_topic(&from.topic))?;
        // A timestamp below 0 would be refused by the broker.
        let timestamp = raw.timestamp.max(0);
        collector.send(topic, None, timestamp, raw.key.as_deref(), raw.value.as_deref(), headers)
    }
}

impl BadInput for DeadLetters {
    fn bad_input(&mut self, from: &TopicPartition, raw: &RawRecord, reason: &str) -> Result<(), StreamsError> {
        if self.handler == ErrorHandler::Fail {
            return Err(StreamsError::Fatal(format!("{from} offset {}: {reason}", raw.offset)));
        }
        self.send("DeserializationException", from, raw, reason)
    }

    fn dropped(&mut self) {
        self.dropped += 1;
    }
}
