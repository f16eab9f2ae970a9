//! The analytics role's topology in the test driver, which runs the production task.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod delivery_metrics;
mod endings;
mod eta;
mod eta_evening;
mod evening;
mod popular_items;
mod role;
#[path = "../topologies/serdes.rs"]
mod serdes;
