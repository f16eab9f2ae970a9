//! The order role's topology: four topics, all keyed by order, meet in one processor over the store `orders`, beside the
//! restaurants' catalogues as a global table.

use super::placing::RefusedOrder;
use super::processor::{Handles, OrderProcessor};
use super::reaction::{OrderInput, OrderOutput};
use super::state::OrderState;
use crate::TopicSerdes;
use crate::agenda::agenda_store;
use crate::contract_rules::check_record;
use crate::input::outsiders;
use crate::keys::id_keys;
use crate::state_codec::state_serde;
use comanda_schemas::{OrderId, RestaurantCatalog, RestaurantId};
use comanda_streams::{
    Consumed, GlobalKTable, KStream, Produced, Serde, Stores, StreamsBuilder, StreamsError, Topology,
};

/// `application.id` of the role.
pub const APPLICATION_ID: &str = "order";
/// Store with the state of every order, fed directly by `order.commands`: key [`OrderId`], value [`OrderState`].
pub const ORDERS: &str = "orders";
/// Store with the next time limit of every order.
pub const ORDER_DEADLINES: &str = "order-deadlines";

/// Store with the orders that were refused lately: key [`OrderId`], value [`RefusedOrder`].
pub const ORDER_REFUSALS: &str = "order-refusals";

/// Serdes of the store [`ORDERS`], for those who query it.
pub fn orders_serde() -> (Serde<OrderId>, Serde<OrderState>) {
    (id_keys(), state_serde())
}

/// Serdes of the store [`ORDER_REFUSALS`], for those who query it.
pub fn refusals_serde() -> (Serde<OrderId>, Serde<RefusedOrder>) {
    (id_keys(), state_serde())
}

/// Draws the role's topology.
///
/// # Errors
/// If the engine finds a contradiction in it.
pub fn topology(serdes: &TopicSerdes) -> Result<Topology, StreamsError> {
    let builder = StreamsBuilder::new();
    let (order_keys, states) = orders_serde();
    let orders = builder.add_state_store(Stores::key_value_store(ORDERS, order_keys, states));
    let deadlines = builder.add_state_store(agenda_store(ORDER_DEADLINES));
    let (refusal_keys, refusals) = refusals_serde();
    let refusals = builder.add_state_store(Stores::key_value_store(ORDER_REFUSALS, refusal_keys, refusals));
    let handles = Handles { orders, deadlines, refusals, catalogs: catalogs(&builder, serdes) };
    let connected = handles.clone();
    let outputs =
        inputs(&builder, serdes).process("order", &connected.stores(), move |init| OrderProcessor::new(init, &handles));
    write(&outputs, serdes);
    builder.build()
}

/// What every restaurant sells, whole before the first order is taken in.
fn catalogs(builder: &StreamsBuilder, serdes: &TopicSerdes) -> GlobalKTable<RestaurantId, RestaurantCatalog> {
    let consumed = Consumed::with(id_keys(), serdes.restaurant_catalog.clone()).with_validation(check_catalog);
    builder.global_table("restaurant.catalog", consumed, None)
}

/// A restaurant that has gone has a key and no value.
fn check_catalog(key: Option<&RestaurantId>, catalog: Option<&RestaurantCatalog>) -> Result<(), String> {
    if key.is_some() && catalog.is_none() { Ok(()) } else { check_record(key, catalog) }
}

fn inputs(builder: &StreamsBuilder, serdes: &TopicSerdes) -> KStream<OrderId, OrderInput> {
    let commands = outsiders(builder, "order.commands", id_keys(), serdes.order_commands.clone())
        .map_values(|_, command| command.map(OrderInput::Command));
    let payments = outsiders(builder, "payment.events", id_keys(), serdes.payment_events.clone())
        .map_values(|_, event| event.map(OrderInput::Payment));
    let deliveries = builder
        .stream("delivery.events", Consumed::with(id_keys(), serdes.delivery_events.clone()))
        .map_values(|_, event| event.map(OrderInput::Delivery));
    let estimates = builder
        .stream("analytics.eta", Consumed::with(id_keys(), serdes.eta.clone()))
        .map_values(|_, eta| eta.map(OrderInput::Eta));
    commands.merge(&payments).merge(&deliveries).merge(&estimates)
}

fn write(outputs: &KStream<OrderId, OrderOutput>, serdes: &TopicSerdes) {
    let branches = outputs.branch(vec![
        Box::new(|_, output| matches!(output, Some(OrderOutput::Event(_)))),
        Box::new(|_, output| matches!(output, Some(OrderOutput::Payment(_)))),
        Box::new(|_, output| matches!(output, Some(OrderOutput::Delivery(_)))),
    ]);
    let [events, payments, deliveries, views] = <[KStream<OrderId, OrderOutput>; 4]>::try_from(branches)
        .unwrap_or_else(|_| unreachable!("branch yields one stream per predicate and one more"));
    let event = |_: Option<&OrderId>, output| if let Some(OrderOutput::Event(e)) = output { Some(e) } else { None };
    let payment = |_: Option<&OrderId>, output| if let Some(OrderOutput::Payment(c)) = output { Some(c) } else { None };
    let delivery =
        |_: Option<&OrderId>, output| if let Some(OrderOutput::Delivery(c)) = output { Some(c) } else { None };
    let view = |_: Option<&OrderId>, output| if let Some(OrderOutput::View(v)) = output { Some(v) } else { None };
    events.map_values(event).to("order.events", Produced::with(id_keys(), serdes.order_events.clone()));
    payments.map_values(payment).to("payment.commands", Produced::with(id_keys(), serdes.payment_commands.clone()));
    deliveries
        .map_values(delivery)
        .to("delivery.commands", Produced::with(id_keys(), serdes.delivery_commands.clone()));
    views.map_values(view).to("order.views", Produced::with(id_keys(), serdes.order_views.clone()));
}
