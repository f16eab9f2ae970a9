//! From a deed to a record: whose identity it gets, and whose messages it must not overtake.

use comanda_schemas::PaymentEvent;

use crate::city::City;
use crate::courier::Courier;
use crate::events::{self, CityEvent, Head};
use crate::fate::{Fate, Realm};
use crate::faults;
use crate::network::{Lane, Message, Sender};
use crate::order::Order;
use crate::restaurant::Restaurant;

impl City {
    /// Sends something that an order's customer or restaurant does.
    pub(crate) fn send_for_order(
        &mut self,
        order: usize,
        at_ms: i64,
        make: impl FnOnce(Head, &Order, &Restaurant, &str, &mut Fate) -> CityEvent,
    ) {
        let this = &mut self.orders[order];
        let sender = Sender::Order(order);
        let (event_id, mut fate) = self.network.next_message(sender, &mut this.lane);
        let restaurant = &self.restaurants[this.restaurant];
        let (zone, cause) = (self.zones.name(restaurant.zone), this.cause);
        let event = make(Head { event_id, at_ms, cause }, this, restaurant, zone, &mut fate);
        let message = Message { event, key: this.id.to_string(), at_ms, by_device: false };
        self.network.send(message, fate, &mut [&mut this.lane], &mut self.out);
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
        let sender = Sender::Order(order);
        let (event_id, fate) = self.network.next_message(sender, &mut this.lane);
        let cause = this.cause;
        let event = make(Head { event_id, at_ms, cause }, this, rider);
        let message = Message { event, key: this.id.to_string(), at_ms, by_device: true };
        let lanes = &mut [&mut this.lane, &mut rider.lane];
        self.network.send(message, fate, lanes, &mut self.out);
    }

    /// Sends what a courier's device says about the courier.
    pub(crate) fn send_for_courier(
        &mut self,
        courier: usize,
        at_ms: i64,
        make: impl FnOnce(Head, &mut Courier, &str) -> CityEvent,
    ) {
        let rider = &mut self.couriers[courier];
        let sender = Sender::Courier(courier);
        let (event_id, fate) = self.network.next_message(sender, &mut rider.lane);
        let zone = self.zones.name(rider.zone);
        let event = make(Head { event_id, at_ms, cause: None }, rider, zone);
        let message = Message { event, key: rider.id.to_string(), at_ms, by_device: true };
        self.network.send(message, fate, &mut [&mut rider.lane], &mut self.out);
    }

    /// Sends an answer of the payment provider, which has made its identity from its cause.
    pub(crate) fn send_payment(&mut self, order: usize, event: PaymentEvent, at_ms: i64) {
        let this = &mut self.orders[order];
        let (_, fate) = self.network.next_message(Sender::Order(order), &mut this.lane);
        let (event, key) = (CityEvent::Payment(event), this.id.to_string());
        let message = Message { event, key, at_ms, by_device: false };
        self.network.send(message, fate, &mut [&mut this.lane], &mut self.out);
    }

    /// A restaurant opens: it sends its menu.
    pub(crate) fn open_restaurant(&mut self, restaurant: usize, at_ms: i64) {
        let this = &self.restaurants[restaurant];
        let (sender, mut lane) = (Sender::Restaurant(restaurant), Lane::default());
        let (event_id, fate) = self.network.next_message(sender, &mut lane);
        let head = Head { event_id, at_ms, cause: None };
        let event = events::catalog(head, this, self.zones.name(this.zone));
        let message = Message { event, key: this.id.to_string(), at_ms, by_device: false };
        self.network.send(message, fate, &mut [&mut lane], &mut self.out);
    }

    /// Sends a bad record and enters it in the books.
    pub(crate) fn send_fault(&mut self, fault: usize, number: u64, at_ms: i64) {
        let order = &self.orders[number as usize % self.orders.len()];
        let restaurant = &self.restaurants[order.restaurant];
        let fate = Fate::of(self.config.seed, Realm::Fault, number << 1 | 1);
        let zone = self.zones.name(restaurant.zone);
        let emission = faults::emission(fault, at_ms, order, restaurant, zone, fate);
        self.faults_sent[fault] += 1;
        self.network.pass(emission, &mut self.out);
    }
}
