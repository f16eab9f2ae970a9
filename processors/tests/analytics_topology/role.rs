//! The role in a driver: order and delivery events in, statistics out.

use crate::serdes::topic_serdes;
use comanda_processors::{TopicSerdes, analytics, id_keys};
use comanda_schemas::{
    DeliveryEvent, DeliveryMetrics, DriverId, DriverState, EtaPredicted, Message, OrderEvent, OrderId, PopularItems,
};
use comanda_streams::{Serde, Serdes, StreamsConfig};
use comanda_streams_test::TopologyTestDriver;

pub struct AnalyticsRole {
    pub driver: TopologyTestDriver,
    serdes: TopicSerdes,
}

impl AnalyticsRole {
    /// With Kafka Streams' default cache, or with none: each update is forwarded.
    pub fn new(cache_bytes: Option<usize>) -> Self {
        let serdes = topic_serdes();
        let mut config = StreamsConfig::new("test", "");
        config.statestore_cache_max_bytes = cache_bytes.unwrap_or(config.statestore_cache_max_bytes);
        let topology = analytics::topology(&serdes).unwrap();
        Self { driver: TopologyTestDriver::with_config(&topology, config, 0).unwrap(), serdes }
    }

    pub fn order_event(&mut self, event: impl Into<OrderEvent>) {
        self.pipe("order.events", self.serdes.order_events.clone(), event.into());
    }

    pub fn delivery_event(&mut self, event: impl Into<DeliveryEvent>) {
        self.pipe("delivery.events", self.serdes.delivery_events.clone(), event.into());
    }

    pub fn driver_state(&mut self, state: DriverState) {
        let input = self.driver.input_topic("delivery.drivers", id_keys::<DriverId>(), self.serdes.drivers.clone());
        let time = state.envelope.occurred_at.millis();
        input.pipe(&mut self.driver, state.driver_id, state, time).unwrap();
    }

    fn pipe<M: Message>(&mut self, topic: &str, serde: Serde<M>, value: M) {
        let input = self.driver.input_topic(topic, id_keys::<OrderId>(), serde);
        let key: OrderId = value.key().unwrap().parse().unwrap();
        let time = value.envelope().unwrap().occurred_at.millis();
        input.pipe(&mut self.driver, key, value, time).unwrap();
    }

    pub fn popular_items(&mut self) -> Vec<PopularItems> {
        self.read("analytics.popular-items", Serdes::string(), self.serdes.popular_items.clone())
    }

    pub fn delivery_metrics(&mut self) -> Vec<DeliveryMetrics> {
        self.read("analytics.delivery-metrics", Serdes::string(), self.serdes.delivery_metrics.clone())
    }

    pub fn etas(&mut self) -> Vec<EtaPredicted> {
        self.read("analytics.eta", id_keys::<OrderId>(), self.serdes.eta.clone())
    }

    /// What was published since the last look; key and time are as the contract has them.
    fn read<K: ToString, M: Message>(&mut self, topic: &str, keys: Serde<K>, values: Serde<M>) -> Vec<M> {
        let records = self.driver.output_topic(topic, keys, values).read(&mut self.driver).unwrap();
        let checked = records.into_iter().map(|record| {
            let value = record.value.unwrap();
            assert_eq!(record.key.map(|key| key.to_string()), value.key());
            assert_eq!(record.timestamp, value.envelope().unwrap().occurred_at.millis(), "time is event time");
            value
        });
        checked.collect()
    }
}
