//! What is known of an open order: the value of store `eta-orders`, gone when the order ends.

use super::load::Place;
use super::progress::{Progress, Step};
use comanda_schemas::{EventTime, OrderStatus, RestaurantId};
use serde::{Deserialize, Serialize};

/// Stages, each with a correction of its own: the less is left open, the narrower the estimate.
pub(super) const STAGES: usize = 8;

/// An open order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct OrderFacts {
    pub zone: String,
    pub restaurant: RestaurantId,
    pub status: OrderStatus,
    pub ride_km: f64,
    pub placed_at: EventTime,
    pub wanted_at: Option<EventTime>,
    pub confirmed_at: Option<EventTime>,
    pub estimated_ready_at: Option<EventTime>,
    pub preparing_at: Option<EventTime>,
    pub ready_at: Option<EventTime>,
    pub driver: Option<Driver>,
    pub picked_up_at: Option<EventTime>,
    /// What it stands for among its zone's open orders.
    pub place: Option<Place>,
    /// Latest time of anything taken in.
    pub changed_at: EventTime,
    /// The uncorrected estimate when each stage began, to learn from at the end.
    pub guesses: [Option<EventTime>; STAGES],
    pub published: Option<Published>,
}

/// The driver who has been assigned.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Driver {
    pub assigned_at: EventTime,
    pub approach_km: f64,
}

/// What was said last.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Published {
    pub status: OrderStatus,
    pub p50_at: EventTime,
    pub p90_at: EventTime,
}

impl OrderFacts {
    /// Of an order just placed; `None` if this is about something else.
    pub fn placed(zone: &str, progress: &Progress) -> Option<OrderFacts> {
        let Step::Placed { restaurant, ride_km, wanted_at } = progress.step else { return None };
        Some(OrderFacts {
            zone: zone.to_owned(),
            restaurant,
            status: OrderStatus::Pending,
            ride_km,
            placed_at: progress.at,
            wanted_at,
            confirmed_at: None,
            estimated_ready_at: None,
            preparing_at: None,
            ready_at: None,
            driver: None,
            picked_up_at: None,
            place: None,
            changed_at: progress.at,
            guesses: [None; STAGES],
            published: None,
        })
    }

    /// Takes in what happened; what comes again or out of order does not move the order back.
    pub fn take(&mut self, progress: &Progress) {
        let at = progress.at;
        self.changed_at = self.changed_at.max(at);
        match progress.step {
            Step::Confirmed { estimated_ready_at } => {
                self.confirmed_at.get_or_insert(at);
                self.estimated_ready_at = estimated_ready_at;
                self.enter(OrderStatus::Confirmed);
            }
            Step::Preparing => {
                self.preparing_at.get_or_insert(at);
                self.enter(OrderStatus::Preparing);
            }
            Step::Ready => {
                self.ready_at.get_or_insert(at);
                self.enter(OrderStatus::Ready);
            }
            Step::Assigned { approach_km } => self.driver = Some(Driver { assigned_at: at, approach_km }),
            Step::Declined => self.driver = None,
            Step::PickedUp => {
                self.picked_up_at.get_or_insert(at);
                self.enter(OrderStatus::PickedUp);
            }
            Step::Placed { .. } | Step::Delivered | Step::Cancelled => {}
        }
    }

    fn enter(&mut self, status: OrderStatus) {
        if rank(status) > rank(self.status) {
            self.status = status;
        }
    }

    /// Number of its stage, below [`STAGES`]: the status, and before pick-up whether a driver is known.
    pub fn stage(&self) -> usize {
        let with_driver = usize::from(self.driver.is_some());
        match rank(self.status) {
            0 => 0,
            4 => STAGES - 1,
            rank => 2 * rank - 1 + with_driver,
        }
    }
}

/// How far along the life of an order that is not over.
fn rank(status: OrderStatus) -> usize {
    match status {
        OrderStatus::Confirmed => 1,
        OrderStatus::Preparing => 2,
        OrderStatus::Ready => 3,
        OrderStatus::PickedUp => 4,
        _ => 0,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use comanda_schemas::{EventId, OrderId};
    use uuid::Uuid;

    fn progress(step: Step) -> Progress {
        Progress { order: OrderId(Uuid::nil()), event: EventId(Uuid::nil()), at: EventTime(5), step }
    }

    fn placed() -> OrderFacts {
        let step = Step::Placed { restaurant: RestaurantId(Uuid::nil()), ride_km: 1.0, wanted_at: None };
        OrderFacts::placed("zone-1", &progress(step)).unwrap()
    }

    #[test]
    fn every_way_to_the_door_has_stages_of_its_own() {
        let assigned = Step::Assigned { approach_km: 1.0 };
        let mut facts = placed();
        let mut stages = vec![facts.stage()];
        for step in [Step::Confirmed { estimated_ready_at: None }, assigned, Step::Preparing, Step::Ready] {
            facts.take(&progress(step));
            stages.push(facts.stage());
        }
        facts.take(&progress(Step::Declined));
        stages.push(facts.stage());
        facts.take(&progress(Step::PickedUp));
        stages.push(facts.stage());
        assert_eq!(stages, [0, 1, 2, 4, 6, 5, 7]);
    }

    #[test]
    fn what_comes_late_is_noted_and_moves_nothing_back() {
        let mut facts = placed();
        facts.take(&progress(Step::PickedUp));
        facts.take(&progress(Step::Ready));
        assert_eq!((facts.status, facts.ready_at), (OrderStatus::PickedUp, Some(EventTime(5))));
    }
}
