//! The crate's own connections, for what librdkafka cannot do: group membership and administration.

mod cluster;
mod connection;
mod sasl;
mod scram;
mod tls;

pub(crate) use cluster::Cluster;
pub(crate) use connection::Connection;
pub(crate) use sasl::{Credentials, Mechanism};
pub(crate) use tls::{BadFile, Pem, Tls};

use kafka_protocol::protocol::StrBytes;
use std::time::Duration;

/// How the crate's own connections are made.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    /// Addresses to begin with.
    pub(crate) bootstrap: Vec<String>,
    /// Name towards brokers.
    pub(crate) client_id: String,
    /// How long an answer may take.
    pub(crate) timeout: Duration,
    /// Encryption, if any.
    pub(crate) tls: Option<Tls>,
    /// Who we are, where brokers ask.
    pub(crate) credentials: Option<Credentials>,
}

/// Kafka's strings from Rust's.
pub(crate) fn text(value: &str) -> StrBytes {
    StrBytes::from_string(value.to_owned())
}
