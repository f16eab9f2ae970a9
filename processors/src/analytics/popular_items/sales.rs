//! How much of an item was delivered.

use comanda_schemas::{EventId, EventTime, ItemId, OrderDelivered, OrderId, RestaurantId};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

use crate::contract_rules::ALL_ZONES;

/// An item within a zone, or within all. As text: `<zone>/<item>`; zones have no slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ZoneItem {
    pub zone: String,
    pub item: ItemId,
}

impl fmt::Display for ZoneItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.zone, self.item)
    }
}

impl FromStr for ZoneItem {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (zone, item) = text.split_once('/').ok_or_else(|| format!("{text:?} is not <zone>/<item>"))?;
        let item = item.parse().map_err(|error| format!("{text:?}: {error}"))?;
        Ok(Self { zone: zone.to_owned(), item })
    }
}

/// Delivered pieces of one item, and the delivery that came last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Sales {
    pub restaurant: RestaurantId,
    pub name: String,
    pub quantity: i64,
    pub last_at: EventTime,
    pub last_event: EventId,
    pub last_order: OrderId,
}

impl Sales {
    /// Both together; what was delivered last gives the name.
    pub fn plus(self, other: Sales) -> Sales {
        let quantity = self.quantity.saturating_add(other.quantity);
        let last = if other.last_at >= self.last_at { other } else { self };
        Sales { quantity, ..last }
    }
}

/// What a delivered order adds: each of its lines, for its zone and for all.
pub(super) fn sales_of(delivered: &OrderDelivered) -> Vec<(ZoneItem, Sales)> {
    let zones = [delivered.zone.as_str(), ALL_ZONES];
    let lines = delivered.items.iter().flat_map(|line| zones.map(|zone| (zone, line)));
    let sales = lines.map(|(zone, line)| {
        let sales = Sales {
            restaurant: delivered.restaurant_id,
            name: line.name.clone(),
            quantity: line.quantity.into(),
            last_at: delivered.envelope.occurred_at,
            last_event: delivered.envelope.event_id,
            last_order: delivered.order_id,
        };
        (ZoneItem { zone: zone.to_owned(), item: line.item_id }, sales)
    });
    sales.collect()
}
