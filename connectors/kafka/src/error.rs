//! What goes wrong with settings and on the crate's own connections.

use crate::classify::kind_of_code;
use crate::ffi::Failure;
use comanda_streams::broker::{BrokerError, ErrorKind};
use std::io;

/// A failure of settings or of the crate's own connections.
#[derive(Debug, thiserror::Error)]
pub enum KafkaError {
    /// A setting that the engine keeps for itself.
    #[error("setting {key}={value} is refused: {reason}")]
    RefusedSetting {
        /// The key as given, with its prefix.
        key: String,
        /// Its value.
        value: String,
        /// Why, and what to do instead.
        reason: &'static str,
    },
    /// librdkafka has no such setting.
    #[error("setting {key} is unknown to librdkafka; remove it or correct its name")]
    UnknownSetting {
        /// The key.
        key: String,
    },
    /// librdkafka does not take the value.
    #[error("setting {key}={value} is invalid: {reason}")]
    InvalidSetting {
        /// The key.
        key: String,
        /// Its value.
        value: String,
        /// librdkafka's words.
        reason: String,
    },
    /// Settings that do not go together.
    #[error("librdkafka refuses the client: {reason}")]
    ClientRefused {
        /// librdkafka's words.
        reason: String,
    },
    /// No address of the list answered.
    #[error("no broker reachable at {addresses}: {source}")]
    Unreachable {
        /// The addresses tried.
        addresses: String,
        /// The last failure.
        source: io::Error,
    },
    /// A connection broke or timed out; it is made anew by the next call.
    #[error("connection to {address} failed: {source}")]
    Connection {
        /// The broker.
        address: String,
        /// The failure.
        source: io::Error,
    },
    /// One side does not take the other's certificate.
    #[error(
        "{address} and this client do not trust each other: {reason}; look at ssl.ca.location, ssl.certificate.location and \
         the name in the broker's certificate"
    )]
    Untrusted {
        /// The broker.
        address: String,
        /// TLS's words.
        reason: String,
    },
    /// Bytes that are not the protocol, or a broker too old for it.
    #[error("{address} and this client do not understand each other: {reason}")]
    Protocol {
        /// The broker.
        address: String,
        /// What is wrong.
        reason: String,
    },
    /// Kafka answered with an error code.
    #[error("{reason} (Kafka error {code})")]
    Answer {
        /// Kafka's code.
        code: i16,
        /// Kafka's words, or the code's name.
        reason: String,
    },
}

impl KafkaError {
    /// A refusal by Kafka, in the words of its code.
    pub(crate) fn answer(code: i16) -> Self {
        let reason = Failure::of_code(i32::from(code)).text;
        Self::Answer { code, reason }
    }

    /// What remains possible.
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Unreachable { .. } | Self::Connection { .. } => ErrorKind::Retriable,
            Self::Answer { code, .. } => kind_of_code(i32::from(*code)),
            _ => ErrorKind::Fatal,
        }
    }

    /// The port's error for the call `attempt`.
    pub(crate) fn during(self, attempt: impl Into<String>) -> BrokerError {
        let error = BrokerError::new(self.kind(), attempt, self.to_string());
        match self {
            Self::Answer { code, .. } => error.with_code(code),
            _ => error,
        }
    }
}

/// Kafka's error codes that are told apart elsewhere (protocol guide, "Error codes").
pub(crate) mod kafka {
    pub(crate) const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
    pub(crate) const LEADER_NOT_AVAILABLE: i16 = 5;
    pub(crate) const TOPIC_ALREADY_EXISTS: i16 = 36;
    pub(crate) const INVALID_REPLICATION_FACTOR: i16 = 38;
}
