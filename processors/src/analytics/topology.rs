//! The analytics role's topology: two event topics, three statistics.

use super::{delivery_metrics, eta, popular_items};
use crate::TopicSerdes;
use crate::keys::id_keys;
use comanda_streams::{Consumed, StreamsBuilder, StreamsError, Topology};

/// `application.id` of the role.
pub const APPLICATION_ID: &str = "analytics";

/// Draws the role's topology. Drivers' pings, 97 % of all records, are not read: the distance from the driver to the
/// restaurant comes with each assignment.
///
/// # Errors
/// If the engine finds a contradiction in it.
pub fn topology(serdes: &TopicSerdes) -> Result<Topology, StreamsError> {
    let builder = StreamsBuilder::new();
    let orders = builder.stream("order.events", Consumed::with(id_keys(), serdes.order_events.clone()));
    let deliveries = builder.stream("delivery.events", Consumed::with(id_keys(), serdes.delivery_events.clone()));
    popular_items::draw(&builder, &orders, serdes);
    delivery_metrics::draw(&orders, serdes);
    eta::draw(&builder, &orders, &deliveries, serdes);
    builder.build()
}
