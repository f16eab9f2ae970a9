//! The way out of a task: outputs, change-log and dead-letter records all go through it.

use crate::broker::Headers;
use crate::error::StreamsError;

/// A collector's number for a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OutputTopic(pub u32);

/// Takes what tasks send. The thread's writes to its producer, the test driver's keeps it.
pub trait RecordCollector {
    /// The handle of `name`; asking again gives the same one.
    fn topic(&mut self, name: &str) -> Result<OutputTopic, StreamsError>;

    /// Sends a record. Without a given partition a key is placed by murmur2 and a null key anywhere.
    fn send(
        &mut self,
        topic: OutputTopic,
        partition: Option<i32>,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &Headers,
    ) -> Result<(), StreamsError>;
}
