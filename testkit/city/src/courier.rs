//! One courier of tonight: where the courier is at any moment and what the courier has in hand.

use std::collections::VecDeque;

use comanda_schemas::DriverId;

use crate::calibration::METRES_PER_MINUTE;
use crate::config::CityConfig;
use crate::fate::{Fate, Realm};
use crate::hidden;
use crate::network::Lane;
use crate::place::Place;
use crate::plan::PlannedShift;

/// A straight ride; standing still if both ends are one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leg {
    pub(crate) from: Place,
    pub(crate) to: Place,
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
}

impl Leg {
    fn standing(place: Place, at_ms: i64) -> Leg {
        Leg { from: place, to: place, start_ms: at_ms, end_ms: at_ms }
    }

    fn place_at(&self, at_ms: i64) -> Place {
        if at_ms >= self.end_ms {
            return self.to;
        }
        self.from.towards(self.to, (at_ms - self.start_ms) as f64 / (self.end_ms - self.start_ms) as f64)
    }

    fn speed_mps_at(&self, at_ms: i64) -> f64 {
        if at_ms >= self.end_ms {
            0.0
        } else {
            self.from.metres_to(self.to) / (self.end_ms - self.start_ms) as f64 * 1000.0
        }
    }
}

#[derive(Debug)]
pub(crate) struct Courier {
    pub(crate) id: DriverId,
    pub(crate) zone: usize,
    pub(crate) on_ms: i64,
    pub(crate) off_ms: i64,
    pub(crate) on_shift: bool,
    /// Hidden: speed as a share of the usual.
    pub(crate) skill: f64,
    pub(crate) leg: Leg,
    /// The order in hand, and those that wait for it to be done.
    pub(crate) job: Option<usize>,
    pub(crate) next_jobs: VecDeque<usize>,
    /// Whether the courier stands in the restaurant and waits.
    pub(crate) waits: bool,
    /// Counts changes of plan: what was set in motion before the last one is void.
    pub(crate) trip: u32,
    /// The device's own stream: when it pings and how it errs.
    pub(crate) device: Fate,
    pub(crate) lane: Lane,
}

impl Courier {
    pub(crate) fn new(config: &CityConfig, number: usize, planned: &PlannedShift, zone: usize) -> Courier {
        let mut fate = Fate::of(config.seed, Realm::Courier, (number as u64) << 1 | 1);
        Courier {
            id: planned.driver,
            zone,
            on_ms: planned.on_ms,
            off_ms: planned.off_ms,
            on_shift: false,
            skill: hidden::skill(&mut fate),
            leg: Leg::standing(planned.start, planned.on_ms),
            job: None,
            next_jobs: VecDeque::new(),
            waits: false,
            trip: 0,
            device: fate,
            lane: Lane::default(),
        }
    }

    pub(crate) fn place_at(&self, at_ms: i64) -> Place {
        self.leg.place_at(at_ms)
    }

    pub(crate) fn speed_mps_at(&self, at_ms: i64) -> f64 {
        self.leg.speed_mps_at(at_ms)
    }

    /// Stops where the courier is; whatever was on its way is void.
    pub(crate) fn stop(&mut self, at_ms: i64) {
        self.leg = Leg::standing(self.place_at(at_ms), at_ms);
        self.waits = false;
        self.trip += 1;
    }

    /// Sets out for `to` and returns the time of arrival. `speed` is a share of the usual, without skill.
    pub(crate) fn ride(&mut self, to: Place, at_ms: i64, speed: f64) -> i64 {
        let from = self.place_at(at_ms);
        let minutes = from.metres_to(to) / (METRES_PER_MINUTE * self.skill * speed);
        let end_ms = at_ms + (minutes * 60_000.0) as i64;
        self.leg = Leg { from, to, start_ms: at_ms, end_ms };
        end_ms
    }

    pub(crate) fn free(&self) -> bool {
        self.job.is_none() && self.next_jobs.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ride_moves_evenly_and_ends_at_its_place() {
        let leg = Leg { from: Place::default(), to: Place { x_m: 1000.0, y_m: 0.0 }, start_ms: 1_000, end_ms: 201_000 };
        assert_eq!(leg.place_at(101_000), Place { x_m: 500.0, y_m: 0.0 });
        assert_eq!((leg.place_at(500_000), leg.speed_mps_at(500_000)), (leg.to, 0.0));
        assert!((leg.speed_mps_at(2_000) - 5.0).abs() < 1e-9);
    }
}
