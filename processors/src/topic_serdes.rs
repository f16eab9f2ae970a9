//! The serdes of all topics that the roles read and write, handed in by whoever runs them.

use comanda_schemas::{
    DeliveryCommand, DeliveryEvent, DeliveryMetrics, DriverMessage, DriverState, EtaPredicted, LedgerPosted,
    OrderCommand, OrderEvent, OrderView, PaymentCommand, PaymentEvent, PaymentMethod, PaymentMethodCommand,
    PopularItems, RestaurantCatalog,
};
use comanda_streams::Serde;

/// One serde per topic; see the contract's `topics.yaml`.
#[derive(Clone)]
pub struct TopicSerdes {
    /// `order.commands`
    pub order_commands: Serde<OrderCommand>,
    /// `order.events`
    pub order_events: Serde<OrderEvent>,
    /// `order.views`
    pub order_views: Serde<OrderView>,
    /// `payment.commands`
    pub payment_commands: Serde<PaymentCommand>,
    /// `payment.events`
    pub payment_events: Serde<PaymentEvent>,
    /// `payment.ledger`
    pub payment_ledger: Serde<LedgerPosted>,
    /// `payment.method-commands`
    pub payment_method_commands: Serde<PaymentMethodCommand>,
    /// `payment.methods`
    pub payment_methods: Serde<PaymentMethod>,
    /// `delivery.commands`
    pub delivery_commands: Serde<DeliveryCommand>,
    /// `delivery.events`
    pub delivery_events: Serde<DeliveryEvent>,
    /// `delivery.driver-pings`
    pub driver_pings: Serde<DriverMessage>,
    /// `delivery.drivers`
    pub drivers: Serde<DriverState>,
    /// `restaurant.catalog`
    pub restaurant_catalog: Serde<RestaurantCatalog>,
    /// `analytics.eta`
    pub eta: Serde<EtaPredicted>,
    /// `analytics.popular-items`
    pub popular_items: Serde<PopularItems>,
    /// `analytics.delivery-metrics`
    pub delivery_metrics: Serde<DeliveryMetrics>,
}
