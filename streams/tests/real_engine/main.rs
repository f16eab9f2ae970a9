//! The engine under real fire: processes that are killed, brokers that go away, input that is bad. Logs with RUST_LOG.
#![allow(clippy::unwrap_used)]

mod agreement;
mod applications;
mod backlog;
mod bad_input;
mod child;
mod computed_topic;
mod disk;
mod disk_faults;
mod feed;
mod fixture;
mod globals;
mod kills;
mod life;
mod outage;
mod oversize;
mod refusals;
mod returning;
mod sharing;
mod sizing;
