//! Delivers Kafka topics to ClickHouse tables, every record exactly once.
//!
//! What it is not: a transformation, or a writer of ClickHouse for anybody else. One topic is one table; which field goes
//! to which column stands in `mappings.yaml`; the tables are made by [`migrate`].
//!
//! # Why a record is in its table once
//! Kafka's transactions end at the topic, ClickHouse has none: it only recognises an insert it has had, by its token. So
//! everything rests on **inserting the same rows under the same token, however often and by whomever**:
//! 1. Records are read read_committed and by offset. What lies between two offsets does not change.
//! 2. Before a range [a, b) is inserted, it is *promised*: the sink commits, as a member of its group, offset a with "b"
//!    in its metadata. Kafka accepts that from the partition's present owner only: the coordinator refuses a commit of an
//!    older generation, and a new owner reads the offsets after the last commit that was accepted.
//! 3. Only a promised range is inserted. One insert holds one range, one table partition (a month), one block, so
//!    ClickHouse writes it whole or not at all; its token names topic (and topic id), partition, range and month.
//! 4. When all of the range is acknowledged, offset b is committed. Records that no table takes go to the dead-letter topic
//!    in one transaction with that commit.
//! 5. Whoever takes the partition over (a restart, another instance) finds a, and b if it was promised, and repeats exactly
//!    [a, b), whatever its own batch sizes are. Rows are a function of records, mapping and table; so tokens and rows are
//!    equal, and ClickHouse drops what it has already.
//!
//! **A zombie**, an instance that lost its partition and does not know it yet, can promise nothing: its commit is fenced. It
//! can only still be inserting the range that it had promised before, which is the range that its heir repeats first. The
//! later of the two is dropped.
//!
//! # What is assumed, and what watches over it
//! - *The table still knows the token when the zombie's insert arrives.* An insert leaves at the latest 30 s after the
//!   thread, within its session, gave it out (the body's reader refuses later, and a connection that is silent for
//!   30 s is closed by ClickHouse, `http_receive_timeout`); ClickHouse gives it up after another 30 s. In that time each of the
//!   topic's partitions makes at most ten inserts a second. `non_replicated_deduplication_window` must be larger than that:
//!   checked at the start, refused with the number needed.
//! - *ClickHouse keeps what it acknowledged.* So it does through `kill -9`; through a power failure only with replicas or
//!   `fsync_after_insert`. If ClickHouse is killed in the instant between writing down a token and adding the part, the
//!   repetition is taken for a duplicate: a gap of ClickHouse's own.
//! - *Nobody truncates, detaches or swaps a table's parts while a range is promised.* Tokens go with the parts.
//! - *A compacted topic* (`order.views`) may lose superseded records between a crash and the repetition: then those versions
//!   may be missing in the table, the newest never.
//! - *Mapping and schema stay the same between a crash and the repetition.* Otherwise a range may be kept in its old form.
//!
//! Offsets are never derived from `max(_offset)` in a table: expiry and swaps lower it.
//!
//! # Shape
//! [`start`] gives a [`SinkHandle`]. One thread steps through membership, reading, promising, inserting and committing
//! (`sink`); a partition's state is a machine without IO (`partition`); inserts are made by threads of their own (`service`),
//! so that the member heartbeats while ClickHouse is slow or away.

mod batch;
mod block;
mod client;
mod column;
mod complaint;
mod config;
mod dead_letter;
mod decoder;
mod error;
mod group;
mod handle;
mod lease;
mod mapping;
mod mark;
mod migrate;
mod observe;
mod partition;
mod request_builder;
mod row_binary;
mod schema;
mod service;
mod sink;
mod slots;
mod sources;
mod table;
mod value;

pub use client::ClickHouse;
pub use config::{ClickHouseConfig, SinkConfig};
pub use error::SinkError;
pub use handle::{SinkHandle, SinkParts, SinkStatus, start};
pub use mapping::Mapping;
pub use migrate::migrate;
