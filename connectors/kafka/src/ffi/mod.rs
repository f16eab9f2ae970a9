//! All contact with librdkafka, below rdkafka's safe API: the only place with `unsafe` (see findings: flush in 100 ms
//! steps, a look-up and an allocation per record).
//!
//! Each file wraps one C object so that its safe methods cannot be misused: topics and queues keep their client alive,
//! a batch owns its messages. Nothing here knows the engine's rules.

// One wrapper per block is clearer than one comment per line; each `unsafe` block still says why it holds.
#![deny(unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]

mod client;
mod config;
mod failure;
mod fetch;
mod produce;
mod topic;
mod transaction;
mod waking;

pub(crate) use client::{Client, FlushState};
pub(crate) use config::Config;
pub(crate) use failure::{Failure, code};
pub(crate) use fetch::{Event, FetchQueue, Message};
pub(crate) use produce::Outgoing;
pub(crate) use topic::Topic;
