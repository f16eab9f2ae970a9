//! The order role in the test driver: messages in, what it says out, in short words.

use crate::messages::{LONG_AFTER_S, at, catalog, order_id};
use crate::serdes::topic_serdes;
use comanda_processors::{TopicSerdes, id_keys, order};
use comanda_schemas::*;
use comanda_streams::broker::RawRecord;
use comanda_streams::{StreamsConfig, StreamsError};
use comanda_streams_test::TopologyTestDriver;
use std::collections::BTreeMap;

pub struct OrderRole {
    pub driver: TopologyTestDriver,
    pub serdes: TopicSerdes,
    /// The latest view.
    pub view: Option<OrderView>,
    /// The latest view of every order.
    views: BTreeMap<OrderId, OrderView>,
    /// The commands to payment in what was said last.
    pub payments: Vec<PaymentCommand>,
    /// All commands to payment.
    asked: Vec<PaymentCommand>,
}

/// Any message that the role reads.
pub enum Message {
    Command(OrderCommand),
    Payment(PaymentEvent),
    Delivery(DeliveryEvent),
    Eta(EtaPredicted),
}

macro_rules! messages {
    ($($variant:ident($topic:ty): $($event:ident),*;)*) => {$($(
        impl From<$event> for Message {
            fn from(event: $event) -> Self {
                Message::$variant(<$topic>::from(event))
            }
        }
    )*)*};
}

messages! {
    Command(OrderCommand): PlaceOrder, CancelOrder, AcceptOrder, RejectOrder, StartPreparing, MarkReady;
    Payment(PaymentEvent): PaymentAuthorized, PaymentCaptured, PaymentVoided, PaymentRefunded, PaymentFailed;
    Delivery(DeliveryEvent): DeliveryAssigned, DeliveryDeclined, DeliveryPickedUp, DeliveryInTransit, DeliveryDelivered,
        DeliveryFailed, DeliveryCancelled;
    Eta(EtaPredicted): EtaPredicted;
}

impl OrderRole {
    /// After the evening, as a role that catches up: only what the records say moves time.
    pub fn new() -> Self {
        Self::with_clock(at(LONG_AFTER_S).millis())
    }

    /// With the clock at `now_ms`.
    pub fn with_clock(now_ms: i64) -> Self {
        let serdes = topic_serdes();
        let topology = order::topology(&serdes).unwrap();
        let driver = TopologyTestDriver::with_config(&topology, StreamsConfig::new("test", ""), now_ms).unwrap();
        let mut role = Self { driver, serdes, view: None, views: BTreeMap::new(), payments: vec![], asked: vec![] };
        role.publish(catalog());
        role
    }

    /// Why an order is refused, in a code and a sentence.
    pub fn refusal_of(&mut self, order: PlaceOrder) -> String {
        self.pipe("order.commands", self.serdes.order_commands.clone(), OrderCommand::from(order));
        let events = self.read("order.events", self.serdes.order_events.clone());
        match &events[..] {
            [OrderEvent::OrderCommandRejected(e)] => format!("{}: {}", e.reason.symbol(), e.detail.as_ref().unwrap()),
            other => panic!("{other:?}"),
        }
    }

    /// The restaurant's catalogue from now on.
    pub fn publish(&mut self, catalog: RestaurantCatalog) {
        self.offer(catalog).unwrap();
    }

    /// A catalogue that may break a rule.
    pub fn offer(&mut self, catalog: RestaurantCatalog) -> Result<(), StreamsError> {
        let (keys, values) = (id_keys::<RestaurantId>(), self.serdes.restaurant_catalog.clone());
        let (key, time) = (catalog.restaurant_id, catalog.envelope.occurred_at.millis());
        self.driver.input_topic("restaurant.catalog", keys, values).pipe(&mut self.driver, key, catalog, time)
    }

    /// Sends a message; what the role says to it, views left out.
    pub fn send(&mut self, message: impl Into<Message>) -> Vec<String> {
        let TopicSerdes { order_commands, payment_events, delivery_events, eta, .. } = self.serdes.clone();
        match message.into() {
            Message::Command(value) => self.pipe("order.commands", order_commands, value),
            Message::Payment(value) => self.pipe("payment.events", payment_events, value),
            Message::Delivery(value) => self.pipe("delivery.events", delivery_events, value),
            Message::Eta(value) => self.pipe("analytics.eta", eta, value),
        }
        self.said()
    }

    /// Sends a command in a record with a timestamp of its own; what the role says to it.
    pub fn send_stamped(&mut self, timestamp_ms: i64, command: impl Into<OrderCommand>) -> Vec<String> {
        let command = command.into();
        let key: OrderId = comanda_schemas::Message::key(&command).unwrap().parse().unwrap();
        let input = self.driver.input_topic("order.commands", id_keys::<OrderId>(), self.serdes.order_commands.clone());
        input.pipe(&mut self.driver, key, command, timestamp_ms).unwrap();
        self.said()
    }

    /// Why records of a topic were refused since the last look.
    pub fn dead_letters(&mut self, topic: &str) -> Vec<String> {
        let letters = self.driver.take_output(&format!("{topic}.dead-letter"));
        let reason = |letter: &RawRecord| letter.headers.last("__streams.errors.message").unwrap().to_vec();
        letters.iter().map(|letter| String::from_utf8(reason(letter)).unwrap()).collect()
    }

    /// Sends several; what the role says to the last.
    pub fn send_all<M: Into<Message>>(&mut self, messages: impl IntoIterator<Item = M>) -> Vec<String> {
        messages.into_iter().map(|message| self.send(message)).last().unwrap_or_default()
    }

    fn pipe<M: comanda_schemas::Message>(&mut self, topic: &str, serde: comanda_streams::Serde<M>, value: M) {
        let input = self.driver.input_topic(topic, id_keys::<OrderId>(), serde);
        let key: OrderId = value.key().unwrap().parse().unwrap();
        let time = value.envelope().unwrap().occurred_at.millis();
        input.pipe(&mut self.driver, key, value, time).unwrap();
    }

    /// What was said since the last look: events, then commands to payment and to delivery.
    pub fn said(&mut self) -> Vec<String> {
        let serdes = self.serdes.clone();
        let events = self.read("order.events", serdes.order_events);
        let payments = self.read("payment.commands", serdes.payment_commands);
        let deliveries = self.read("delivery.commands", serdes.delivery_commands);
        let views = self.read("order.views", serdes.order_views);
        self.views.extend(views.iter().map(|view| (view.order_id, view.clone())));
        self.view = views.into_iter().last().or(self.view.take());
        let said = events.iter().map(event_in_short).chain(payments.iter().map(payment_in_short));
        let said = said.chain(deliveries.iter().map(delivery_in_short)).collect();
        self.asked.extend(payments.iter().cloned());
        self.payments = payments;
        said
    }

    fn read<M: comanda_schemas::Message>(&mut self, topic: &str, serde: comanda_streams::Serde<M>) -> Vec<M> {
        let output = self.driver.output_topic(topic, id_keys::<OrderId>(), serde);
        let records = output.read(&mut self.driver).unwrap();
        let checked = records.into_iter().map(|record| {
            let value = record.value.unwrap();
            assert_eq!(record.key.map(|key| key.to_string()), value.key(), "the key is the order's id");
            assert_eq!(record.timestamp, value.envelope().unwrap().occurred_at.millis(), "time is event time");
            value
        });
        checked.collect()
    }

    /// The latest view of order `n`.
    pub fn view_of(&self, n: u128) -> &OrderView {
        &self.views[&order_id(n)]
    }

    /// All that payment was asked for about order `n`.
    pub fn payments_of(&self, n: u128) -> Vec<&PaymentCommand> {
        let key = Some(order_id(n).to_string());
        self.asked.iter().filter(|command| comanda_schemas::Message::key(*command) == key).collect()
    }

    pub fn status(&self) -> OrderStatus {
        self.view.as_ref().unwrap().status
    }
}

fn event_in_short(event: &OrderEvent) -> String {
    match event {
        OrderEvent::OrderCancelled(e) => format!("OrderCancelled {} in {}", e.reason.symbol(), e.cancelled_in.symbol()),
        OrderEvent::OrderCommandRejected(e) => format!("rejected {} {}", e.command, e.reason.symbol()),
        other => short_name(other),
    }
}

fn payment_in_short(command: &PaymentCommand) -> String {
    match command {
        PaymentCommand::CapturePayment(c) => format!("CapturePayment {} #{}", c.amount_centavos.0, c.attempt),
        PaymentCommand::RefundPayment(c) => format!("RefundPayment {} #{}", c.amount_centavos.0, c.attempt),
        PaymentCommand::VoidPayment(c) => format!("VoidPayment #{}", c.attempt),
        other => short_name(other),
    }
}

fn delivery_in_short(command: &DeliveryCommand) -> String {
    short_name(command)
}

fn short_name<M: comanda_schemas::Message>(message: &M) -> String {
    M::EVENTS[message.index().unwrap()].full_name.rsplit('.').next().unwrap().to_owned()
}
