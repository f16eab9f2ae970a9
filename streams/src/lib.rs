//! Comanda Streams: the equivalent of Kafka Streams for Rust, an embeddable library with exactly-once state.
//!
//! What it is not: a cluster, a server or a client for Kafka. Kafka is reached through the [`broker`] port, state
//! through `comanda-state-stores`.

pub mod broker;
