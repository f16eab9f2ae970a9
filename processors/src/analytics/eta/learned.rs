//! What ended orders have taught about a zone and a restaurant: the values of stores `eta-zones` and `eta-restaurants`.
//! All minutes. Old observations fade, so that rain and a full kitchen count while they last.

use super::facts::STAGES;
use super::load::Load;
use super::offset::Offset;
use serde::{Deserialize, Serialize};

/// Nothing on an order's way is believed to take longer, or to come earlier than planned by more.
const LONGEST_MINUTES: f64 = 60.0;
/// A zone's observations fade to half in some 35 orders, a restaurant's in 7.
const ZONE_MEMORY: f64 = 0.98;
const RESTAURANT_MEMORY: f64 = 0.9;
const RIDE_MEMORY: f64 = 0.97;
/// A restaurant is taken for an average one of its zone until it has shown more than so many orders.
const ZONE_WEIGHT: f64 = 2.0;

/// How far off the means are, p50 and p90, by stage: early guesses miss what delays come in between. From simulated
/// evenings; replaced by what a zone shows.
const PRIORS: [(f64, f64); STAGES] =
    [(3.0, 19.0), (2.5, 20.0), (0.0, 14.0), (0.0, 11.0), (0.0, 9.0), (0.0, 8.0), (0.0, 6.0), (0.0, 4.0)];

/// A mean that forgets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Mean {
    weight: f64,
    sum: f64,
}

impl Mean {
    /// As if seen so often.
    pub const fn prior(mean: f64, weight: f64) -> Mean {
        Mean { weight, sum: mean * weight }
    }

    pub fn learn(&mut self, minutes: f64, memory: f64) {
        self.weight = self.weight * memory + 1.0;
        self.sum = self.sum * memory + minutes.clamp(-LONGEST_MINUTES, LONGEST_MINUTES);
    }

    /// The mean, drawn towards `other` as if that were `weight` observations.
    fn shrunk_to(&self, other: f64, weight: f64) -> f64 {
        (self.sum + other * weight) / (self.weight + weight)
    }

    /// The mean; for means with a prior.
    pub fn minutes(&self) -> f64 {
        self.sum / self.weight
    }
}

/// A ride's minutes as a line over its kilometres: least squares over sums that fade.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Rides {
    weight: f64,
    km: f64,
    km_km: f64,
    minutes: f64,
    km_minutes: f64,
}

impl Rides {
    /// As if rides of the usual pace had been seen: from counter to saddle and from kerb to door two minutes, and four
    /// a kilometre.
    fn prior() -> Rides {
        let mut rides = Rides { weight: 0.0, km: 0.0, km_km: 0.0, minutes: 0.0, km_minutes: 0.0 };
        for km in [0.3, 0.8, 1.5, 2.5, 4.0] {
            rides.learn(km, 2.0 + 4.0 * km);
        }
        rides
    }

    fn learn(&mut self, km: f64, minutes: f64) {
        for sum in [&mut self.weight, &mut self.km, &mut self.km_km, &mut self.minutes, &mut self.km_minutes] {
            *sum *= RIDE_MEMORY;
        }
        self.weight += 1.0;
        self.km += km;
        self.km_km += km * km;
        self.minutes += minutes;
        self.km_minutes += km * minutes;
    }

    /// Minutes a kilometre. Some spread of distances is always assumed: a zone of one street gives no slope.
    pub fn per_km(&self) -> f64 {
        let spread = self.km_km - self.km * self.km / self.weight + 0.5;
        let together = self.km_minutes - self.km * self.minutes / self.weight + 0.5 * 4.0;
        (together / spread).clamp(1.0, 15.0)
    }

    /// From pick-up to hand-over.
    pub fn minutes(&self, km: f64) -> f64 {
        let fixed = (self.minutes - self.per_km() * self.km) / self.weight;
        (fixed + self.per_km() * km).max(1.0)
    }
}

/// A zone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Zone {
    /// Ready after the restaurant's own estimate.
    lateness: Mean,
    /// From the stove to the counter.
    cooking: Mean,
    /// From when both food and the assigned driver should be there to picked up.
    pub hand_over: Mean,
    pub rides: Rides,
    pub load: Load,
    pub offsets: [Offset; STAGES],
}

impl Default for Zone {
    fn default() -> Zone {
        Zone {
            lateness: Mean::prior(1.0, 3.0),
            cooking: Mean::prior(15.0, 3.0),
            hand_over: Mean::prior(2.0, 3.0),
            rides: Rides::prior(),
            load: Load::default(),
            offsets: PRIORS.map(|(p50, p90)| Offset::prior(p50, p90)),
        }
    }
}

/// A restaurant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Restaurant {
    lateness: Mean,
    cooking: Mean,
}

/// A zone and one of its restaurants.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Learned {
    pub zone: Zone,
    pub restaurant: Restaurant,
}

impl Learned {
    /// How much later than it says this restaurant is ready.
    pub fn lateness(&self) -> f64 {
        self.restaurant.lateness.shrunk_to(self.zone.lateness.minutes(), ZONE_WEIGHT)
    }

    /// How long it cooks.
    pub fn cooking(&self) -> f64 {
        self.restaurant.cooking.shrunk_to(self.zone.cooking.minutes(), ZONE_WEIGHT)
    }

    pub fn learn_lateness(&mut self, minutes: f64) {
        self.zone.lateness.learn(minutes, ZONE_MEMORY);
        self.restaurant.lateness.learn(minutes, RESTAURANT_MEMORY);
    }

    pub fn learn_cooking(&mut self, minutes: f64) {
        self.zone.cooking.learn(minutes, ZONE_MEMORY);
        self.restaurant.cooking.learn(minutes, RESTAURANT_MEMORY);
    }

    pub fn learn_hand_over(&mut self, minutes: f64) {
        self.zone.hand_over.learn(minutes, ZONE_MEMORY);
    }

    pub fn learn_ride(&mut self, km: f64, minutes: f64) {
        self.zone.rides.learn(km, minutes.clamp(0.0, LONGEST_MINUTES));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restaurant_is_an_average_one_until_it_shows_otherwise() {
        let mut learned = Learned::default();
        assert_eq!(learned.lateness(), 1.0);
        learned.learn_lateness(11.0);
        assert!((1.0..8.0).contains(&learned.lateness()), "{}", learned.lateness());
        (0..20).for_each(|_| learned.learn_lateness(11.0));
        assert!((10.0..=11.0).contains(&learned.lateness()), "{}", learned.lateness());
        learned.restaurant = Restaurant::default();
        assert!(learned.lateness() > 9.0, "its neighbours are late, so it will be");
    }

    #[test]
    fn rides_are_learned_as_a_fixed_part_and_minutes_a_kilometre() {
        let mut rides = Rides::prior();
        assert!((rides.minutes(2.0) - 10.0).abs() < 0.1);
        for n in 0..200 {
            let km = 0.2 + f64::from(n % 13) * 0.3;
            rides.learn(km, 3.0 + 6.0 * km);
        }
        assert!((rides.per_km() - 6.0).abs() < 0.3 && (rides.minutes(2.0) - 15.0).abs() < 0.3, "{rides:?}");
    }

    #[test]
    fn rides_of_one_length_give_no_absurd_slope() {
        let mut rides = Rides::prior();
        (0..500).for_each(|n| rides.learn(1.0, 5.0 + f64::from(n % 3)));
        assert!((2.0..8.0).contains(&rides.per_km()) && (rides.minutes(1.0) - 6.0).abs() < 0.3, "{rides:?}");
    }
}
