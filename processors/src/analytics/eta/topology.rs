//! From order and delivery events to estimates. Everything of a zone meets in one task, so that its orders teach one
//! another.

use super::facts::{OrderFacts, Published};
use super::learned::{Learned, Restaurant, Zone};
use super::progress::{News, Progress, of_delivery, of_driver, of_order};
use super::rules;
use crate::TopicSerdes;
use crate::keys::id_keys;
use crate::state_codec::state_serde;
use comanda_schemas::{
    DeliveryEvent, DriverId, DriverState, Envelope, EtaPredicted, Event, EventId, EventTime, OrderEvent, OrderId,
    RestaurantId,
};
use comanda_streams::{
    KStream, KeyValueStore, Processor, ProcessorContext, Produced, PunctuationType, Record, Repartitioned, Schedule,
    Serdes, Stores, StreamsBuilder, StreamsError,
};
use std::rc::Rc;

/// Open orders.
const ORDERS: &str = "eta-orders";
/// What is learned per zone and per restaurant: as many entries as there are of them.
const ZONES: &str = "eta-zones";
const RESTAURANTS: &str = "eta-restaurants";
/// Drivers on shift.
const DRIVERS: &str = "eta-drivers";
/// An order whose end was never heard of is forgotten a day after the last news, or after it was wanted.
const FORGET_AFTER_MS: i64 = 24 * 3_600_000;
const SWEEP_EVERY_MS: i64 = 3_600_000;

type OrderStore = KeyValueStore<OrderId, OrderFacts>;
type ZoneStore = KeyValueStore<String, Zone>;
type RestaurantStore = KeyValueStore<RestaurantId, Restaurant>;
/// The value says nothing: the key is the entry.
type DriverStore = KeyValueStore<DriverId, bool>;

pub(in crate::analytics) fn draw(
    builder: &StreamsBuilder,
    orders: &KStream<OrderId, OrderEvent>,
    deliveries: &KStream<OrderId, DeliveryEvent>,
    drivers: &KStream<DriverId, DriverState>,
    serdes: &TopicSerdes,
) {
    let open = builder.add_state_store(Stores::key_value_store(ORDERS, id_keys(), state_serde()));
    let zones = builder.add_state_store(Stores::key_value_store(ZONES, Serdes::string(), state_serde()));
    let restaurants = builder.add_state_store(Stores::key_value_store(RESTAURANTS, id_keys(), state_serde()));
    let on_shift = builder.add_state_store(Stores::key_value_store(DRIVERS, id_keys(), state_serde()));
    news(orders, deliveries, drivers)
        .repartition(Repartitioned::with(Serdes::string(), state_serde()).with_name("eta-by-zone"))
        .process("eta", &[&open.clone(), &zones.clone(), &restaurants.clone(), &on_shift.clone()], move |init| {
            init.schedule(SWEEP_EVERY_MS, PunctuationType::StreamTime);
            Ok(EtaProcessor {
                orders: init.open(&open)?,
                zones: init.open(&zones)?,
                restaurants: init.open(&restaurants)?,
                drivers: init.open(&on_shift)?,
            })
        })
        .to("analytics.eta", Produced::with(id_keys(), serdes.eta.clone()));
}

/// All that bears on delivery times, by zone.
fn news(
    orders: &KStream<OrderId, OrderEvent>,
    deliveries: &KStream<OrderId, DeliveryEvent>,
    drivers: &KStream<DriverId, DriverState>,
) -> KStream<String, News> {
    let by_zone = |(zone, news): (&str, News)| (Some(zone.to_owned()), Some(news));
    let orders = orders.flat_map(move |_, event| event.as_ref().and_then(of_order).map(by_zone));
    let deliveries = deliveries.flat_map(move |_, event| event.as_ref().and_then(of_delivery).map(by_zone));
    let drivers = drivers.flat_map(move |_, state| state.as_ref().map(of_driver).map(by_zone));
    orders.merge(&deliveries).merge(&drivers)
}

struct EtaProcessor {
    orders: Rc<OrderStore>,
    zones: Rc<ZoneStore>,
    restaurants: Rc<RestaurantStore>,
    drivers: Rc<DriverStore>,
}

type Context<'a> = ProcessorContext<'a, OrderId, EtaPredicted>;

impl EtaProcessor {
    fn progress(&self, ctx: &mut Context<'_>, zone: String, progress: &Progress) -> Result<(), StreamsError> {
        let order = progress.order;
        let mut facts = self.orders.get(&order)?.or_else(|| OrderFacts::placed(&zone, progress));
        let Some(restaurant) = facts.as_ref().map(|facts| facts.restaurant) else {
            // After the end, or about an order that nobody placed.
            ctx.drop_record();
            return Ok(());
        };
        let before = self.learned(&zone, restaurant)?;
        let mut after = before.clone();
        let estimate = rules::take(&mut facts, &mut after, progress);
        self.store_learned(&zone, restaurant, (&before, &after))?;
        match &facts {
            Some(facts) => self.orders.put(&order, facts)?,
            None => self.orders.delete(&order)?,
        }
        let Some(estimate) = estimate else { return Ok(()) };
        let eta = predicted(progress, restaurant, zone, estimate);
        ctx.forward(Record::new(order, eta, progress.at.millis()))
    }

    fn shift(&self, zone: &String, driver: DriverId, on_shift: bool) -> Result<(), StreamsError> {
        if self.drivers.get(&driver)?.is_some() == on_shift {
            return Ok(());
        }
        match on_shift {
            true => self.drivers.put(&driver, &true)?,
            false => self.drivers.delete(&driver)?,
        }
        let mut learned = self.zones.get(zone)?.unwrap_or_default();
        learned.load.shift(on_shift);
        self.zones.put(zone, &learned)
    }

    fn learned(&self, zone: &String, restaurant: RestaurantId) -> Result<Learned, StreamsError> {
        let zone = self.zones.get(zone)?.unwrap_or_default();
        Ok(Learned { zone, restaurant: self.restaurants.get(&restaurant)?.unwrap_or_default() })
    }

    fn store_learned(
        &self,
        zone: &String,
        restaurant: RestaurantId,
        (before, after): (&Learned, &Learned),
    ) -> Result<(), StreamsError> {
        if before.zone != after.zone {
            self.zones.put(zone, &after.zone)?;
        }
        if before.restaurant != after.restaurant {
            self.restaurants.put(&restaurant, &after.restaurant)?;
        }
        Ok(())
    }
}

impl Processor<String, News, OrderId, EtaPredicted> for EtaProcessor {
    fn process(&mut self, ctx: &mut Context<'_>, record: Record<String, News>) -> Result<(), StreamsError> {
        match (record.key, record.value) {
            (Some(zone), Some(News::Order(progress))) => self.progress(ctx, zone, &progress),
            (Some(zone), Some(News::Driver { driver, on_shift })) => self.shift(&zone, driver, on_shift),
            _ => {
                ctx.drop_record();
                Ok(())
            }
        }
    }

    fn punctuate(&mut self, _: &mut Context<'_>, _: &Schedule, now_ms: i64) -> Result<(), StreamsError> {
        let forgotten = EventTime(now_ms).plus_ms(-FORGET_AFTER_MS);
        for (order, facts) in self.orders.all()? {
            if facts.wanted_at.map_or(facts.changed_at, |wanted| wanted.max(facts.changed_at)) < forgotten {
                self.orders.delete(&order)?;
                let mut zone = self.zones.get(&facts.zone)?.unwrap_or_default();
                zone.load.moved(facts.place, None);
                self.zones.put(&facts.zone, &zone)?;
            }
        }
        Ok(())
    }
}

fn predicted(progress: &Progress, restaurant_id: RestaurantId, zone: String, estimate: Published) -> EtaPredicted {
    EtaPredicted {
        envelope: Envelope {
            event_id: EventId::caused_by(progress.event, EtaPredicted::FULL_NAME),
            occurred_at: progress.at,
            correlation_id: progress.order.into(),
            causation_id: Some(progress.event),
            producer: crate::analytics::APPLICATION_ID.to_owned(),
        },
        order_id: progress.order,
        restaurant_id,
        zone,
        stage: estimate.status,
        predicted_at: progress.at,
        p50_at: estimate.p50_at,
        p90_at: estimate.p90_at,
    }
}
