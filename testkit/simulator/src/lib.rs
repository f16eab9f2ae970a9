//! A whole application under a seeded simulator: the production stream threads on a cluster and disks in memory.
//!
//! **What it is.** A cluster (logs with offsets, transactions with markers, group coordinators, retention, cleaning) behind
//! the engine's `Broker` port, disks that lose what is not flushed, and a world that steps the
//! [`comanda_streams::StreamThread`]s of some instances of one or two applications in an order, at times and with faults
//! that one seed decides. Afterwards everything is compared with what a naive computation over the committed inputs says:
//! each input once, or for runs without transactions at least once.
//!
//! **What it is not.** A model of Kafka's performance, replication or security. Produce requests do not arrive after their
//! transaction has ended (KIP-890), and topics that are read from are not made again: the engine tells change logs apart by
//! topic id, inputs by name.
//!
//! A run is single-threaded; a broker call that lasts lets the world go on within it, so that a zombie is a call that
//! returns late.
#![deny(unsafe_code, missing_docs)]

mod applications;
mod client;
mod cluster;
mod dice;
mod faults;
mod world;

pub use client::SimulatedBroker;
pub use faults::Faults;
pub use world::{Report, run};
