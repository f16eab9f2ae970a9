//! The estimate: when the food is ready, when it is picked up, how long the ride is; corrected by what the same stage
//! was wrong by before.

use super::facts::{OrderFacts, Published};
use super::forecast::{self, DISPATCH_AHEAD_MINUTES};
use super::learned::Learned;
use super::load::{Place, minute};
use super::progress::{Progress, Step};
use comanda_schemas::{EventTime, OrderStatus};

/// A change of less does not matter to somebody who waits.
const MATTERS_MS: i64 = 2 * 60_000;
/// Payment and restaurant take about so long to agree.
const AGREEMENT_MINUTES: f64 = 1.0;
/// What restaurants reckon for the ride when they plan for a promise: usual pace.
const PLANNED_MINUTES_PER_KM: f64 = 4.0;

/// Takes in what happened to an order. Returns the estimate if it is to be published. An ended order's facts become
/// `None`; `learned` changes by what an order shows.
pub(super) fn take(facts: &mut Option<OrderFacts>, learned: &mut Learned, progress: &Progress) -> Option<Published> {
    let open = facts.as_mut()?;
    match progress.step {
        Step::Delivered => {
            learned.zone.load.moved(open.place, None);
            learn_at_the_door(open, learned, progress.at);
            *facts = None;
            return None;
        }
        Step::Cancelled => {
            learned.zone.load.moved(open.place, None);
            *facts = None;
            return None;
        }
        _ => learn_on_the_way(open, learned, progress),
    }
    open.take(progress);
    let guess = guess_in_the_queue(open, learned, progress);
    let stage = open.stage();
    open.guesses[stage].get_or_insert(guess);
    let offset = learned.zone.offsets[stage];
    let p50_at = plus(guess, offset.p50).max(progress.at);
    let estimate = Published { status: open.status, p50_at, p90_at: plus(guess, offset.p90).max(p50_at) };
    let matters = open.published.is_none_or(|former| matters(&former, &estimate));
    if matters {
        open.published = Some(estimate);
    }
    matters.then_some(estimate)
}

fn matters(former: &Published, new: &Published) -> bool {
    let moved = |from: EventTime, to: EventTime| to.ms_since(from).abs() >= MATTERS_MS;
    former.status != new.status || moved(former.p50_at, new.p50_at) || moved(former.p90_at, new.p90_at)
}

/// Gives the order its place among the zone's, and guesses with it.
fn guess_in_the_queue(open: &mut OrderFacts, learned: &mut Learned, progress: &Progress) -> EventTime {
    if open.driver.is_none() {
        let due_at = driver_due_at(open, learned);
        if open.place.is_none() {
            learned.zone.load.placed(progress.at, due_at);
        }
        take_place(open, learned, Place::Waits(minute(due_at)));
    }
    let guess = guess(open, learned, progress.at);
    if open.driver.is_some() {
        take_place(open, learned, Place::Busy(minute(guess)));
    }
    guess
}

fn take_place(open: &mut OrderFacts, learned: &mut Learned, place: Place) {
    learned.zone.load.moved(open.place, Some(place));
    open.place = Some(place);
}

/// From when on dispatch looks for a driver.
fn driver_due_at(facts: &OrderFacts, learned: &Learned) -> EventTime {
    let ready_at = facts.estimated_ready_at.unwrap_or_else(|| planned_ready(facts, learned));
    plus(ready_at, -DISPATCH_AHEAD_MINUTES).max(facts.confirmed_at.unwrap_or(facts.placed_at))
}

/// When it will be at the door, by means alone.
fn guess(facts: &OrderFacts, learned: &Learned, now: EventTime) -> EventTime {
    plus(picked_up(facts, learned, now), learned.zone.rides.minutes(facts.ride_km))
}

fn picked_up(facts: &OrderFacts, learned: &Learned, now: EventTime) -> EventTime {
    if let Some(at) = facts.picked_up_at {
        return at;
    }
    let ready = ready(facts, learned, now);
    let there = driver_there(facts, learned).unwrap_or_else(|| {
        let due_at = driver_due_at(facts, learned);
        let (found_at, approach) = forecast::driver(&learned.zone.load, due_at, now, learned.zone.rides.per_km());
        plus(found_at, approach)
    });
    plus(ready.max(there), learned.zone.hand_over.minutes()).max(now)
}

/// When the assigned driver should be at the restaurant.
fn driver_there(facts: &OrderFacts, learned: &Learned) -> Option<EventTime> {
    let driver = facts.driver?;
    Some(plus(driver.assigned_at, driver.approach_km * learned.zone.rides.per_km()))
}

fn ready(facts: &OrderFacts, learned: &Learned, now: EventTime) -> EventTime {
    if let Some(at) = facts.ready_at {
        return at;
    }
    let expected = match (facts.estimated_ready_at, facts.preparing_at) {
        (Some(estimated), _) => plus(estimated, learned.lateness()),
        (None, Some(started)) => plus(started, learned.cooking()),
        (None, None) => plus(planned_ready(facts, learned), learned.lateness()),
    };
    expected.max(now)
}

/// What the restaurant will say when it accepts: in time for the promise, if it can.
fn planned_ready(facts: &OrderFacts, learned: &Learned) -> EventTime {
    let soonest = plus(facts.placed_at, AGREEMENT_MINUTES + learned.cooking());
    let in_time = facts.wanted_at.map(|wanted| plus(wanted, -facts.ride_km * PLANNED_MINUTES_PER_KM));
    in_time.map_or(soonest, |in_time| in_time.max(soonest))
}

/// What is seen of kitchens and pick-ups while the order is open. `facts` are those from before.
fn learn_on_the_way(facts: &OrderFacts, learned: &mut Learned, progress: &Progress) {
    match progress.step {
        Step::Ready if facts.ready_at.is_none() => {
            if let Some(estimated) = facts.estimated_ready_at {
                learned.learn_lateness(progress.at.minutes_since(estimated));
            }
            if let Some(started) = facts.preparing_at {
                learned.learn_cooking(progress.at.minutes_since(started));
            }
        }
        Step::PickedUp if facts.picked_up_at.is_none() => {
            if let Some((ready, there)) = facts.ready_at.zip(driver_there(facts, learned)) {
                learned.learn_hand_over(progress.at.minutes_since(ready.max(there)));
            }
        }
        Step::Assigned { approach_km } => learned.zone.load.learn_reach(approach_km),
        _ => {}
    }
}

/// What the end tells: the ride, and how wrong each stage's guess was.
fn learn_at_the_door(facts: &OrderFacts, learned: &mut Learned, at: EventTime) {
    if facts.status == OrderStatus::PickedUp
        && let Some(picked_up) = facts.picked_up_at
    {
        learned.learn_ride(facts.ride_km, at.minutes_since(picked_up));
    }
    if let Some((ready, there)) = facts.ready_at.zip(driver_there(facts, learned)) {
        learned.zone.load.learn_rest(at.minutes_since(ready.max(there)));
    }
    for (guess, offset) in facts.guesses.iter().zip(&mut learned.zone.offsets) {
        if let Some(guess) = guess {
            offset.learn(at.minutes_since(*guess));
        }
    }
}

fn plus(at: EventTime, minutes: f64) -> EventTime {
    at.plus_ms((minutes * 60_000.0) as i64)
}
