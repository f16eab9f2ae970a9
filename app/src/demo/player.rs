//! Between the city and Kafka: writes what people do, shows the city what the processors publish.

use super::bank::Bank;
use super::books::SystemBooks;
use super::freshness::Freshness;
use super::writer::Writer;
use crate::cluster;
use crate::config::Addresses;
use crate::error::AppError;
use crate::reader::TopicReader;
use comanda_city::{City, CityEvent, Emission, Observation, Payload};
use comanda_processors::order::OrderState;
use comanda_registry::{AvroDeserializer, SchemaRegistry};
use comanda_schemas::{
    DeliveryEvent, Message, OrderCommand, OrderEvent, OrderId, OrderStatus, PaymentCommand, PaymentEvent, PaymentMethod,
};
use comanda_streams::QueryableStore;
use comanda_streams::StreamsError;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the payment role may take with all methods; then the evening begins without the rest.
const METHODS_PATIENCE: Duration = Duration::from_secs(30);
/// The role reads its own table a moment after it is written.
const GLOBAL_TABLE_LAG: Duration = Duration::from_secs(1);

/// Plays one city.
pub struct Player {
    city: City,
    writer: Writer,
    readers: Readers,
    watched: [TopicReader; 4],
    /// Customers' methods, as the payment role has them.
    methods: TopicReader,
    freshness: Freshness,
    /// Records seen, for the progress line.
    pub seen: u64,
    /// How far each order is, as `order.events` says.
    statuses: HashMap<OrderId, OrderStatus>,
}

struct Readers {
    orders: AvroDeserializer<OrderEvent>,
    payments: AvroDeserializer<PaymentCommand>,
    payment_events: AvroDeserializer<PaymentEvent>,
    methods: AvroDeserializer<PaymentMethod>,
    deliveries: AvroDeserializer<DeliveryEvent>,
}

impl Player {
    /// Connects a city that `writer` writes for.
    pub fn new(
        addresses: &Addresses,
        city: City,
        writer: Writer,
        orders: QueryableStore<OrderId, OrderState>,
    ) -> Result<Self, AppError> {
        let broker = cluster::broker(addresses)?;
        let registry: Arc<dyn SchemaRegistry> = Arc::new(cluster::patient_registry(addresses));
        let readers = Readers {
            orders: AvroDeserializer::new(registry.clone()),
            payments: AvroDeserializer::new(registry.clone()),
            payment_events: AvroDeserializer::new(registry.clone()),
            methods: AvroDeserializer::new(registry.clone()),
            deliveries: AvroDeserializer::new(registry),
        };
        let [orders_topic, payments, deliveries] = comanda_city::WATCHED_TOPICS;
        let watch = |topic| TopicReader::from_start(&*broker, topic);
        Ok(Self {
            city,
            writer,
            readers,
            watched: [watch(orders_topic)?, watch(payments)?, watch(deliveries)?, watch("payment.events")?],
            methods: watch("payment.methods")?,
            freshness: Freshness::start(orders)?,
            seen: 0,
            statuses: HashMap::new(),
        })
    }

    /// Records written.
    pub fn written(&self) -> u64 {
        self.writer.written()
    }

    /// Whether all is done in the city.
    pub fn city_is_over(&self) -> bool {
        self.city.is_over()
    }

    /// Orders by status.
    pub fn orders_by_status(&self) -> BTreeMap<OrderStatus, usize> {
        let mut orders = BTreeMap::new();
        self.statuses.values().for_each(|status| *orders.entry(*status).or_default() += 1);
        orders
    }

    /// Ends the play.
    pub fn into_books(self) -> SystemBooks {
        SystemBooks { city: self.city.books(), freshness_ms: self.freshness.finish() }
    }

    /// Shows the city what was published and writes what happens up to `now_ms`; tells how many records moved.
    pub fn step(&mut self, now_ms: i64, bank: &Bank) -> Result<usize, AppError> {
        let mut moved = self.watch(bank)?;
        let emissions = self.city.next_before(now_ms);
        moved += emissions.len();
        for emission in &emissions {
            if let Some(order) = placed_by(emission) {
                self.freshness.sent(order);
            }
            self.writer.write(emission)?;
        }
        self.writer.flush()?;
        if moved == 0 {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        Ok(moved)
    }

    fn watch(&mut self, bank: &Bank) -> Result<usize, AppError> {
        let mut seen = 0;
        for (number, topic) in self.watched.iter_mut().enumerate() {
            for record in topic.poll()? {
                let Some(value) = record.value else { continue };
                seen += 1;
                let observation = match number {
                    0 => read(&self.readers.orders, &value).map(Observation::Order),
                    1 => read(&self.readers.payments, &value).map(Observation::Payment),
                    2 => read(&self.readers.deliveries, &value).map(Observation::Delivery),
                    _ => {
                        approve(&self.readers.payment_events, &value, bank);
                        continue;
                    }
                };
                let observation = observation?;
                if let Observation::Order(event) = &observation {
                    self.statuses.extend(status_after(event));
                }
                self.city.observe(observation);
            }
        }
        self.seen += seen as u64;
        Ok(seen)
    }

    /// Customers enter what they pay with; done when the payment role has it all. Who orders before that is told that
    /// his method is not known.
    pub fn enter_payment_methods(&mut self) -> Result<(), AppError> {
        let methods = self.city.payment_methods();
        for method in &methods {
            self.writer.write_method(method)?;
        }
        self.writer.flush()?;
        let mut missing: HashSet<_> = methods.iter().map(|method| method.payment_method_id).collect();
        let started = Instant::now();
        while !missing.is_empty() && started.elapsed() < METHODS_PATIENCE {
            for record in self.methods.poll()? {
                let Some(value) = record.value else { continue };
                missing.remove(&read(&self.readers.methods, &value)?.payment_method_id);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(GLOBAL_TABLE_LAG);
        Ok(())
    }
}

/// The order that a good record places.
fn placed_by(emission: &Emission) -> Option<OrderId> {
    match (&emission.payload, emission.fault) {
        (Payload::Event(CityEvent::Order(OrderCommand::PlaceOrder(place))), None) => Some(place.order_id),
        _ => None,
    }
}

fn read<M: Message>(reader: &AvroDeserializer<M>, bytes: &[u8]) -> Result<M, AppError> {
    let failed = |error: comanda_registry::DecodeError| StreamsError::Fatal(error.to_string());
    reader.read(bytes).map_err(|error| AppError::Role { role: "city", error: failed(error) })
}

/// A customer who is asked to approve does so. Records that cannot be read are the city's own bad ones.
fn approve(reader: &AvroDeserializer<PaymentEvent>, bytes: &[u8], bank: &Bank) {
    if let Ok(PaymentEvent::PaymentActionRequired(asked)) = reader.read(bytes) {
        bank.approve(&asked.provider_reference);
    }
}

/// The order and its status after an event; nothing for one that changes none.
fn status_after(event: &OrderEvent) -> Option<(OrderId, OrderStatus)> {
    match event {
        OrderEvent::OrderPlaced(event) => {
            let status = if event.scheduled_for.is_some() { OrderStatus::Scheduled } else { OrderStatus::Pending };
            Some((event.order_id, status))
        }
        OrderEvent::OrderReleased(event) => Some((event.order_id, OrderStatus::Pending)),
        OrderEvent::OrderConfirmed(event) => Some((event.order_id, OrderStatus::Confirmed)),
        OrderEvent::OrderPreparing(event) => Some((event.order_id, OrderStatus::Preparing)),
        OrderEvent::OrderReady(event) => Some((event.order_id, OrderStatus::Ready)),
        OrderEvent::OrderPickedUp(event) => Some((event.order_id, OrderStatus::PickedUp)),
        OrderEvent::OrderDelivered(event) => Some((event.order_id, OrderStatus::Delivered)),
        OrderEvent::OrderCancelled(event) => Some((event.order_id, OrderStatus::Cancelled)),
        OrderEvent::OrderCommandRejected(_) | OrderEvent::Unknown(_) => None,
    }
}
