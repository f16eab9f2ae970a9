//! Analytics: what is popular, how deliveries go, and when an order will arrive. All three learn from events alone.

mod delivery_metrics;
mod eta;
mod popular_items;
mod topology;

pub use popular_items::{POPULAR_ITEMS, popular_items_serde};
pub use topology::{APPLICATION_ID, topology};
