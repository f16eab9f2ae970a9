//! Real Kafka, schema registry and ClickHouse for integration tests, run by the scripts of `deploy/local`.
//!
//! [`Servers`] hands out one shared set, [`OwnServer`] a server that one test may kill and restart. A fixture
//! that cannot be made ends its test with the script's own line. Nothing is left running: a guard process
//! stops each server after the test process has ended, even by `kill -9`.

mod guard;
mod own;
mod ports;
mod script;
mod shared;
mod unique;

pub use own::OwnServer;
pub use ports::free_port;
pub use script::Kind;
pub use shared::Servers;
pub use unique::unique_name;
