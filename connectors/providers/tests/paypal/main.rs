//! Our PayPal client against a stand-in that fails as asked and does not deduplicate.
#![allow(clippy::unwrap_used)]

mod fixture;
mod life;
