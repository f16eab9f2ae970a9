//! The sink between real Kafka, schema registry and ClickHouse (as `deploy/local` starts them).
#![allow(clippy::unwrap_used)]

mod bad_rows;
mod child;
mod delivery;
mod fixture;
mod kills;
mod outage;
mod proxy;
mod startup;
