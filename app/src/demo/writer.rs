//! From the city's records to Kafka.

use crate::cluster;
use crate::config::Addresses;
use crate::error::AppError;
use comanda_city::{CityEvent, Emission, Payload, Placement};
use comanda_registry::{AvroSerializer, SchemaRegistry};
use comanda_schemas::{
    AddPaymentMethod, DeliveryCommand, DriverMessage, Event, OrderCommand, PaymentEvent, PaymentMethodCommand,
    RestaurantCatalog,
};
use comanda_streams::broker::{Broker, Headers, Producer, TopicHandle};
use comanda_streams::partitioner::partition_for_key;
use comanda_streams::{Serializer, StreamsError};
use std::collections::HashMap;
use std::sync::Arc;

/// A producer and how to write each of the city's topics.
pub struct Writer {
    producer: Box<dyn Producer>,
    topics: HashMap<&'static str, TopicHandle>,
    orders: AvroSerializer<OrderCommand>,
    payments: AvroSerializer<PaymentEvent>,
    deliveries: AvroSerializer<DeliveryCommand>,
    drivers: AvroSerializer<DriverMessage>,
    catalogs: AvroSerializer<RestaurantCatalog>,
    methods: AvroSerializer<PaymentMethodCommand>,
    written: u64,
}

impl Writer {
    /// Connects.
    pub fn new(addresses: &Addresses) -> Result<Self, AppError> {
        let registry: Arc<dyn SchemaRegistry> = Arc::new(cluster::patient_registry(addresses));
        Ok(Self {
            producer: cluster::broker(addresses)?.producer(None)?,
            topics: HashMap::new(),
            orders: AvroSerializer::new(&*registry)?,
            payments: AvroSerializer::new(&*registry)?,
            deliveries: AvroSerializer::new(&*registry)?,
            drivers: AvroSerializer::new(&*registry)?,
            catalogs: AvroSerializer::new(&*registry)?,
            methods: AvroSerializer::new(&*registry)?,
            written: 0,
        })
    }

    /// Records so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Hands a record to the producer.
    pub fn write(&mut self, emission: &Emission) -> Result<(), AppError> {
        let value = match &emission.payload {
            Payload::Bytes(bytes) => bytes.clone(),
            Payload::Event(event) => self.encode(event)?,
        };
        let topic = match self.topics.get(emission.topic) {
            Some(topic) => *topic,
            None => *self.topics.entry(emission.topic).or_insert(self.producer.topic(emission.topic)?),
        };
        let key = emission.key.as_deref().map(str::as_bytes);
        let partition = key.map(|key| partition(key, emission.topic, emission.placement));
        self.producer.send(topic, partition, emission.at_ms, key, Some(&value), &Headers::EMPTY)?;
        self.written += 1;
        Ok(())
    }

    /// Hands what a customer pays with to the producer.
    pub fn write_method(&mut self, method: &AddPaymentMethod) -> Result<(), AppError> {
        let (key, at_ms) = (method.customer_id.to_string(), method.envelope.occurred_at.0);
        let (name, mut value) = (AddPaymentMethod::TOPIC, vec![]);
        let written = self.methods.serialize(name, &method.clone().into(), &mut value);
        written.map_err(|error| AppError::Role { role: "city", error: StreamsError::from(error) })?;
        let (topic, home) = (self.producer.topic(name)?, partition(key.as_bytes(), name, Placement::ByKey));
        self.producer.send(topic, Some(home), at_ms, Some(key.as_bytes()), Some(&value), &Headers::EMPTY)?;
        Ok(())
    }

    /// Waits until Kafka has all of it.
    pub fn flush(&mut self) -> Result<(), AppError> {
        Ok(self.producer.flush()?)
    }

    fn encode(&self, event: &CityEvent) -> Result<Vec<u8>, AppError> {
        let (topic, mut out) = (event.topic(), vec![]);
        let written = match event {
            CityEvent::Order(event) => self.orders.serialize(topic, event, &mut out),
            CityEvent::Payment(event) => self.payments.serialize(topic, event, &mut out),
            CityEvent::Delivery(event) => self.deliveries.serialize(topic, event, &mut out),
            CityEvent::Driver(event) => self.drivers.serialize(topic, event, &mut out),
            CityEvent::Catalog(event) => self.catalogs.serialize(topic, event, &mut out),
        };
        written.map_err(|error| AppError::Role { role: "city", error: StreamsError::from(error) })?;
        Ok(out)
    }
}

/// Where murmur2 puts the key, or, for a fault, the next one.
fn partition(key: &[u8], topic: &str, placement: Placement) -> i32 {
    let count = comanda_schemas::topic(topic).map_or(1, |topic| topic.partitions);
    let home = partition_for_key(key, count);
    match placement {
        Placement::ByKey => home,
        Placement::Misrouted => (home + 1) % count,
    }
}
