//! The domain's rules, our clients and the stand-ins together: many payments under every fault, with webhooks late,
//! twice and out of order. In the end the ledger is the provider's statement.
#![allow(clippy::unwrap_used)]

mod desk;
mod evening;
