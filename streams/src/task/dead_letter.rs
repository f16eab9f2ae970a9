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
        self.dead_letters += 1;
        let mut headers = raw.headers.clone();
        describe(&mut headers, exception, from, raw.offset, reason);
        match self.write(from, raw, &headers) {
            Err(StreamsError::SkipRecord(too_large)) => {
                self.send_without_value(exception, from, raw, reason, &too_large)
            }
            other => other,
        }
    }

    /// A letter is larger than its record by its headers, and topics differ in what they take: what cannot be kept is told
    /// of. First the value is left out, then all that comes from outside.
    fn send_without_value(
        &mut self,
        exception: &str,
        from: &TopicPartition,
        raw: &RawRecord,
        reason: &str,
        too_large: &str,
    ) -> Result<(), StreamsError> {
        let size = raw.value.as_ref().map_or(0, Bytes::len).to_string();
        let omitted = |mut headers: Headers, reason: &str| {
            describe(&mut headers, exception, from, raw.offset, reason);
            add(&mut headers, "value.omitted", too_large);
            add(&mut headers, "value.size", &size);
            headers
        };
        let without_value = RawRecord { value: None, ..raw.clone() };
        match self.write(from, &without_value, &omitted(raw.headers.clone(), reason)) {
            Err(StreamsError::SkipRecord(_)) => {}
            other => return other,
        }
        let short: String = reason.chars().take(LONGEST_REASON).collect();
        let bare = RawRecord { key: None, ..without_value };
        self.write(from, &bare, &omitted(Headers::EMPTY, &short)).map_err(|error| match error {
            StreamsError::SkipRecord(reason) => StreamsError::Fatal(format!("dead letter of {from}: {reason}")),
            other => other,
        })
    }

    fn write(&mut self, from: &TopicPartition, raw: &RawRecord, headers: &Headers) -> Result<(), StreamsError> {
        let mut collector = self.collector.borrow_mut();
        let topic = collector.topic(&dead_letter_topic(&from.topic))?;
        // A timestamp below 0 would be refused by the broker.
        let timestamp = raw.timestamp.max(0);
        collector.send(topic, None, timestamp, raw.key.as_deref(), raw.value.as_deref(), headers)
    }
}

/// Characters of a reason, which may quote the record, in a letter that must be small.
const LONGEST_REASON: usize = 1_000;

fn describe(headers: &mut Headers, exception: &str, from: &TopicPartition, offset: i64, reason: &str) {
    add(headers, "exception", exception);
    add(headers, "message", reason);
    add(headers, "topic", &from.topic);
    add(headers, "partition", &from.partition.to_string());
    add(headers, "offset", &offset.to_string());
}

fn add(headers: &mut Headers, name: &str, text: &str) {
    headers.add(&format!("__streams.errors.{name}"), Some(Bytes::copy_from_slice(text.as_bytes())));
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
