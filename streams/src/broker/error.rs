//! Failures of the cluster, by what can be done about them.

use super::TopicHandle;
use std::fmt;

/// What remains possible after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The same call may succeed later (broker away, coordinator moving).
    Retriable,
    /// The transaction must be aborted; the producer stays usable (KIP-360).
    Abortable,
    /// The member or its generation is not current any more: ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID,
    /// FENCED_INSTANCE_ID. Abort; the tasks are lost.
    MemberFenced,
    /// A newer producer has this transactional id, or the broker gave up the transaction: PRODUCER_FENCED,
    /// INVALID_PRODUCER_EPOCH. The producer must be closed.
    ProducerFenced,
    /// A commit was sent and no answer came: rebuild the producer, then look at the committed offsets.
    UnknownOutcome,
    /// Topic or partition does not exist.
    UnknownTopic,
    /// The client refuses or broke down: wrong settings, authentication, a bug.
    Fatal,
}

/// A failed call: what was attempted, on what, and what Kafka said.
#[derive(Clone, Debug, thiserror::Error)]
pub struct BrokerError {
    /// What remains possible.
    pub kind: ErrorKind,
    /// Kafka's protocol error code, where there is one.
    pub code: Option<i16>,
    /// The call and its object, e.g. `send_offsets for group orders`.
    pub attempt: String,
    /// Kafka's or the client's words.
    pub reason: String,
    /// The topic of the record that was sent but not delivered, where that is the failure.
    pub undelivered: Option<TopicHandle>,
}

impl BrokerError {
    /// A failure of `attempt`.
    pub fn new(kind: ErrorKind, attempt: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { kind, code: None, attempt: attempt.into(), reason: reason.into(), undelivered: None }
    }

    /// The same with Kafka's error code.
    pub fn with_code(mut self, code: i16) -> Self {
        self.code = Some(code);
        self
    }
}

impl fmt::Display for BrokerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.attempt, self.reason)?;
        if let Some(code) = self.code {
            write!(f, " (Kafka error {code})")?;
        }
        write!(f, " [{:?}]", self.kind)
    }
}
