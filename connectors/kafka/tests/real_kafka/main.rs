//! The port against a real broker: what the engine's exactly-once rests on.
#![allow(clippy::unwrap_used)]

mod administration;
mod fixture;
mod membership;
mod outage;
mod reading;
mod secured;
mod transactions;
