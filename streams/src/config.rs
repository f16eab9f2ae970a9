//! The engine's settings, named as Kafka Streams' (`StreamsConfig`).

use crate::dsl::StoreType;
use crate::error::StreamsError;
use std::path::PathBuf;

/// Brokers take names of 249 bytes; the thread's number is added.
const LONGEST_INSTANCE_ID: usize = 240;

/// What holds when a process dies at any point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProcessingGuarantee {
    /// Each input takes effect once, in state and output (KIP-447 transactions).
    #[default]
    ExactlyOnceV2,
    /// Inputs since the last commit may take effect again.
    AtLeastOnce,
}

/// What happens to a record that cannot be read or processed (KIP-1033, KIP-1034).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ErrorHandler {
    /// It goes to `<topic>.dead-letter` with headers saying why, and processing goes on.
    #[default]
    DeadLetter,
    /// The application stops with the error.
    Fail,
}

/// What happens to an output that cannot be encoded or that its topic refuses, where no record in process can be skipped
/// for it: in a cache's flush or a wall-clock punctuation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProductionHandler {
    /// The application stops with the error.
    #[default]
    Fail,
    /// It is dropped and counted.
    Continue,
}

/// The settings of one application instance.
#[derive(Clone, Debug)]
pub struct StreamsConfig {
    /// `application.id`: consumer group, prefix of internal topics, of transactional ids and of the state directory.
    pub application_id: String,
    /// `processing.guarantee`.
    pub processing_guarantee: ProcessingGuarantee,
    /// `commit.interval.ms`.
    pub commit_interval_ms: i64,
    /// `statestore.cache.max.bytes`, shared evenly by the threads; 0 forwards every update.
    pub statestore_cache_max_bytes: usize,
    /// `num.stream.threads`.
    pub num_stream_threads: usize,
    /// `state.dir`: each instance needs one of its own.
    pub state_dir: PathBuf,
    /// Store type where an operation names none.
    pub default_store_type: StoreType,
    /// `max.task.idle.ms` (KIP-695): 0 waits for records that exist, more also for such as may still be written; below 0
    /// for none.
    pub max_task_idle_ms: i64,
    /// `buffered.records.per.partition`'s successor: bytes that wait per input partition before it is paused.
    pub input_buffer_max_bytes: usize,
    /// `max.poll.interval.ms`: a thread that has not finished a step within it leaves the group.
    pub max_poll_interval_ms: i64,
    /// `session.timeout.ms`: a member not heard of for so long is dead.
    pub session_timeout_ms: i32,
    /// `group.instance.id` (KIP-345): makes each thread a static member, `<id>-<n>` with n from 1. It does not leave the
    /// group on close and has its tasks back when it returns within the session time-out, without a rebalance. Each
    /// instance needs one of its own: letters, digits, `.`, `_` and `-`.
    pub group_instance_id: Option<String>,
    /// `heartbeat.interval.ms`.
    pub heartbeat_interval_ms: i32,
    /// `task.timeout.ms`: how long a task tries again what may succeed later.
    pub task_timeout_ms: i64,
    /// `state.cleanup.delay.ms`: how long after a task has moved away its state is kept on this disk.
    pub state_cleanup_delay_ms: i64,
    /// `metadata.max.age.ms`: how often source topics are looked at for partitions that were added.
    pub metadata_max_age_ms: i64,
    /// Bytes of change logs, keys and values, that this instance reads a second while it restores, over all tasks; 0 as
    /// fast as it goes. Leaves disk and network to tasks that run.
    pub restore_max_bytes_per_s: u64,
    /// `num.standby.replicas`.
    pub num_standby_replicas: usize,
    /// `replication.factor` of internal topics; -1 takes the broker's default.
    pub replication_factor: i32,
    /// `windowstore.changelog.additional.retention.ms`: how much longer than its store a windowed change log keeps
    /// records, by their own times. Whoever processes records of long ago needs it to reach back so far.
    pub windowstore_changelog_additional_retention_ms: i64,
    /// Bytes of memory for the state of all tasks of this instance: half of them for blocks of files, a quarter for writes
    /// that are on their way there, a quarter for entries that are read again. What is not applied comes on top:
    /// `max_uncommitted_bytes` for each thread and `apply_bytes` for each task.
    pub state_memory_bytes: usize,
    /// `application.server`: host:port where this instance answers queries.
    pub application_server: String,
    /// Uncommitted state per thread, in bytes, that forces a commit.
    pub max_uncommitted_bytes: usize,
    /// Committed state per task, in bytes, that is written to RocksDB at the latest.
    pub apply_bytes: usize,
    /// Bytes written to RocksDB after which it is flushed: with `flush_interval_ms` it bounds the tail that a crash
    /// restores.
    pub flush_bytes: usize,
    /// Time after which RocksDB is flushed.
    pub flush_interval_ms: i64,
    /// `deserialization.exception.handler`.
    pub deserialization_handler: ErrorHandler,
    /// `processing.exception.handler`.
    pub processing_handler: ErrorHandler,
    /// `production.exception.handler`; what a change log does not take always stops the application.
    pub production_handler: ProductionHandler,
}

impl StreamsConfig {
    /// Kafka Streams' defaults, with state below `state_dir`.
    pub fn new(application_id: &str, state_dir: impl Into<PathBuf>) -> Self {
        const MIB: usize = 1 << 20;
        Self {
            application_id: application_id.to_owned(),
            processing_guarantee: ProcessingGuarantee::ExactlyOnceV2,
            commit_interval_ms: 100,
            statestore_cache_max_bytes: 10 * MIB,
            num_stream_threads: 1,
            state_dir: state_dir.into(),
            default_store_type: StoreType::RocksDb,
            max_task_idle_ms: 0,
            input_buffer_max_bytes: MIB,
            max_poll_interval_ms: 300_000,
            session_timeout_ms: 6_000,
            group_instance_id: None,
            heartbeat_interval_ms: 500,
            task_timeout_ms: 300_000,
            state_cleanup_delay_ms: 600_000,
            metadata_max_age_ms: 300_000,
            restore_max_bytes_per_s: 0,
            num_standby_replicas: 0,
            replication_factor: -1,
            windowstore_changelog_additional_retention_ms: 24 * 60 * 60 * 1000,
            state_memory_bytes: 256 * MIB,
            application_server: String::new(),
            max_uncommitted_bytes: 32 * MIB,
            apply_bytes: 16 * MIB,
            flush_bytes: 64 * MIB,
            flush_interval_ms: 30_000,
            deserialization_handler: ErrorHandler::DeadLetter,
            processing_handler: ErrorHandler::DeadLetter,
            production_handler: ProductionHandler::Fail,
        }
    }

    /// `group.instance.id` of one stream thread, as Kafka Streams forms it.
    pub(crate) fn instance_id(&self, slot: usize) -> Option<String> {
        self.group_instance_id.as_ref().map(|id| format!("{id}-{}", slot + 1))
    }

    /// Refuses what brokers would refuse later, thread by thread.
    pub(crate) fn check(&self) -> Result<(), StreamsError> {
        let refused = |id: &&String| {
            let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
            id.is_empty() || id.len() > LONGEST_INSTANCE_ID || !id.bytes().all(legal)
        };
        match self.group_instance_id.as_ref().filter(refused) {
            None => Ok(()),
            Some(id) => Err(StreamsError::Fatal(format!(
                "group_instance_id `{id}` is refused: 1 to {LONGEST_INSTANCE_ID} letters, digits, `.`, `_` and `-`"
            ))),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn with_instance(id: &str) -> StreamsConfig {
        StreamsConfig { group_instance_id: Some(id.to_owned()), ..StreamsConfig::new("app", "/nowhere") }
    }

    #[test]
    fn each_thread_is_a_static_member_of_its_own_as_in_kafka_streams() {
        let ids = [0, 1].map(|slot| with_instance("pod-3").instance_id(slot).unwrap());
        assert_eq!(ids, ["pod-3-1", "pod-3-2"]);
        assert_eq!(StreamsConfig::new("app", "/nowhere").instance_id(0), None);
    }

    #[test]
    fn an_instance_id_that_no_broker_takes_is_refused_by_name() {
        for bad in ["", "pod 3", "pod/3", &"x".repeat(241)] {
            let error = with_instance(bad).check().unwrap_err().to_string();
            assert!(error.contains("group_instance_id"), "{error}");
        }
        with_instance("pod_3.a-B").check().unwrap();
    }
}
