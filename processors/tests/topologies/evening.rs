//! A whole evening without Kafka: the simulated city, the order role and the delivery role answer each other in one
//! thread, record by record.

use crate::serdes::topic_serdes;
use comanda_city::{Books, City, CityConfig, CityEvent, Emission, Observation, Payload, Placement};
use comanda_processors::{TopicSerdes, delivery, order};
use comanda_schemas::*;
use comanda_streams::broker::RawRecord;
use comanda_streams::{Serde, StreamsConfig, Topology};
use comanda_streams_test::TopologyTestDriver;
use std::collections::BTreeMap;

/// The processors' steps of time, milliseconds: what Kafka and a commit take.
const STEP_MS: i64 = 500;
/// The order role looks at its clock so often.
const CLOCK_MS: i64 = 60_000;
const LONGEST_EVENING_MS: i64 = 20 * 3_600_000;

pub struct Evening {
    pub books: Books,
    /// The last view of every order.
    pub views: BTreeMap<String, OrderView>,
    /// Dead letters by topic and what they say.
    pub dead_letters: BTreeMap<String, Vec<String>>,
    pub rejected: Vec<OrderCommandRejected>,
}

struct Roles {
    order: TopologyTestDriver,
    delivery: TopologyTestDriver,
    serdes: TopicSerdes,
    evening: Evening,
    /// Live assignments: driver → order.
    live: BTreeMap<DriverId, OrderId>,
}

/// Plays an evening to its end.
pub fn play(config: CityConfig) -> Evening {
    let mut city = City::new(config);
    let end_ms = city.clock_ms() + LONGEST_EVENING_MS;
    let mut roles = Roles::new(city.books(), city.clock_ms(), end_ms);
    while !city.is_over() {
        assert!(city.clock_ms() < end_ms, "the evening does not end: {} orders open", city.books().open());
        let next_ms = city.clock_ms() + STEP_MS;
        if next_ms % CLOCK_MS < STEP_MS {
            roles.order.advance_wall_clock_time(CLOCK_MS).unwrap();
        }
        for emission in city.next_before(next_ms) {
            roles.take(emission);
        }
        roles.exchange(&mut city);
    }
    roles.evening.books = city.books();
    roles.evening
}

impl Roles {
    /// The order role's clock goes with the evening: without it a scheduled order would wait for the next message.
    fn new(books: Books, opens_ms: i64, ends_ms: i64) -> Self {
        let serdes = topic_serdes();
        let driver = |topology: Topology, clock_ms| {
            TopologyTestDriver::with_config(&topology, StreamsConfig::new("evening", ""), clock_ms).unwrap()
        };
        let evening = Evening { books, views: BTreeMap::new(), dead_letters: BTreeMap::new(), rejected: vec![] };
        Self {
            order: driver(order::topology(&serdes).unwrap(), opens_ms),
            delivery: driver(delivery::topology(&serdes).unwrap(), ends_ms),
            serdes,
            evening,
            live: BTreeMap::new(),
        }
    }

    /// Writes what the city sends. A driver has one partition per topic: what is in the wrong one cannot be shown here.
    fn take(&mut self, emission: Emission) {
        if emission.placement == Placement::Misrouted {
            return;
        }
        let (order, delivery, serdes) = (&mut self.order, &mut self.delivery, &self.serdes);
        let value = match &emission.payload {
            Payload::Bytes(bytes) => bytes.clone(),
            Payload::Event(CityEvent::Order(c)) => bytes_of(&serdes.order_commands, c),
            Payload::Event(CityEvent::Payment(e)) => bytes_of(&serdes.payment_events, e),
            Payload::Event(CityEvent::Delivery(c)) => bytes_of(&serdes.delivery_commands, c),
            Payload::Event(CityEvent::Driver(m)) => bytes_of(&serdes.driver_pings, m),
            Payload::Event(CityEvent::Catalog(c)) => bytes_of(&serdes.restaurant_catalog, c),
        };
        let role = match emission.topic {
            "order.commands" | "payment.events" | "restaurant.catalog" => order,
            _ => delivery,
        };
        let (key, value) = (emission.key.map(|key| key.into_bytes().into()), Some(value.into()));
        let record = RawRecord { timestamp: emission.at_ms, key, value, ..RawRecord::default() };
        role.pipe(emission.topic, record).unwrap();
    }

    /// Carries records between the roles and the city until nobody says anything more.
    fn exchange(&mut self, city: &mut City) {
        loop {
            let commands = self.order.take_output("delivery.commands");
            let events = self.delivery.take_output("delivery.events");
            let quiet = commands.is_empty() && events.is_empty();
            for record in commands {
                self.delivery.pipe("delivery.commands", record).unwrap();
            }
            for record in events {
                let event = read(&self.serdes.delivery_events, &record);
                self.watch(&event);
                city.observe(Observation::Delivery(event));
                self.order.pipe("delivery.events", record).unwrap();
            }
            self.tell(city);
            if quiet {
                return;
            }
        }
    }

    fn tell(&mut self, city: &mut City) {
        for record in self.order.take_output("order.events") {
            let event = read(&self.serdes.order_events, &record);
            if let OrderEvent::OrderCommandRejected(rejected) = &event {
                self.evening.rejected.push(rejected.clone());
            }
            city.observe(Observation::Order(event));
        }
        for record in self.order.take_output("payment.commands") {
            city.observe(Observation::Payment(read(&self.serdes.payment_commands, &record)));
        }
        for record in self.order.take_output("order.views") {
            let view = read(&self.serdes.order_views, &record);
            self.evening.views.insert(view.order_id.to_string(), view);
        }
        for topic in ["order.commands", "payment.events", "delivery.commands", "delivery.driver-pings"] {
            let letters = [&mut self.order, &mut self.delivery].map(|role| role.take_output(&dead_letter_topic(topic)));
            for letter in letters.into_iter().flatten() {
                let reason = letter.headers.last("__streams.errors.message").unwrap_or_default();
                let reason = String::from_utf8_lossy(reason).into_owned();
                self.evening.dead_letters.entry(topic.to_owned()).or_default().push(reason);
            }
        }
    }

    fn watch(&mut self, event: &DeliveryEvent) {
        let ended = match event {
            DeliveryEvent::DeliveryAssigned(e) => {
                assert_eq!(self.live.insert(e.driver_id, e.order_id), None, "{} has two orders", e.driver_id);
                return;
            }
            DeliveryEvent::DeliveryDeclined(e) => Some(e.driver_id),
            DeliveryEvent::DeliveryDelivered(e) => Some(e.driver_id),
            DeliveryEvent::DeliveryFailed(e) => e.driver_id,
            DeliveryEvent::DeliveryCancelled(e) => e.driver_id,
            _ => return,
        };
        ended.map(|driver| self.live.remove(&driver));
    }
}

fn dead_letter_topic(topic: &str) -> String {
    format!("{topic}.dead-letter")
}

fn bytes_of<M>(serde: &Serde<M>, value: &M) -> Vec<u8> {
    let mut out = vec![];
    serde.serialize("evening", value, &mut out).unwrap();
    out
}

fn read<M>(serde: &Serde<M>, record: &RawRecord) -> M {
    serde.deserialize("evening", record.value.as_ref().unwrap()).unwrap()
}
