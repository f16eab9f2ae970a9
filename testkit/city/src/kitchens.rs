//! Restaurants: they accept or refuse, begin in time for the promise, and are ready when they are ready.

use crate::agenda::Happening;
use crate::city::City;
use crate::events;
use crate::fate::{Fate, Realm};
use crate::order::Kitchen;

/// How long somebody takes to look at the screen.
const DECIDE_MS: (i64, i64) = (10_000, 75_000);
/// From the confirmation to the stove, at least.
const START_MS: (i64, i64) = (5_000, 60_000);

impl City {
    /// A new order shows on the restaurant's screen.
    pub(crate) fn ask_restaurant(&mut self, order: usize, at_ms: i64) {
        let this = &mut self.orders[order];
        if this.restaurant_asked || this.ended() {
            return;
        }
        this.restaurant_asked = true;
        let mut fate = Fate::of(self.config.seed, Realm::Cooking, (order as u64) << 1);
        self.plan(at_ms + fate.between_ms(DECIDE_MS.0, DECIDE_MS.1), Happening::Decide(order));
    }

    pub(crate) fn decide(&mut self, order: usize, at_ms: i64) {
        let this = &self.orders[order];
        if this.ended() {
            return;
        }
        if let Some(reason) = this.rejection {
            return self.send_for_order(order, at_ms, |head, order, restaurant, _, _| {
                events::reject_order(head, order, restaurant, reason)
            });
        }
        let restaurant = &self.restaurants[this.restaurant];
        let ready_ms = self.planned_start_ms(order, at_ms) + restaurant.believed_ms();
        self.send_for_order(order, at_ms, |head, order, restaurant, _, _| {
            events::accept_order(head, order, restaurant, ready_ms)
        });
    }

    /// Payment and restaurant agree: the order goes on the board.
    pub(crate) fn confirmed(&mut self, order: usize, at_ms: i64) {
        let this = &mut self.orders[order];
        if this.ended() || this.confirmed {
            return;
        }
        this.confirmed = true;
        if this.rejection.is_some() || this.card_trouble.is_some() {
            self.complain("confirmed_though_refused");
        }
        self.orders[order].kitchen = Kitchen::Planned;
        let mut fate = Fate::of(self.config.seed, Realm::Cooking, (order as u64) << 1 | 1);
        let earliest_ms = at_ms + fate.between_ms(START_MS.0, START_MS.1);
        self.plan(self.planned_start_ms(order, at_ms).max(earliest_ms), Happening::Cook(order));
    }

    /// In time for the promise, by what the house believes: cooking, then the ride without rain. This is how the
    /// real evenings count too: ready = promised − direct travel.
    fn planned_start_ms(&self, order: usize, at_ms: i64) -> i64 {
        let this = &self.orders[order];
        let ride_ms = (this.direct_minutes * 60_000.0) as i64;
        (this.promised_ms - ride_ms - self.restaurants[this.restaurant].believed_ms()).max(at_ms)
    }

    pub(crate) fn cook(&mut self, order: usize, at_ms: i64) {
        let this = &mut self.orders[order];
        if this.ended() {
            return;
        }
        this.kitchen = Kitchen::Cooking;
        let restaurant = &mut self.restaurants[this.restaurant];
        restaurant.in_kitchen += 1;
        let mut fate = Fate::of(self.config.seed, Realm::Ride, (order as u64) << 2);
        let ready_ms = at_ms + restaurant.cooking_ms(&mut fate);
        self.send_for_order(order, at_ms, |head, order, restaurant, _, _| {
            events::start_preparing(head, order, restaurant)
        });
        self.plan(ready_ms, Happening::Ready(order));
    }

    pub(crate) fn food_ready(&mut self, order: usize, at_ms: i64) {
        let this = &mut self.orders[order];
        if this.ended() {
            return;
        }
        (this.kitchen, this.ready_ms) = (Kitchen::Ready, Some(at_ms));
        self.restaurants[this.restaurant].in_kitchen -= 1;
        self.send_for_order(order, at_ms, |head, order, restaurant, _, _| events::mark_ready(head, order, restaurant));
        self.resume_pick_up(order, at_ms);
    }
}
