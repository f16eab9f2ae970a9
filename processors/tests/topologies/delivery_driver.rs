//! The delivery role in the test driver: what couriers and orders say in, what it says out, in short words.

use crate::messages::*;
use crate::serdes::topic_serdes;
use comanda_processors::{TopicSerdes, delivery, id_keys};
use comanda_schemas::*;
use comanda_streams::StreamsConfig;
use comanda_streams::broker::RawRecord;
use comanda_streams_test::TopologyTestDriver;
use std::collections::BTreeMap;

pub struct DeliveryRole {
    pub driver: TopologyTestDriver,
    pub serdes: TopicSerdes,
    /// Live assignments seen so far: driver → order. Two for one driver fail the test.
    pub live: BTreeMap<DriverId, OrderId>,
    pub last_event: Option<DeliveryEvent>,
}

impl DeliveryRole {
    /// After the evening, as a role that catches up: only what the records say moves time.
    pub fn new() -> Self {
        Self::with_clock(at(LONG_AFTER_S).millis())
    }

    /// With the clock at `now_ms`.
    pub fn with_clock(now_ms: i64) -> Self {
        let serdes = topic_serdes();
        let topology = delivery::topology(&serdes).unwrap();
        let driver = TopologyTestDriver::with_config(&topology, StreamsConfig::new("test", ""), now_ms).unwrap();
        Self { driver, serdes, live: BTreeMap::new(), last_event: None }
    }

    /// Sends a command; what the role says to it.
    pub fn send(&mut self, command: impl Into<DeliveryCommand>) -> Vec<String> {
        let command = command.into();
        let input =
            self.driver.input_topic("delivery.commands", id_keys::<OrderId>(), self.serdes.delivery_commands.clone());
        let key: OrderId = command.key().unwrap().parse().unwrap();
        let time = command.envelope().unwrap().occurred_at.millis();
        input.pipe(&mut self.driver, key, command, time).unwrap();
        self.said()
    }

    /// Sends what a device says; what the role says to it.
    pub fn hear(&mut self, message: impl Into<DriverMessage>) -> Vec<String> {
        let message = message.into();
        let input =
            self.driver.input_topic("delivery.driver-pings", id_keys::<DriverId>(), self.serdes.driver_pings.clone());
        let key: DriverId = message.key().unwrap().parse().unwrap();
        let time = message.envelope().unwrap().occurred_at.millis();
        input.pipe(&mut self.driver, key, message, time).unwrap();
        self.said()
    }

    /// Sends a command in a record with a timestamp of its own; what the role says to it.
    pub fn send_stamped(&mut self, timestamp_ms: i64, command: impl Into<DeliveryCommand>) -> Vec<String> {
        let command = command.into();
        let key: OrderId = command.key().unwrap().parse().unwrap();
        let serde = self.serdes.delivery_commands.clone();
        let input = self.driver.input_topic("delivery.commands", id_keys::<OrderId>(), serde);
        input.pipe(&mut self.driver, key, command, timestamp_ms).unwrap();
        self.said()
    }

    /// Why records of a topic were refused since the last look.
    pub fn dead_letters(&mut self, topic: &str) -> Vec<String> {
        let letters = self.driver.take_output(&format!("{topic}.dead-letter"));
        let reason = |letter: &RawRecord| letter.headers.last("__streams.errors.message").unwrap().to_vec();
        letters.iter().map(|letter| String::from_utf8(reason(letter)).unwrap()).collect()
    }

    /// Deliveries' events, then drivers' states, since the last look.
    pub fn said(&mut self) -> Vec<String> {
        let events =
            self.driver.output_topic("delivery.events", id_keys::<OrderId>(), self.serdes.delivery_events.clone());
        let events = events.read(&mut self.driver).unwrap();
        let states = self.driver.output_topic("delivery.drivers", id_keys::<DriverId>(), self.serdes.drivers.clone());
        let states = states.read(&mut self.driver).unwrap();
        let mut said = vec![];
        for record in events {
            let event = record.value.unwrap();
            assert_eq!(record.key.unwrap().to_string(), event.key().unwrap());
            assert_eq!(record.timestamp, event.envelope().unwrap().occurred_at.millis());
            self.watch(&event);
            said.push(in_short(&event));
            self.last_event = Some(event);
        }
        said.extend(states.iter().map(|record| state_in_short(record.value.as_ref().unwrap())));
        said
    }

    /// The invariant: never two live assignments for one driver, nor one order with two drivers.
    fn watch(&mut self, event: &DeliveryEvent) {
        match event {
            DeliveryEvent::DeliveryAssigned(e) => {
                assert!(!self.live.values().any(|order| *order == e.order_id), "{} has a driver already", e.order_id);
                let former = self.live.insert(e.driver_id, e.order_id);
                assert_eq!(former, None, "{} is given {} beside another", e.driver_id, e.order_id);
            }
            DeliveryEvent::DeliveryDeclined(e) => self.ends(Some(e.driver_id), e.order_id),
            DeliveryEvent::DeliveryDelivered(e) => self.ends(Some(e.driver_id), e.order_id),
            DeliveryEvent::DeliveryFailed(e) => self.ends(e.driver_id, e.order_id),
            DeliveryEvent::DeliveryCancelled(e) => self.ends(e.driver_id, e.order_id),
            _ => {}
        }
    }

    fn ends(&mut self, driver: Option<DriverId>, order: OrderId) {
        if let Some(driver) = driver {
            assert_eq!(self.live.remove(&driver), Some(order));
        }
    }
}

fn number(id: uuid::Uuid) -> u128 {
    id.as_u128() & 0xffff
}

fn in_short(event: &DeliveryEvent) -> String {
    match event {
        DeliveryEvent::DeliveryAssigned(e) => {
            format!("{} to {} #{}", number(e.order_id.0), number(e.driver_id.0), e.attempt)
        }
        DeliveryEvent::DeliveryDeclined(e) => format!("{} declined by {}", number(e.order_id.0), number(e.driver_id.0)),
        DeliveryEvent::DeliveryPickedUp(e) => format!("{} picked up", number(e.order_id.0)),
        DeliveryEvent::DeliveryInTransit(e) => format!("{} in transit", number(e.order_id.0)),
        DeliveryEvent::DeliveryDelivered(e) => format!("{} delivered", number(e.order_id.0)),
        DeliveryEvent::DeliveryFailed(e) => format!("{} failed {}", number(e.order_id.0), e.reason.symbol()),
        DeliveryEvent::DeliveryCancelled(e) => format!("{} cancelled", number(e.order_id.0)),
        DeliveryEvent::Unknown(name) => name.clone(),
    }
}

fn state_in_short(state: &DriverState) -> String {
    format!("driver {} {} in {}", number(state.driver_id.0), state.status.symbol(), state.zone)
}

pub fn request_in(zone: &str, n: u128, second: i64, ready_second: Option<i64>) -> RequestDelivery {
    RequestDelivery {
        envelope: envelope(n, second),
        order_id: order_id(n),
        delivery_id: delivery_id(n),
        restaurant_id: restaurant(),
        zone: zone.to_owned(),
        restaurant_cell: cell(0.0),
        customer_cell: cell(2_000.0),
        delivery_address: Sealed { key_id: "k".to_owned(), bytes: vec![1].into() },
        ready_at: ready_second.map(at),
    }
}

pub fn request(n: u128, second: i64, ready_second: Option<i64>) -> RequestDelivery {
    request_in("zone-1", n, second, ready_second)
}

pub fn shift(d: u128, second: i64, zone: &str, metres_east: f64) -> DriverShiftStarted {
    let (lat, lon) = place(metres_east);
    DriverShiftStarted { envelope: envelope(0, second), driver_id: driver(d), zone: zone.to_owned(), lat, lon }
}

pub fn ping(d: u128, second: i64, zone: &str, metres_east: f64) -> DriverPing {
    let (lat, lon) = place(metres_east);
    let (envelope, zone) = (envelope(0, second), zone.to_owned());
    DriverPing { envelope, driver_id: driver(d), zone, lat, lon, speed_mps: None }
}

pub fn shift_end(d: u128, second: i64) -> DriverShiftEnded {
    DriverShiftEnded { envelope: envelope(0, second), driver_id: driver(d), zone: "zone-1".to_owned() }
}

pub fn decline(n: u128, d: u128, second: i64) -> DeclineDelivery {
    DeclineDelivery {
        envelope: envelope(n, second),
        order_id: order_id(n),
        delivery_id: delivery_id(n),
        driver_id: driver(d),
        reason: DeclineReason::TooFar,
    }
}

pub fn pickup(n: u128, d: u128, second: i64) -> ConfirmPickup {
    let (order_id, delivery_id, driver_id) = (order_id(n), delivery_id(n), driver(d));
    ConfirmPickup { envelope: envelope(n, second), order_id, delivery_id, driver_id }
}

pub fn transit(n: u128, d: u128, second: i64) -> StartTransit {
    let (order_id, delivery_id, driver_id) = (order_id(n), delivery_id(n), driver(d));
    StartTransit { envelope: envelope(n, second), order_id, delivery_id, driver_id }
}

pub fn hand_over(n: u128, d: u128, second: i64) -> ConfirmDelivery {
    let (order_id, delivery_id, driver_id) = (order_id(n), delivery_id(n), driver(d));
    ConfirmDelivery { envelope: envelope(n, second), order_id, delivery_id, driver_id }
}

pub fn failure(n: u128, d: u128, second: i64) -> ReportFailure {
    let reason = DeliveryFailureReason::CustomerAbsent;
    let (order_id, delivery_id, driver_id) = (order_id(n), delivery_id(n), driver(d));
    ReportFailure { envelope: envelope(n, second), order_id, delivery_id, driver_id, reason }
}

pub fn cancel_delivery(n: u128, second: i64) -> CancelDelivery {
    let reason = CancelReason::CustomerRequest;
    CancelDelivery { envelope: envelope(n, second), order_id: order_id(n), delivery_id: delivery_id(n), reason }
}
