//! What nobody tells the processors: rain, traffic, skill, slow kitchens. They can only learn it from what happens.

use crate::config::CityConfig;
use crate::fate::{Fate, Realm};

const MINUTE_MS: i64 = 60_000;
/// Rain comes and goes within this time.
const RAIN_RAMP_MS: f64 = 10.0 * 60_000.0;
/// Riding in full rain, as a share of the dry speed.
const RAIN_SPEED: f64 = 0.72;
/// A house that opened tonight takes so much longer than it believes.
const NEW_HOUSE_SLOWNESS: f64 = 1.45;
/// Share of the houses that opened tonight.
const NEW_HOUSE_SHARE: f64 = 0.03;
/// Each order in the kitchen beyond its places slows the next by so much.
const CROWDING: f64 = 0.05;

/// The evening's hidden factors.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Hidden {
    /// When the rain begins, milliseconds since 1970.
    pub rain_from_ms: i64,
    /// When it ends.
    pub rain_until_ms: i64,
}

impl Hidden {
    pub(crate) fn of(config: &CityConfig) -> Hidden {
        let mut fate = Fate::of(config.seed, Realm::City, 1);
        let rain_from_ms = config.starts_at_ms + fate.between_ms(135 * MINUTE_MS, 210 * MINUTE_MS);
        Hidden { rain_from_ms, rain_until_ms: rain_from_ms + fate.between_ms(50 * MINUTE_MS, 110 * MINUTE_MS) }
    }

    /// How hard it rains at `at_ms`: 0 (dry) to 1.
    fn rain(&self, at_ms: i64) -> f64 {
        let (since, left) = ((at_ms - self.rain_from_ms) as f64, (self.rain_until_ms - at_ms) as f64);
        (since.min(left) / RAIN_RAMP_MS).clamp(0.0, 1.0)
    }

    /// Riding speed as a share of the evenings' 250 m/min, the same for all couriers.
    pub(crate) fn speed(&self, at_ms: i64) -> f64 {
        1.0 - (1.0 - RAIN_SPEED) * self.rain(at_ms)
    }
}

/// How much longer than it believes a house takes.
pub(crate) fn house_slowness(fate: &mut Fate, number: usize) -> f64 {
    let new = number == NEWEST_HOUSE || fate.chance(NEW_HOUSE_SHARE);
    fate.scatter(0.15) * if new { NEW_HOUSE_SLOWNESS } else { 1.0 }
}

/// This one is new every evening, and among the best, so that its slowness is felt.
const NEWEST_HOUSE: usize = 5;

/// How much the orders already in a kitchen of so many places slow the next one.
pub(crate) fn crowding(in_kitchen: u32, places: u32) -> f64 {
    1.0 + CROWDING * f64::from(in_kitchen.saturating_sub(places))
}

/// A courier's speed as a share of the usual.
pub(crate) fn skill(fate: &mut Fate) -> f64 {
    fate.scatter(0.13).clamp(0.7, 1.35)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rains_in_mid_evening_and_only_then() {
        let config = CityConfig::default();
        let hidden = Hidden::of(&config);
        assert_eq!(hidden.speed(config.starts_at_ms), 1.0);
        assert_eq!(hidden.speed((hidden.rain_from_ms + hidden.rain_until_ms) / 2), RAIN_SPEED);
        assert_eq!(hidden.speed(hidden.rain_until_ms + 1), 1.0);
        assert!(hidden.rain_from_ms - config.starts_at_ms > 2 * 3_600_000);
    }
}
