//! A simulated evening with hidden factors (rain, slow kitchens, couriers' skill) as the order and delivery roles would
//! tell it.

use crate::role::AnalyticsRole;
use comanda_city::stand_in::StandIn;
use comanda_city::{City, CityConfig, CityEvent, Emission, Observation, Payload};
use comanda_schemas::*;
use std::collections::{BTreeMap, BTreeSet};

const STEP_MS: i64 = 5_000;

/// What the two roles said, in the order in which they said it.
#[derive(Clone)]
pub enum Said {
    Order(OrderEvent),
    Delivery(DeliveryEvent),
    Driver(DriverState),
}

#[derive(Default)]
struct Narrator {
    placed: BTreeMap<OrderId, OrderPlaced>,
    ended: BTreeSet<OrderId>,
    seen: BTreeSet<EventId>,
    positions: BTreeMap<DriverId, (f64, f64)>,
    said: Vec<Said>,
}

/// Plays an evening to its end. Couriers' pings are rare, since nobody here reads them.
pub fn evening(seed: u64, orders: u32) -> Vec<Said> {
    let mut city = City::new(CityConfig { seed, orders, ping_every_ms: (30_000, 60_000), ..CityConfig::default() });
    let (mut roles, mut narrator) = (StandIn::default(), Narrator::default());
    while !city.is_over() {
        let records = city.next_before(city.clock_ms() + STEP_MS);
        records.iter().for_each(|record| narrator.hear(record));
        for seen in roles.answer(&records, city.clock_ms()) {
            narrator.repeat(&seen, EventTime(city.clock_ms()));
            city.observe(seen);
        }
    }
    narrator.said
}

impl Narrator {
    /// The stand-in says nothing about kitchens and pick-ups: these follow from the commands.
    fn hear(&mut self, record: &Emission) {
        let Payload::Event(event) = &record.payload else { return };
        if record.fault.is_some() {
            return;
        }
        match event {
            CityEvent::Order(OrderCommand::StartPreparing(c)) => self.kitchen(&c.envelope, c.order_id, false),
            CityEvent::Order(OrderCommand::MarkReady(c)) => self.kitchen(&c.envelope, c.order_id, true),
            CityEvent::Delivery(DeliveryCommand::ConfirmPickup(c)) => {
                let Some(placed) = self.open(c.envelope.event_id, c.order_id) else { return };
                let event = OrderPickedUp {
                    envelope: c.envelope.causes::<OrderPickedUp>(c.envelope.occurred_at, "test"),
                    order_id: c.order_id,
                    restaurant_id: placed.restaurant_id,
                    zone: placed.zone,
                    driver_id: c.driver_id,
                };
                self.said.push(Said::Order(event.into()));
            }
            CityEvent::Driver(DriverMessage::DriverShiftStarted(m)) => {
                self.positions.insert(m.driver_id, (m.lat, m.lon));
                self.driver(&m.envelope, m.driver_id, &m.zone, DriverStatus::Idle);
            }
            CityEvent::Driver(DriverMessage::DriverPing(m)) => {
                self.positions.insert(m.driver_id, (m.lat, m.lon));
            }
            CityEvent::Driver(DriverMessage::DriverShiftEnded(m)) => {
                self.driver(&m.envelope, m.driver_id, &m.zone, DriverStatus::OffShift);
            }
            _ => {}
        }
    }

    fn driver(&mut self, cause: &Envelope, driver_id: DriverId, zone: &str, status: DriverStatus) {
        let state = DriverState {
            envelope: cause.causes::<DriverState>(cause.occurred_at, "test"),
            driver_id,
            zone: zone.to_owned(),
            status,
            lat: 0.0,
            lon: 0.0,
            position_at: cause.occurred_at,
            order_id: None,
            delivery_id: None,
            shift_started_at: None,
        };
        self.said.push(Said::Driver(state));
    }

    /// The stand-in leaves the distance open, and the time when it found the driver.
    fn metres(&self, assigned: &DeliveryAssigned) -> f64 {
        let (lat, lon) = self.positions[&assigned.driver_id];
        let restaurant: h3o::CellIndex = assigned.restaurant_cell.parse().unwrap();
        h3o::LatLng::new(lat, lon).unwrap().distance_m(restaurant.into())
    }

    fn kitchen(&mut self, cause: &Envelope, order_id: OrderId, ready: bool) {
        let Some(placed) = self.open(cause.event_id, order_id) else { return };
        let (restaurant_id, zone, at) = (placed.restaurant_id, placed.zone, cause.occurred_at);
        let event: OrderEvent = if ready {
            OrderReady { envelope: cause.causes::<OrderReady>(at, "test"), order_id, restaurant_id, zone }.into()
        } else {
            OrderPreparing { envelope: cause.causes::<OrderPreparing>(at, "test"), order_id, restaurant_id, zone }
                .into()
        };
        self.said.push(Said::Order(event));
    }

    /// The order that a message is about, if it is open and the message is new.
    fn open(&mut self, event: EventId, order: OrderId) -> Option<OrderPlaced> {
        let new = self.seen.insert(event) && !self.ended.contains(&order);
        self.placed.get(&order).filter(|_| new).cloned()
    }

    fn repeat(&mut self, seen: &Observation, now: EventTime) {
        match seen {
            Observation::Order(event) => {
                match event {
                    OrderEvent::OrderPlaced(placed) => {
                        self.placed.insert(placed.order_id, placed.clone());
                    }
                    OrderEvent::OrderDelivered(OrderDelivered { order_id, .. })
                    | OrderEvent::OrderCancelled(OrderCancelled { order_id, .. }) => {
                        self.ended.insert(*order_id);
                    }
                    _ => {}
                }
                self.said.push(Said::Order(event.clone()));
            }
            Observation::Delivery(DeliveryEvent::DeliveryAssigned(assigned)) => {
                let (driver_distance_m, mut envelope) = (self.metres(assigned), assigned.envelope.clone());
                envelope.occurred_at = now;
                let assigned = DeliveryAssigned { envelope, driver_distance_m, ..assigned.clone() };
                self.said.push(Said::Delivery(assigned.into()));
            }
            Observation::Delivery(event) => self.said.push(Said::Delivery(event.clone())),
            Observation::Payment(_) => {}
        }
    }
}

/// A published estimate and when the order was really delivered.
pub struct Judged {
    pub eta: EtaPredicted,
    pub placed_at: EventTime,
    pub delivered_at: EventTime,
}

/// The estimates of all delivered orders, by time.
pub fn judged(said: &[Said], role: &mut AnalyticsRole) -> Vec<Judged> {
    let mut ends: BTreeMap<OrderId, (EventTime, EventTime)> = BTreeMap::new();
    for event in said {
        match event.clone() {
            Said::Order(event) => {
                if let OrderEvent::OrderDelivered(e) = &event {
                    ends.insert(e.order_id, (e.placed_at, e.envelope.occurred_at));
                }
                role.order_event(event);
            }
            Said::Delivery(event) => role.delivery_event(event),
            Said::Driver(state) => role.driver_state(state),
        }
    }
    let mut judged: Vec<Judged> = role
        .etas()
        .into_iter()
        .filter_map(|eta| {
            let (placed_at, delivered_at) = *ends.get(&eta.order_id)?;
            Some(Judged { eta, placed_at, delivered_at })
        })
        .collect();
    judged.sort_by_key(|judged| judged.eta.predicted_at);
    judged
}
