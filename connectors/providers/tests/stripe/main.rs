//! Our Stripe client against a stand-in that fails as asked and does not deduplicate; Stripe's own SDK beside it.
#![allow(clippy::unwrap_used)]

mod faults;
mod fixture;
mod life;
mod sdk;
mod webhooks;
