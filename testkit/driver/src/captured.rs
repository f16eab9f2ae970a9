//! What a task sent: the stand-in for a producer.

use bytes::Bytes;
use comanda_streams::StreamsError;
use comanda_streams::broker::{Headers, RawRecord};
use comanda_streams::task::{OutputTopic, RecordCollector};

/// Keeps records in the order in which they were sent.
#[derive(Default)]
pub(crate) struct Captured {
    topics: Vec<String>,
    sent: Vec<(usize, RawRecord)>,
}

impl Captured {
    /// Takes what was sent since the last call: topic and record.
    pub fn take(&mut self) -> Vec<(String, RawRecord)> {
        let sent = std::mem::take(&mut self.sent);
        sent.into_iter().map(|(topic, record)| (self.topics[topic].clone(), record)).collect()
    }
}

impl RecordCollector for Captured {
    fn topic(&mut self, name: &str) -> Result<OutputTopic, StreamsError> {
        let known = self.topics.iter().position(|topic| topic == name);
        let index = known.unwrap_or_else(|| {
            self.topics.push(name.to_owned());
            self.topics.len() - 1
        });
        Ok(OutputTopic(index as u32))
    }

    fn send(
        &mut self,
        topic: OutputTopic,
        _partition: Option<i32>,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &Headers,
    ) -> Result<(), StreamsError> {
        let record = RawRecord {
            offset: 0,
            timestamp,
            key: key.map(Bytes::copy_from_slice),
            value: value.map(Bytes::copy_from_slice),
            headers: headers.clone(),
        };
        self.sent.push((topic.0 as usize, record));
        Ok(())
    }
}
