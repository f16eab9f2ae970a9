//! A restaurant of tonight: what it cooks and how busy it is.

use comanda_schemas::RestaurantId;

use crate::config::CityConfig;
use crate::fate::{Fate, Realm};
use crate::hidden;
use crate::menu::Menu;
use crate::place::{Place, Zones};
use crate::plan::PlannedRestaurant;

/// A kitchen has a place for every so many orders of the evening: the busiest quarter of an hour gets a ninth.
const ORDERS_PER_PLACE: u32 = 12;
const FEWEST_PLACES: u32 = 3;

#[derive(Debug)]
pub(crate) struct Restaurant {
    pub(crate) id: RestaurantId,
    pub(crate) place: Place,
    pub(crate) zone: usize,
    pub(crate) menu: Menu,
    /// Hidden: how much longer than it believes it takes.
    slowness: f64,
    /// Orders at once that slow nobody down.
    places: u32,
    /// Orders on the stove.
    pub(crate) in_kitchen: u32,
}

impl Restaurant {
    /// `orders`: how many it will get tonight; a house knows its usual trade.
    pub(crate) fn new(
        config: &CityConfig,
        number: usize,
        planned: &PlannedRestaurant,
        orders: u32,
        zones: &Zones,
    ) -> Restaurant {
        let mut fate = Fate::of(config.seed, Realm::Restaurant, (number as u64) << 1 | 1);
        Restaurant {
            id: planned.id,
            place: planned.place,
            zone: zones.at(planned.place),
            menu: Menu::new(&mut fate, number, planned.id.0),
            slowness: hidden::house_slowness(&mut fate, number),
            places: (orders / ORDERS_PER_PLACE).max(FEWEST_PLACES),
            in_kitchen: 0,
        }
    }

    /// How long an order takes that is begun now.
    pub(crate) fn cooking_ms(&self, fate: &mut Fate) -> i64 {
        let minutes = self.menu.cooking_minutes
            * self.slowness
            * hidden::crowding(self.in_kitchen, self.places)
            * fate.scatter(0.2);
        (minutes * 60_000.0) as i64
    }

    /// How long it believes that an order takes.
    pub(crate) fn believed_ms(&self) -> i64 {
        (self.menu.cooking_minutes * 60_000.0) as i64
    }
}
