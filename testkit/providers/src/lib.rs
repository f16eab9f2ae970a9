//! Payment providers to be had on one machine: they speak Stripe's and PayPal's APIs, keep accounts of their own and
//! fail as asked.
//!
//! Not courteous: what is asked for twice is done twice, whatever its idempotency key, unless a stand-in is told to
//! deduplicate. What it is not: a model of every field; it has those that our clients and the vendors' SDKs need.
#![deny(unsafe_code, missing_docs)]

mod fault;
pub mod paypal;
mod server;
pub mod stripe;

pub use fault::Fault;
