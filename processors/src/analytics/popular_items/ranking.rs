//! The best ten of one zone and window, kept as totals come in.

use super::sales::Sales;
use comanda_schemas::{Envelope, Event, EventId, EventTime, ItemId, PopularItems, RankedItem};
use comanda_streams::Window;
use serde::{Deserialize, Serialize};

/// Places in a ranking.
const TOP: usize = 10;

/// An item's total in a window, so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct WindowTotal {
    pub item: ItemId,
    pub window_start: EventTime,
    pub window_end: EventTime,
    pub sales: Sales,
}

impl WindowTotal {
    pub fn new(item: ItemId, window: Window, sales: Sales) -> Self {
        Self { item, window_start: EventTime(window.start_ms), window_end: EventTime(window.end_ms), sales }
    }
}

/// The window's ranking with this total in it; `None` if it stays as it was.
///
/// Ten places are state enough: a total never falls, so an item that drops out can come back only by a new total.
pub(super) fn rank(
    former: Option<&PopularItems>,
    zone: &str,
    total: WindowTotal,
    now: EventTime,
) -> Option<PopularItems> {
    let mut items = former.map_or_else(Vec::new, |ranking| ranking.items.clone());
    items.retain(|place| place.item_id != total.item || place.quantity > total.sales.quantity);
    if !items.iter().any(|place| place.item_id == total.item) {
        items.push(place_of(&total));
    }
    items.sort_by(|a, b| b.quantity.cmp(&a.quantity).then(a.item_id.cmp(&b.item_id)));
    items.truncate(TOP);
    for (place, rank) in items.iter_mut().zip(1..) {
        place.rank = rank;
    }
    if former.is_some_and(|ranking| ranking.items == items) {
        return None;
    }
    let (window_start, window_end) = (total.window_start, total.window_end);
    let envelope = envelope_of(zone, &total, now);
    Some(PopularItems { envelope, zone: zone.to_owned(), window_start, window_end, items })
}

fn place_of(total: &WindowTotal) -> RankedItem {
    RankedItem {
        rank: 0,
        item_id: total.item,
        restaurant_id: total.sales.restaurant,
        name: total.sales.name.clone(),
        quantity: total.sales.quantity,
    }
}

/// One delivery changes many rankings, by each of its lines: its own identity for each.
fn envelope_of(zone: &str, total: &WindowTotal, now: EventTime) -> Envelope {
    let cause = total.sales.last_event;
    let (start_ms, quantity) = (total.window_start.millis(), total.sales.quantity);
    let what = format!("{} {zone} {start_ms} {} {quantity}", PopularItems::FULL_NAME, total.item);
    Envelope {
        event_id: EventId::caused_by(cause, &what),
        occurred_at: now,
        correlation_id: total.sales.last_order.into(),
        causation_id: Some(cause),
        producer: crate::analytics::APPLICATION_ID.to_owned(),
    }
}

/// Whether a zone's shown ranking gives way to `new`: it is the same window again, or a later one that is about to end
/// (its last `advance_ms` have begun), which is the one that tells of the last full hour.
pub(super) fn replaces(shown: Option<&PopularItems>, new: &PopularItems, advance_ms: i64) -> bool {
    let Some(shown) = shown else { return true };
    let ends_next = new.window_end.ms_since(new.envelope.occurred_at) <= advance_ms;
    new.window_start == shown.window_start || (new.window_start > shown.window_start && ends_next)
}
