//! Running a topology: threads, group membership, commits, restore, queries.

mod changelog_range;
mod collector;
mod commit;
mod ending;
mod globals;
mod group;
mod instance_state;
mod leader;
mod mending;
#[cfg(test)]
mod one_log;
mod opener;
mod opener_threads;
mod pace;
mod query;
mod recovery;
mod restore;
mod restore_rate;
mod seat;
mod shared;
mod simulated;
mod slots;
mod sources;
mod state_dir;
mod streams;
mod tasks;
mod thread;
mod workers;

pub use instance_state::KafkaStreamsState;
pub use opener::Restored;
pub use query::{QueryRegistry, QueryResult, QueryableStore};
pub use simulated::{Pulse, SimulatedInstance, Simulation, TaskDisks};
pub use streams::{Clock, KafkaStreams, KeyQueryMetadata, SystemClock};
pub use thread::{Now, StreamThread};

/// `transaction.timeout.ms` that producers are made with: the longest that a dead member's open transaction blocks
/// others when nobody fences it.
pub const TRANSACTION_TIMEOUT_MS: i64 = 10_000;
