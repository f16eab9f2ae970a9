//! The program as it is run: its commands as processes, on real Kafka, registry and ClickHouse.
#![allow(clippy::unwrap_used)]

mod evening;
mod fixture;
mod instances;
