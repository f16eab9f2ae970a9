//! A zone's drivers, and its open orders by the minute in which they need one or give one back.
//!
//! The zone's open orders are known only as numbers per minute, so that this stays small whatever the zone's trade.

use super::learned::Mean;
use comanda_schemas::EventTime;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub(super) const MINUTE_MS: i64 = 60_000;
/// The rate of new orders is counted over about so long.
const RATE_MINUTES: f64 = 20.0;
/// Lead times are counted in bins of so many minutes, the last one open.
const LEAD_BIN_MINUTES: i64 = 10;
const LEAD_BINS: usize = 16;
const MEMORY: f64 = 0.98;

/// What an open order stands for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Place {
    /// It needs a driver from this minute on.
    Waits(i64),
    /// It has a driver who is free again in this minute.
    Busy(i64),
}

/// The zone's drivers, open orders and trade.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Load {
    pub on_shift: u32,
    pub waiting: BTreeMap<i64, u32>,
    pub busy: BTreeMap<i64, u32>,
    /// Orders placed, fading with time, and when that was last brought up to date.
    recent: f64,
    recent_at: EventTime,
    /// How long before they need a driver orders are placed, fading from order to order.
    leads: [f64; LEAD_BINS],
    /// Kilometres from the nearest of one idle driver.
    reach: Mean,
    /// From when food and driver are there to the hand-over.
    pub rest: Mean,
}

impl Default for Load {
    fn default() -> Load {
        Load {
            on_shift: 0,
            waiting: BTreeMap::new(),
            busy: BTreeMap::new(),
            recent: 0.0,
            recent_at: EventTime(0),
            leads: [0.5; LEAD_BINS],
            reach: Mean::prior(2.7, 5.0),
            rest: Mean::prior(10.0, 5.0),
        }
    }
}

pub(super) fn minute(at: EventTime) -> i64 {
    at.millis().div_euclid(MINUTE_MS)
}

impl Load {
    /// A driver came or left.
    pub fn shift(&mut self, began: bool) {
        self.on_shift = if began { self.on_shift + 1 } else { self.on_shift.saturating_sub(1) };
    }

    /// An order moved from one place to another, came (`from` is none) or ended (`to` is none).
    pub fn moved(&mut self, from: Option<Place>, to: Option<Place>) {
        if let Some(from) = from {
            let (map, minute) = self.map(from);
            if let Some(count) = map.get_mut(&minute) {
                *count -= 1;
                if *count == 0 {
                    map.remove(&minute);
                }
            }
        }
        if let Some(to) = to {
            let (map, minute) = self.map(to);
            *map.entry(minute).or_default() += 1;
        }
    }

    fn map(&mut self, place: Place) -> (&mut BTreeMap<i64, u32>, i64) {
        match place {
            Place::Waits(minute) => (&mut self.waiting, minute),
            Place::Busy(minute) => (&mut self.busy, minute),
        }
    }

    /// An order was placed that needs a driver at `due_at`.
    pub fn placed(&mut self, at: EventTime, due_at: EventTime) {
        let passed = at.minutes_since(self.recent_at).max(0.0);
        self.recent = self.recent * (-passed / RATE_MINUTES).exp() + 1.0;
        self.recent_at = self.recent_at.max(at);
        self.leads.iter_mut().for_each(|count| *count *= MEMORY);
        self.leads[lead_bin(minute(due_at) - minute(at))] += 1.0;
    }

    /// From when food and driver should be there to the hand-over took so long.
    pub fn learn_rest(&mut self, minutes: f64) {
        self.rest.learn(minutes, MEMORY);
    }

    /// Drivers without an order.
    pub fn idle(&self) -> u32 {
        self.on_shift.saturating_sub(self.busy.values().sum())
    }

    /// A driver was found at this distance.
    pub fn learn_reach(&mut self, km: f64) {
        self.reach.learn(km * f64::from(self.idle() + 1).sqrt(), MEMORY);
    }

    /// From the driver to the restaurant, if so many are idle: the nearest of n lies at a distance that falls with √n.
    pub fn approach_minutes(&self, idle: f64, per_km: f64) -> f64 {
        self.reach.minutes() / (idle.max(0.0) + 1.0).sqrt() * per_km
    }

    /// Orders that begin to wait in a minute so far ahead: those known, and those still to be placed.
    pub fn coming(&self, minute: i64, ahead: i64) -> f64 {
        let known = self.waiting.get(&minute).map_or(0.0, |n| f64::from(*n));
        let bin = lead_bin(ahead);
        let shorter: f64 = self.leads[..bin].iter().sum::<f64>() / self.leads.iter().sum::<f64>();
        known + self.recent / RATE_MINUTES * shorter
    }
}

fn lead_bin(minutes: i64) -> usize {
    (minutes.max(0) / LEAD_BIN_MINUTES).min(LEAD_BINS as i64 - 1) as usize
}
