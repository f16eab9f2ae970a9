//! When an order will get its driver: the zone's next hours played through minute by minute.

use super::load::{Load, MINUTE_MS, minute};
use comanda_schemas::EventTime;
use std::collections::BTreeMap;

/// Dispatch looks for a driver so long before the food is expected.
pub(super) const DISPATCH_AHEAD_MINUTES: f64 = crate::delivery::DISPATCH_AHEAD_MS as f64 / 60_000.0;
/// Nobody waits so long for a driver: dispatch gives up before.
const HORIZON_MINUTES: i64 = 240;
/// What is foreseen for a time so far ahead counts by 1/e, the rest is as it is now: shifts may begin until then.
const TRUST_MINUTES: f64 = 40.0;

/// When an order that needs a driver from `due_at` on will have one, and how many minutes that one will be away.
///
/// First come, first served; orders that are not placed yet come at today's rate with today's lead times. The busier the
/// zone, the farther the nearest driver, and the longer each is busy.
pub(super) fn driver(load: &Load, due_at: EventTime, now: EventTime, per_km: f64) -> (EventTime, f64) {
    let (first, due) = (minute(now), minute(due_at.max(now)));
    let as_now = load.approach_minutes(f64::from(load.idle()), per_km);
    if load.on_shift == 0 || due - first >= HORIZON_MINUTES {
        return (due_at.max(now), as_now);
    }
    let (found, approach) = play(load, first, due, per_km);
    let trust = (-((due - first) as f64) / TRUST_MINUTES).exp();
    let wait_ms = trust * ((found - due) * MINUTE_MS) as f64;
    (due_at.max(now).plus_ms(wait_ms as i64), trust * approach + (1.0 - trust) * as_now)
}

/// The minute in which whoever waits since `due` is served, and how far away the driver is then.
fn play(load: &Load, first: i64, due: i64, per_km: f64) -> (i64, f64) {
    let mut desk = Desk::new(load, first, per_km);
    let mut before_us = f64::INFINITY;
    for at in first..first + HORIZON_MINUTES {
        let approach = desk.minute(at);
        if at == due {
            before_us = desk.arrived;
        }
        // Numbers of orders to come are broken: half an order is none.
        if desk.served >= before_us - 0.5 {
            return (at, approach);
        }
    }
    (first + HORIZON_MINUTES, load.approach_minutes(0.0, per_km))
}

/// The dispatcher's desk in one minute to come.
struct Desk<'a> {
    load: &'a Load,
    first: i64,
    per_km: f64,
    idle: f64,
    queue: f64,
    arrived: f64,
    served: f64,
    /// Drivers who come back from orders served in this play, by minutes from its start.
    back: Vec<f64>,
}

impl<'a> Desk<'a> {
    fn new(load: &'a Load, first: i64, per_km: f64) -> Self {
        let until_now = |map: &BTreeMap<i64, u32>| map.range(..=first).map(|(_, n)| f64::from(*n)).sum::<f64>();
        let queue = until_now(&load.waiting);
        let idle = f64::from(load.idle()) + until_now(&load.busy);
        let back = vec![0.0; HORIZON_MINUTES as usize];
        Self { load, first, per_km, idle, queue, arrived: queue, served: 0.0, back }
    }

    /// Lets a minute come and serves whom it can; the distance of its drivers in minutes.
    fn minute(&mut self, at: i64) -> f64 {
        let ahead = (at - self.first) as usize;
        if ahead > 0 {
            let coming = self.load.coming(at, at - self.first);
            self.queue += coming;
            self.arrived += coming;
            self.idle += self.load.busy.get(&at).map_or(0.0, |n| f64::from(*n)) + self.back[ahead];
        }
        let approach = self.load.approach_minutes(self.idle - self.queue, self.per_km);
        let taken = self.queue.min(self.idle);
        self.queue -= taken;
        self.idle -= taken;
        self.served += taken;
        let job = approach.max(DISPATCH_AHEAD_MINUTES) + self.load.rest.minutes();
        if let Some(back) = self.back.get_mut(ahead + job.max(1.0) as usize) {
            *back += taken;
        }
        approach
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::eta::load::Place;

    fn at(minute: i64) -> EventTime {
        EventTime(minute * MINUTE_MS)
    }

    fn with_drivers(count: usize) -> Load {
        let mut load = Load::default();
        (0..count).for_each(|_| load.shift(true));
        load
    }

    #[test]
    fn with_idle_drivers_nobody_waits() {
        let mut load = with_drivers(2);
        load.moved(None, Some(Place::Waits(110)));
        assert_eq!(driver(&load, at(110), at(100), 4.0).0, at(110));
    }

    #[test]
    fn with_busy_drivers_one_waits_for_the_first_who_is_free() {
        let mut load = with_drivers(2);
        load.moved(None, Some(Place::Busy(130)));
        load.moved(None, Some(Place::Busy(120)));
        load.moved(None, Some(Place::Waits(110)));
        assert_eq!(play(&load, 100, 110, 4.0).0, 120);
        load.moved(None, Some(Place::Waits(111)));
        assert_eq!(play(&load, 100, 111, 4.0).0, 130);
        load.moved(None, Some(Place::Waits(112)));
        assert_eq!(play(&load, 100, 112, 4.0).0, 140, "the first one back from the first waiting order");
    }

    #[test]
    fn an_order_that_ends_makes_room() {
        let mut load = with_drivers(1);
        load.moved(None, Some(Place::Busy(150)));
        load.moved(None, Some(Place::Waits(110)));
        load.moved(Some(Place::Busy(150)), None);
        assert_eq!(driver(&load, at(110), at(100), 4.0).0, at(110));
    }

    #[test]
    fn orders_still_to_come_are_reckoned_with() {
        let mut load = with_drivers(4);
        for n in 0..20 {
            load.placed(at(80 + n), at(85 + n));
        }
        load.moved(None, Some(Place::Waits(160)));
        assert!(driver(&load, at(160), at(100), 4.0).0 > at(175), "an order a minute needs 26 drivers");
    }

    #[test]
    fn without_word_of_drivers_none_is_missed() {
        let mut load = Load::default();
        load.moved(None, Some(Place::Waits(90)));
        assert_eq!(driver(&load, at(90), at(100), 4.0).0, at(100));
    }
}
