//! What keeps a benchmark from giving figures.

use crate::workload::Workload;
use comanda_kafka::KafkaError;
use comanda_streams::StreamsError;
use comanda_streams::broker::BrokerError;

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The engine's.
    #[error(transparent)]
    Streams(#[from] StreamsError),
    /// A setting of the connector.
    #[error(transparent)]
    Settings(#[from] KafkaError),
    /// The broker's.
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// A file or a process.
    #[error("{attempt}: {cause}")]
    Io {
        /// What was tried.
        attempt: String,
        /// Why it failed.
        cause: std::io::Error,
    },
    /// `/proc` or an engine's line of figures does not read as expected.
    #[error("cannot read {what}: {text}")]
    Unreadable {
        /// What was read.
        what: &'static str,
        /// What stood there.
        text: String,
    },
    /// The engine stopped before the backlog was processed.
    #[error("the run stopped early: {0}")]
    Stopped(String),
    /// A run of one engine ended with an error.
    #[error("{engine} ended with {status}")]
    RunFailed {
        /// Which engine.
        engine: &'static str,
        /// The process's exit status.
        status: std::process::ExitStatus,
    },
    /// The engines disagree: figures would say nothing.
    #[error("{workload}: outputs differ, in {difference}")]
    OutputsDiffer {
        /// In which workload.
        workload: Workload,
        /// Where the first difference is.
        difference: String,
    },
}

impl BenchError {
    /// A file or process failed.
    pub fn io(attempt: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let attempt = attempt.into();
        move |cause| Self::Io { attempt, cause }
    }
}
