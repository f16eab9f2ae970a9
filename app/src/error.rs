//! What keeps the program from doing what it was told.

use comanda_streams::StreamsError;
use comanda_streams::broker::BrokerError;

/// An error of the command line: each says what was attempted.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// Kafka.
    #[error("Kafka: {0}")]
    Broker(#[from] BrokerError),
    /// Settings of the Kafka clients.
    #[error("Kafka settings: {0}")]
    Kafka(#[from] comanda_kafka::KafkaError),
    /// The schema registry.
    #[error("schema registry: {0}")]
    Registry(#[from] comanda_registry::RegistryError),
    /// A role.
    #[error("role {role}: {error}")]
    Role {
        /// Which.
        role: &'static str,
        /// Why.
        error: StreamsError,
    },
    /// ClickHouse or the sink.
    #[error("ClickHouse sink: {0}")]
    Sink(#[from] comanda_clickhouse::SinkError),
    /// The payment providers, or their settings.
    #[error("payments: {0}")]
    Payments(String),
    /// The edge.
    #[error("edge: {0}")]
    Edge(String),
    /// The evening's file.
    #[error("evening: {0}")]
    Evening(#[from] comanda_city::CityError),
    /// A file or thread.
    #[error("{attempt}: {error}")]
    Io {
        /// What was attempted.
        attempt: String,
        /// What the system said.
        error: std::io::Error,
    },
}

impl AppError {
    /// A failed system call.
    pub fn io(attempt: impl Into<String>, error: std::io::Error) -> Self {
        Self::Io { attempt: attempt.into(), error }
    }
}
