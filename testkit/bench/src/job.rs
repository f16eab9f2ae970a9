//! One run of one engine: what its process is told, with the settings that follow from it.

use crate::workload::Workload;
use comanda_streams::{ProcessingGuarantee, StreamsConfig};
use std::path::PathBuf;

/// `session.timeout.ms` of both engines, as short as brokers allow.
const SESSION_TIMEOUT_MS: i32 = 6_000;

/// One run of one engine.
#[derive(Clone, Debug, clap::Args)]
pub struct Job {
    /// What to run.
    pub workload: Workload,
    /// host:port of a broker.
    #[arg(long)]
    pub bootstrap: String,
    /// `application.id`.
    #[arg(long)]
    pub id: String,
    /// Topic with the input.
    #[arg(long)]
    pub input: String,
    /// Topic for the results; it must exist.
    #[arg(long)]
    pub output: String,
    /// State directory.
    #[arg(long)]
    pub state: PathBuf,
    /// Records in the backlog; of no meaning to an engine that serves.
    #[arg(long)]
    pub records: u64,
    /// `commit.interval.ms`.
    #[arg(long)]
    pub commit_ms: i64,
}

impl Job {
    /// What both engines are told, by the names and in the order of the fields.
    pub fn arguments(&self) -> [(&'static str, String); 7] {
        [
            ("bootstrap", self.bootstrap.clone()),
            ("id", self.id.clone()),
            ("input", self.input.clone()),
            ("output", self.output.clone()),
            ("state", self.state.display().to_string()),
            ("records", self.records.to_string()),
            ("commit-ms", self.commit_ms.to_string()),
        ]
    }

    /// Our engine's settings; the peer's are in `Settings.java`.
    pub fn config(&self) -> StreamsConfig {
        StreamsConfig {
            processing_guarantee: ProcessingGuarantee::ExactlyOnceV2,
            commit_interval_ms: self.commit_ms,
            num_stream_threads: 1,
            statestore_cache_max_bytes: self.workload.cache_bytes(),
            session_timeout_ms: SESSION_TIMEOUT_MS,
            // A static member has its tasks back at once: a restart then takes no longer than its restore.
            group_instance_id: Some("bench".to_owned()),
            ..StreamsConfig::new(&self.id, &self.state)
        }
    }
}
