//! The analytics role's topology: what happens to orders, deliveries and drivers in, three statistics out.

use super::{delivery_metrics, eta, popular_items};
use crate::TopicSerdes;
use crate::keys::id_keys;
use comanda_streams::{Consumed, StreamsBuilder, StreamsError, Topology};

/// `application.id` of the role.
pub const APPLICATION_ID: &str = "analytics";

/// Draws the role's topology. Drivers' pings, 97 % of all records, are not read: who is on shift is in `delivery.drivers`,
/// and the distance from the driver to the restaurant comes with each assignment.
///
/// # Errors
/// If the engine finds a contradiction in it.
pub fn topology(serdes: &TopicSerdes) -> Result<Topology, StreamsError> {
    let builder = StreamsBuilder::new();
    let orders = builder.stream("order.events", Consumed::with(id_keys(), serdes.order_events.clone()));
    let deliveries = builder.stream("delivery.events", Consumed::with(id_keys(), serdes.delivery_events.clone()));
    let drivers = builder.stream("delivery.drivers", Consumed::with(id_keys(), serdes.drivers.clone()));
    popular_items::draw(&builder, &orders, serdes);
    delivery_metrics::draw(&orders, serdes);
    eta::draw(&builder, &orders, &deliveries, &drivers, serdes);
    builder.build()
}
