//! The discrete-event world: an agenda of happenings in time order, and what the processors publish taken back in.

use std::collections::BTreeMap;

use comanda_schemas::{DriverId, OrderId};

use crate::agenda::{Agenda, Happening};
use crate::books::Outcome;
use crate::config::CityConfig;
use crate::courier::Courier;
use crate::evening::Evening;
use crate::fate::{Fate, Realm};
use crate::faults::FAULTS;
use crate::hidden::Hidden;
use crate::network::{Emission, Network};
use crate::order::Order;
use crate::place::{Place, Zones};
use crate::plan::Plan;
use crate::provider::Provider;
use crate::restaurant::Restaurant;
use crate::roster;

/// Restaurants send their menus so long before the opening: what the net holds up is there by then, too.
const MENUS_BEFORE_MS: i64 = 5 * 60_000;

/// A city for one evening. Ask it for what it sends ([`City::next_before`]), tell it what the processors publish
/// ([`City::observe`](crate::City::observe)), and read its books ([`City::books`]).
///
/// Same configuration and same observations at the same times: same records. What is decided about an order or a
/// courier depends on the seed alone, so two runs differ only where the processors did.
#[derive(Debug)]
pub struct City {
    pub(crate) config: CityConfig,
    pub(crate) clock_ms: i64,
    agenda: Agenda,
    pub(crate) hidden: Hidden,
    pub(crate) zones: Zones,
    pub(crate) restaurants: Vec<Restaurant>,
    pub(crate) orders: Vec<Order>,
    pub(crate) couriers: Vec<Courier>,
    pub(crate) order_numbers: BTreeMap<OrderId, usize>,
    pub(crate) courier_numbers: BTreeMap<DriverId, usize>,
    /// Where idle couriers wait: restaurants of their zone, the popular ones more often.
    pub(crate) squares: Vec<Vec<Place>>,
    pub(crate) provider: Provider,
    payments_due: usize,
    pub(crate) network: Network,
    /// Orders that are placed and not ended, and orders and faults still to come.
    pub(crate) open: usize,
    to_come: usize,
    pub(crate) faults_sent: [u64; FAULTS.len()],
    pub(crate) complaints: BTreeMap<String, u64>,
    pub(crate) out: Vec<Emission>,
}

impl City {
    /// A city with an invented evening, calibrated to real ones.
    pub fn new(config: CityConfig) -> City {
        let plan = Plan::invented(&config);
        City::with_plan(config, plan)
    }

    /// The same world with a real evening in it; `orders` and `restaurants` of the configuration do not matter.
    pub fn replay(config: CityConfig, evening: &Evening) -> City {
        let plan = Plan::replayed(&config, evening);
        City::with_plan(config, plan)
    }

    fn with_plan(config: CityConfig, plan: Plan) -> City {
        let demand = || plan.orders.iter().map(|order| plan.restaurants[order.restaurant].place);
        let zones = Zones::of(config.zones, demand());
        let mut trade = vec![0; plan.restaurants.len()];
        plan.orders.iter().for_each(|order| trade[order.restaurant] += 1);
        let restaurants: Vec<Restaurant> = plan
            .restaurants
            .iter()
            .enumerate()
            .map(|(number, planned)| Restaurant::new(&config, number, planned, trade[number], &zones))
            .collect();
        let orders: Vec<Order> = plan
            .orders
            .iter()
            .enumerate()
            .map(|(number, planned)| Order::new(&config, number, planned, &restaurants[planned.restaurant].menu))
            .collect();
        let shift_zones = roster::zones_of_shifts(&plan, &zones);
        let couriers: Vec<Courier> = plan
            .shifts
            .iter()
            .enumerate()
            .map(|(number, planned)| Courier::new(&config, number, planned, shift_zones[number]))
            .collect();
        let mut squares = vec![Vec::new(); zones.count()];
        demand().for_each(|place| squares[zones.at(place)].push(place));
        let mut city = City {
            hidden: Hidden::of(&config),
            clock_ms: config.starts_at_ms,
            agenda: Agenda::default(),
            order_numbers: orders.iter().enumerate().map(|(number, order)| (order.id, number)).collect(),
            courier_numbers: couriers.iter().enumerate().map(|(number, courier)| (courier.id, number)).collect(),
            network: Network::new(&config),
            provider: Provider::default(),
            payments_due: 0,
            open: 0,
            to_come: 0,
            faults_sent: [0; FAULTS.len()],
            complaints: BTreeMap::new(),
            out: Vec::new(),
            config,
            zones,
            restaurants,
            orders,
            couriers,
            squares,
        };
        city.set_agenda();
        city
    }

    fn set_agenda(&mut self) {
        for number in 0..self.restaurants.len() {
            self.plan(self.config.starts_at_ms - MENUS_BEFORE_MS, Happening::Open(number));
        }
        for number in 0..self.orders.len() {
            self.plan(self.orders[number].placed_ms, Happening::Place(number));
        }
        for number in 0..self.couriers.len() {
            self.plan(self.couriers[number].on_ms, Happening::ShiftStarts(number));
        }
        let last_ms = self.orders.iter().map(|order| order.placed_ms).max().unwrap_or(self.config.starts_at_ms);
        let faults = if self.orders.is_empty() { 0 } else { u64::from(self.config.faults_per_kind) };
        for (fault, count) in (0..FAULTS.len()).flat_map(|fault| (0..faults).map(move |count| (fault, count))) {
            let number = fault as u64 * faults + count;
            let mut fate = Fate::of(self.config.seed, Realm::Fault, number << 1);
            let at_ms = fate.between_ms(self.config.starts_at_ms + 1, last_ms);
            self.plan(at_ms, Happening::Fault(fault, number));
        }
        self.to_come = self.orders.len() + FAULTS.len() * faults as usize;
    }

    /// Everything that the city sends before `sim_time_ms`, in order of `send_at_ms`. The clock only goes forward:
    /// an earlier time than the last one gives nothing. At the opening ([`City::clock_ms`] of a new city) these are the
    /// restaurants' menus, without which no order is taken.
    pub fn next_before(&mut self, sim_time_ms: i64) -> Vec<Emission> {
        while let Some((at_ms, happening)) = self.agenda.next_before(sim_time_ms) {
            self.network.release(at_ms, &mut self.out);
            self.clock_ms = self.clock_ms.max(at_ms);
            self.happen(at_ms, happening);
        }
        self.clock_ms = self.clock_ms.max(sim_time_ms);
        let mut out = std::mem::take(&mut self.out);
        self.network.release(sim_time_ms - 1, &mut out);
        out
    }

    fn happen(&mut self, at_ms: i64, happening: Happening) {
        match happening {
            Happening::Open(restaurant) => self.open_restaurant(restaurant, at_ms),
            Happening::Place(order) => {
                self.to_come -= 1;
                self.place_order(order, at_ms)
            }
            Happening::Decide(order) => self.decide(order, at_ms),
            Happening::Cook(order) => self.cook(order, at_ms),
            Happening::Ready(order) => self.food_ready(order, at_ms),
            Happening::Regret(order) => self.ask_to_cancel(order, Outcome::Regretted, at_ms),
            Happening::Impatience(order) => self.lose_patience(order, at_ms),
            Happening::GiveUp(order) => self.give_up(order, at_ms),
            Happening::ShiftStarts(courier) => self.start_shift(courier, at_ms),
            Happening::ShiftEnds(courier) => self.end_shift(courier, at_ms),
            Happening::Ping(courier) => self.ping(courier, at_ms),
            Happening::Decline(courier, order, delivery, reason, cause) => {
                self.decline(courier, order, delivery, reason, cause, at_ms)
            }
            Happening::Reach(courier, trip) => self.reach_restaurant(courier, trip, at_ms),
            Happening::PickUp(courier, trip) => self.pick_up(courier, trip, at_ms),
            Happening::Depart(courier, trip) => self.depart(courier, trip, at_ms),
            Happening::Door(courier, trip) => self.stand_at_the_door(courier, trip, at_ms),
            Happening::Pay(command) => {
                self.payments_due -= 1;
                self.pay(&command, at_ms)
            }
            Happening::Fault(fault, number) => {
                self.to_come -= 1;
                self.send_fault(fault, number, at_ms)
            }
        }
    }

    /// Whether everything has happened that will happen unless something more is observed: all orders have ended,
    /// all records are out. Couriers stop pinging then.
    pub fn is_over(&self) -> bool {
        self.evening_done() && self.payments_due == 0 && self.network.is_empty() && self.out.is_empty()
    }

    /// The city's clock: the latest time that [`City::next_before`] was asked for.
    pub fn clock_ms(&self) -> i64 {
        self.clock_ms
    }

    /// What the processors cannot see.
    pub fn hidden(&self) -> &Hidden {
        &self.hidden
    }

    pub(crate) fn evening_done(&self) -> bool {
        self.open == 0 && self.to_come == 0
    }

    pub(crate) fn plan(&mut self, at_ms: i64, happening: Happening) {
        self.payments_due += usize::from(matches!(happening, Happening::Pay(_)));
        self.agenda.plan(at_ms, happening);
    }

    pub(crate) fn complain(&mut self, about: &str) {
        *self.complaints.entry(about.to_owned()).or_default() += 1;
    }
}
