//! Couriers: the way of an order from the phone's ringing to the door.

use comanda_schemas::{DeclineReason, DeliveryFailureReason, DeliveryId, EventId};

use crate::agenda::Happening;
use crate::books::Outcome;
use crate::city::City;
use crate::events::{self, Ride};
use crate::fate::{Fate, Realm};
use crate::place::Place;

/// From the look at the phone to the refusal.
const DECLINE_MS: (i64, i64) = (4_000, 20_000);
/// A courier whose shift ends within this time would rather not.
const SHIFT_ENDING_MS: i64 = 8 * 60_000;
const RELUCTANCE: f64 = 0.5;
/// Whoever is asked third or later takes it: somebody must.
const LAST_REFUSAL: i32 = 2;
/// Bag on the counter to bag in the box.
const HAND_OVER_MS: (i64, i64) = (30_000, 110_000);
/// From the counter to the saddle.
const DEPART_MS: (i64, i64) = (8_000, 35_000);
/// From the kerb to the door, and the hand-over.
const DOOR_MS: (i64, i64) = (40_000, 150_000);
/// Before a closed door one waits and calls.
const CLOSED_DOOR_MS: (i64, i64) = (180_000, 420_000);
/// Rides scatter by this log-normal sigma beyond skill and rain.
const RIDE_SCATTER: f64 = 0.12;
/// Idle couriers stroll.
const STROLL_SPEED: f64 = 0.6;

impl City {
    /// The phone rings: an order for this courier. `attempt` counts the couriers asked.
    pub(crate) fn assigned(
        &mut self,
        order: usize,
        courier: usize,
        delivery: DeliveryId,
        attempt: i32,
        cause: EventId,
        at_ms: i64,
    ) {
        let this = &self.orders[order];
        if this.ended() || this.ride == Some((courier, delivery)) {
            return;
        }
        if this.picked_up_ms.is_some() {
            return self.complain("assigned_after_pick_up");
        }
        let former = this.ride;
        if let Some(reason) = self.refusal(order, courier, attempt, at_ms) {
            let mut fate = Fate::of(self.config.seed, Realm::Idle, ((order as u64) << 24) | attempt as u64);
            let at_ms = at_ms + fate.between_ms(DECLINE_MS.0, DECLINE_MS.1);
            return self.plan(at_ms, Happening::Decline(courier, order, delivery, reason, cause));
        }
        self.orders[order].ride = Some((courier, delivery));
        self.orders[order].cause = Some(cause);
        if let Some((former, _)) = former.filter(|&(former, _)| former != courier) {
            self.release_courier(former, order, at_ms);
        }
        self.couriers[courier].next_jobs.push_back(order);
        self.take_next_job(courier, at_ms);
    }

    fn refusal(&self, order: usize, courier: usize, attempt: i32, at_ms: i64) -> Option<DeclineReason> {
        let this = &self.couriers[courier];
        let mut fate = Fate::of(self.config.seed, Realm::Ride, ((order as u64) << 24 | attempt as u64) << 2 | 3);
        if !this.on_shift {
            return Some(DeclineReason::ShiftEnding);
        }
        if attempt > LAST_REFUSAL {
            return None;
        }
        if this.off_ms - at_ms < SHIFT_ENDING_MS && fate.chance(RELUCTANCE) {
            return Some(DeclineReason::ShiftEnding);
        }
        let reasons = [DeclineReason::TooFar, DeclineReason::VehicleTrouble];
        fate.chance(self.config.declined_ride_share).then(|| reasons[fate.below(reasons.len())])
    }

    pub(crate) fn decline(
        &mut self,
        courier: usize,
        order: usize,
        delivery: DeliveryId,
        reason: DeclineReason,
        cause: EventId,
        at_ms: i64,
    ) {
        if !self.orders[order].ended() {
            self.orders[order].cause = Some(cause);
            self.send_for_ride(courier, order, at_ms, |head, order, courier| {
                events::ride(head, order.id, delivery, courier.id, Ride::Decline(reason))
            });
        }
    }

    fn take_next_job(&mut self, courier: usize, at_ms: i64) {
        let this = &mut self.couriers[courier];
        if this.job.is_some() {
            return;
        }
        let Some(order) = this.next_jobs.pop_front() else {
            return self.stroll(courier, at_ms);
        };
        this.job = Some(order);
        this.stop(at_ms);
        let restaurant = self.restaurants[self.orders[order].restaurant].place;
        let arrival_ms = self.ride_to(courier, order, restaurant, 0, at_ms);
        let trip = self.couriers[courier].trip;
        self.plan(arrival_ms, Happening::Reach(courier, trip));
    }

    /// Nothing in hand: home if the shift is over, else slowly towards some restaurant of the zone.
    fn stroll(&mut self, courier: usize, at_ms: i64) {
        let (seed, hidden) = (self.config.seed, &self.hidden);
        let this = &mut self.couriers[courier];
        this.stop(at_ms);
        let mut fate = Fate::of(seed, Realm::Idle, (1 << 60) | ((courier as u64) << 24) | u64::from(this.trip));
        let squares = &self.squares[this.zone];
        if let Some(&square) = squares.get(fate.below(squares.len())) {
            this.ride(square, at_ms, hidden.speed(at_ms) * STROLL_SPEED);
        }
        self.end_shift(courier, at_ms);
    }

    /// Rides towards `to` and says when the courier is there. `part` numbers the order's rides.
    fn ride_to(&mut self, courier: usize, order: usize, to: Place, part: u64, at_ms: i64) -> i64 {
        let mut fate = Fate::of(self.config.seed, Realm::Ride, (order as u64) << 2 | (1 + part));
        let speed = self.hidden.speed(at_ms) / fate.scatter(RIDE_SCATTER);
        self.couriers[courier].ride(to, at_ms, speed)
    }

    /// The order that `courier` has in hand on this very trip.
    fn job_of(&self, courier: usize, trip: u32) -> Option<usize> {
        let this = &self.couriers[courier];
        this.job.filter(|_| this.trip == trip)
    }

    pub(crate) fn reach_restaurant(&mut self, courier: usize, trip: u32, at_ms: i64) {
        if let Some(order) = self.job_of(courier, trip) {
            self.couriers[courier].waits = true;
            self.resume_pick_up(order, at_ms);
        }
    }

    /// Hands over if all are there: food, courier, and no cancellation under way.
    pub(crate) fn resume_pick_up(&mut self, order: usize, at_ms: i64) {
        let this = &self.orders[order];
        let Some((courier, _)) = this.ride.filter(|_| this.may_leave() && this.picked_up_ms.is_none()) else {
            return;
        };
        let rider = &mut self.couriers[courier];
        if rider.job == Some(order) && rider.waits {
            rider.waits = false;
            let trip = rider.trip;
            let mut fate = Fate::of(self.config.seed, Realm::Order, (1 << 60) | order as u64);
            self.plan(at_ms + fate.between_ms(HAND_OVER_MS.0, HAND_OVER_MS.1), Happening::PickUp(courier, trip));
        }
    }

    pub(crate) fn pick_up(&mut self, courier: usize, trip: u32, at_ms: i64) {
        let Some(order) = self.job_of(courier, trip) else {
            return;
        };
        if !self.orders[order].may_leave() {
            self.couriers[courier].waits = true;
            return;
        }
        self.orders[order].picked_up_ms = Some(at_ms);
        self.tell(courier, order, Ride::Pickup, at_ms);
        let mut fate = Fate::of(self.config.seed, Realm::Order, (2 << 60) | order as u64);
        self.plan(at_ms + fate.between_ms(DEPART_MS.0, DEPART_MS.1), Happening::Depart(courier, trip));
    }

    pub(crate) fn depart(&mut self, courier: usize, trip: u32, at_ms: i64) {
        let Some(order) = self.job_of(courier, trip) else {
            return;
        };
        self.tell(courier, order, Ride::Depart, at_ms);
        let home = self.orders[order].home;
        let arrival_ms = self.ride_to(courier, order, home, 1, at_ms);
        let mut fate = Fate::of(self.config.seed, Realm::Order, (3 << 60) | order as u64);
        let (shortest_ms, longest_ms) = if self.orders[order].closed_door { CLOSED_DOOR_MS } else { DOOR_MS };
        self.plan(arrival_ms + fate.between_ms(shortest_ms, longest_ms), Happening::Door(courier, trip));
    }

    pub(crate) fn stand_at_the_door(&mut self, courier: usize, trip: u32, at_ms: i64) {
        let Some(order) = self.job_of(courier, trip) else {
            return;
        };
        let closed = self.orders[order].closed_door;
        let what = if closed { Ride::Fail(DeliveryFailureReason::CustomerAbsent) } else { Ride::Deliver };
        self.tell(courier, order, what, at_ms);
        self.end_order(order, if closed { Outcome::Undeliverable } else { Outcome::Delivered }, at_ms);
    }

    fn tell(&mut self, courier: usize, order: usize, what: Ride, at_ms: i64) {
        let Some((_, delivery)) = self.orders[order].ride else {
            return;
        };
        self.send_for_ride(courier, order, at_ms, |head, order, courier| {
            events::ride(head, order.id, delivery, courier.id, what)
        });
    }

    /// Takes an order out of a courier's hands, wherever it stands in the queue.
    pub(crate) fn release_courier(&mut self, courier: usize, order: usize, at_ms: i64) {
        let this = &mut self.couriers[courier];
        this.next_jobs.retain(|&job| job != order);
        if this.job == Some(order) {
            this.job = None;
            self.take_next_job(courier, at_ms);
        }
    }
}
