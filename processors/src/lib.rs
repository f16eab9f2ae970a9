//! Comanda's business: a topology per role over pure rules, run by whoever holds it.
//!
//! What it is not: it opens no socket, reads no clock and starts no thread. Records come in and go out through the
//! engine; serdes are handed in ([`TopicSerdes`]), so that no registry is named here.
#![deny(unsafe_code, missing_docs)]

mod agenda;
pub mod analytics;
mod contract_rules;
pub mod delivery;
mod input;
mod keys;
pub mod order;
pub mod payment;
mod state_codec;
mod time_rules;
mod topic_serdes;

pub use keys::id_keys;
pub use state_codec::state_serde;
pub use topic_serdes::TopicSerdes;
