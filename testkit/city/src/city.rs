//! The discrete-event world: an agenda of happenings in time order, and what the processors publish taken back in.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use comanda_schemas::{DeclineReason, DeliveryId, DriverId, EventId, OrderId, PaymentCommand};

use crate::books::Outcome;
use crate::config::CityConfig;
use crate::courier::Courier;
use crate::evening::Evening;
use crate::events::{self, CityEvent, Head};
use crate::fate::{Fate, Realm};
use crate::faults::{self, FAULTS};
use crate::hidden::Hidden;
use crate::network::{Emission, Network, Sender};
use crate::order::Order;
use crate::place::{Place, Zones};
use crate::plan::Plan;
use crate::provider::Provider;
use crate::restaurant::Restaurant;

/// What happens next to whom. Couriers' happenings carry the trip they belong to: a changed plan voids them.
#[derive(Debug)]
pub(crate) enum Happening {
    Open(usize),
    Place(usize),
    Decide(usize),
    Cook(usize),
    Ready(usize),
    Regret(usize),
    Impatience(usize),
    GiveUp(usize),
    ShiftStarts(usize),
    ShiftEnds(usize),
    Ping(usize),
    Decline(usize, usize, DeliveryId, DeclineReason, EventId),
    Reach(usize, u32),
    PickUp(usize, u32),
    Depart(usize, u32),
    Door(usize, u32),
    Pay(Box<PaymentCommand>),
    Fault(usize, u64),
}

#[derive(Debug)]
struct Entry {
    at_ms: i64,
    number: u64,
    happening: Happening,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Entry {}
impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at_ms, self.number).cmp(&(other.at_ms, other.number))
    }
}

/// A city for one evening. Ask it for what it sends ([`City::next_before`]), tell it what the processors publish
/// ([`City::observe`](crate::City::observe)), and read its books ([`City::books`]).
///
/// Same configuration and same observations at the same times: same records. What is decided about an order or a
/// courier depends on the seed alone, so two runs differ only where the processors did.
#[derive(Debug)]
pub struct City {
    pub(crate) config: CityConfig,
    pub(crate) clock_ms: i64,
    agenda: BinaryHeap<Reverse<Entry>>,
    happened: u64,
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
    out: Vec<Emission>,
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
        let demand = || {
            plan.orders
                .iter()
                .map(|order| plan.restaurants[order.restaurant].place)
        };
        let zones = Zones::of(config.zones, demand());
        let mut trade = vec![0; plan.restaurants.len()];
        plan.orders
            .iter()
            .for_each(|order| trade[order.restaurant] += 1);
        let restaurants: Vec<Restaurant> = plan
            .restaurants
            .iter()
            .enumerate()
            .map(|(number, planned)| {
                Restaurant::new(&config, number, planned, trade[number], &zones)
            })
            .collect();
        let orders: Vec<Order> = plan
            .orders
            .iter()
            .enumerate()
            .map(|(number, planned)| {
                Order::new(
                    &config,
                    number,
                    planned,
                    &restaurants[planned.restaurant].menu,
                )
            })
            .collect();
        let shift_zones = zones_of_shifts(&plan, &zones);
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
            agenda: BinaryHeap::new(),
            happened: 0,
            order_numbers: orders
                .iter()
                .enumerate()
                .map(|(number, order)| (order.id, number))
                .collect(),
            courier_numbers: couriers
                .iter()
                .enumerate()
                .map(|(number, courier)| (courier.id, number))
                .collect(),
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
            self.plan(self.config.starts_at_ms, Happening::Open(number));
        }
        for number in 0..self.orders.len() {
            self.plan(self.orders[number].placed_ms, Happening::Place(number));
        }
        for number in 0..self.couriers.len() {
            self.plan(self.couriers[number].on_ms, Happening::ShiftStarts(number));
        }
        let last_ms = self
            .orders
            .iter()
            .map(|order| order.placed_ms)
            .max()
            .unwrap_or(self.config.starts_at_ms);
        let faults = if self.orders.is_empty() {
            0
        } else {
            u64::from(self.config.faults_per_kind)
        };
        for (fault, count) in
            (0..FAULTS.len()).flat_map(|fault| (0..faults).map(move |count| (fault, count)))
        {
            let number = fault as u64 * faults + count;
            let mut fate = Fate::of(self.config.seed, Realm::Fault, number << 1);
            let at_ms = fate.between_ms(self.config.starts_at_ms + 1, last_ms);
            self.plan(at_ms, Happening::Fault(fault, number));
        }
        self.to_come = self.orders.len() + FAULTS.len() * faults as usize;
    }

    /// Everything that the city sends before `sim_time_ms`, in order of `send_at_ms`. The clock only goes forward:
    /// an earlier time than the last one gives nothing.
    pub fn next_before(&mut self, sim_time_ms: i64) -> Vec<Emission> {
        while self
            .agenda
            .peek()
            .is_some_and(|Reverse(entry)| entry.at_ms < sim_time_ms)
        {
            let Some(Reverse(entry)) = self.agenda.pop() else {
                break;
            };
            let mut out = std::mem::take(&mut self.out);
            self.network.release(entry.at_ms, &mut out);
            self.out = out;
            self.clock_ms = self.clock_ms.max(entry.at_ms);
            self.happen(entry.at_ms, entry.happening);
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
        self.evening_done()
            && self.payments_due == 0
            && self.network.is_empty()
            && self.out.is_empty()
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
        self.agenda.push(Reverse(Entry {
            at_ms,
            number: self.happened,
            happening,
        }));
        self.happened += 1;
    }

    pub(crate) fn complain(&mut self, about: &str) {
        *self.complaints.entry(about.to_owned()).or_default() += 1;
    }

    /// Sends something that an order's customer or restaurant does.
    pub(crate) fn send_for_order(
        &mut self,
        order: usize,
        at_ms: i64,
        make: impl FnOnce(Head, &Order, &Restaurant, &str, &mut Fate) -> CityEvent,
    ) {
        let this = &mut self.orders[order];
        let (event_id, mut fate) = self
            .network
            .next_message(Sender::Order(order), &mut this.lane);
        let restaurant = &self.restaurants[this.restaurant];
        let head = Head {
            event_id,
            at_ms,
            cause: this.cause,
        };
        let event = make(
            head,
            this,
            restaurant,
            self.zones.name(restaurant.zone),
            &mut fate,
        );
        let key = this.id.to_string();
        self.network.send(
            event,
            key,
            at_ms,
            false,
            fate,
            &mut [&mut this.lane],
            &mut self.out,
        );
    }

    /// Sends what a courier's device says about an order: it waits for both lanes.
    pub(crate) fn send_for_ride(
        &mut self,
        courier: usize,
        order: usize,
        at_ms: i64,
        make: impl FnOnce(Head, &Order, &Courier) -> CityEvent,
    ) {
        let (this, rider) = (&mut self.orders[order], &mut self.couriers[courier]);
        let (event_id, fate) = self
            .network
            .next_message(Sender::Order(order), &mut this.lane);
        let head = Head {
            event_id,
            at_ms,
            cause: this.cause,
        };
        let event = make(head, this, rider);
        let key = this.id.to_string();
        self.network.send(
            event,
            key,
            at_ms,
            true,
            fate,
            &mut [&mut this.lane, &mut rider.lane],
            &mut self.out,
        );
    }

    /// Sends what a courier's device says about the courier.
    pub(crate) fn send_for_courier(
        &mut self,
        courier: usize,
        at_ms: i64,
        make: impl FnOnce(Head, &mut Courier, &str) -> CityEvent,
    ) {
        let rider = &mut self.couriers[courier];
        let (event_id, fate) = self
            .network
            .next_message(Sender::Courier(courier), &mut rider.lane);
        let event = make(
            Head {
                event_id,
                at_ms,
                cause: None,
            },
            rider,
            self.zones.name(rider.zone),
        );
        let key = rider.id.to_string();
        self.network.send(
            event,
            key,
            at_ms,
            true,
            fate,
            &mut [&mut rider.lane],
            &mut self.out,
        );
    }

    pub(crate) fn send_payment(
        &mut self,
        order: usize,
        event: comanda_schemas::PaymentEvent,
        at_ms: i64,
    ) {
        let this = &mut self.orders[order];
        let (_, fate) = self
            .network
            .next_message(Sender::Order(order), &mut this.lane);
        let key = this.id.to_string();
        self.network.send(
            CityEvent::Payment(event),
            key,
            at_ms,
            false,
            fate,
            &mut [&mut this.lane],
            &mut self.out,
        );
    }

    fn open_restaurant(&mut self, restaurant: usize, at_ms: i64) {
        let this = &self.restaurants[restaurant];
        let mut lane = Default::default();
        let (event_id, fate) = self
            .network
            .next_message(Sender::Restaurant(restaurant), &mut lane);
        let event = events::catalog(
            Head {
                event_id,
                at_ms,
                cause: None,
            },
            this,
            self.zones.name(this.zone),
        );
        let key = this.id.to_string();
        self.network.send(
            event,
            key,
            at_ms,
            false,
            fate,
            &mut [&mut lane],
            &mut self.out,
        );
    }

    fn send_fault(&mut self, fault: usize, number: u64, at_ms: i64) {
        let order = &self.orders[number as usize % self.orders.len()];
        let restaurant = &self.restaurants[order.restaurant];
        let fate = Fate::of(self.config.seed, Realm::Fault, number << 1 | 1);
        let emission = faults::emission(
            fault,
            at_ms,
            order,
            restaurant,
            self.zones.name(restaurant.zone),
            fate,
        );
        self.faults_sent[fault] += 1;
        self.network.pass(emission, &mut self.out);
    }
}

/// Which zone each courier works in: every zone gets couriers by its demand, each the nearest that still lack one.
/// By turns over the shifts in order of their beginning, so that every hour is shared so.
fn zones_of_shifts(plan: &Plan, zones: &Zones) -> Vec<usize> {
    let mut demand = vec![0.0; zones.count()];
    for order in &plan.orders {
        demand[zones.at(plan.restaurants[order.restaurant].place)] +=
            1.0 / plan.orders.len() as f64;
    }
    let mut by_start: Vec<usize> = (0..plan.shifts.len()).collect();
    by_start.sort_by_key(|&shift| (plan.shifts[shift].on_ms, shift));
    let (mut given, mut zone_of) = (vec![0.0; zones.count()], vec![0; plan.shifts.len()]);
    for (turn, &shift) in by_start.iter().enumerate() {
        let lacks = |zone: usize| demand[zone] * (turn + 1) as f64 - given[zone];
        let home = zones.at(plan.shifts[shift].start);
        let neediest = (0..zones.count())
            .max_by(|&a, &b| lacks(a).total_cmp(&lacks(b)))
            .unwrap_or(0);
        let zone = if lacks(home) > 0.0 { home } else { neediest };
        given[zone] += 1.0;
        zone_of[shift] = zone;
    }
    zone_of
}
