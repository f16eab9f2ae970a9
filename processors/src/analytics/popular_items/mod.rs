//! Popular items: delivered quantity in hopping windows, the best ten of each zone and of all.
//!
//! Two levels: [`sales`] sums per (zone, item) and window, wherever the order's partition is; [`ranking`] keeps the best
//! ten per (zone, window) in the one task that has the zone.

mod ranking;
mod sales;
mod topology;

pub(super) use topology::draw;
pub use topology::{POPULAR_ITEMS, popular_items_serde};
