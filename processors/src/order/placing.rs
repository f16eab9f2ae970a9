//! Whether a restaurant's catalogue allows an order, and what is sold then: names, prices, tax, zone and place are the
//! catalogue's, whatever the customer's app believed.
//!
//! The catalogue that counts is the one known when the order is taken in. It is read to its end before any order is, so
//! a restaurant that is not in it has none: the order is refused, and one placed again (another message) once the
//! restaurant is known is taken. What was sold stands in the order: a later catalogue changes nothing.

mod hours;
mod menu;
mod pricing;

use comanda_schemas::{CommandRejectReason, Cop, EventId, EventTime, PlaceOrder, RestaurantCatalog};
use h3o::{CellIndex, LatLng};
use serde::{Deserialize, Serialize};

/// How far ahead an order may be scheduled. Kitchens plan two days.
const MAX_SCHEDULED_AHEAD_MS: i64 = 48 * 3_600_000;
/// Pieces of one order: what a courier carries in one bag.
const MAX_PIECES: i64 = 100;

/// Why a command is not carried out.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refusal {
    pub reason: CommandRejectReason,
    /// One sentence for people.
    pub detail: String,
}

/// A refused order as it is remembered: who asks hears why, and the same command again is refused and not looked at
/// anew.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RefusedOrder {
    /// `event_id` of the `PlaceOrder`.
    pub command: EventId,
    /// When it was placed.
    pub at: EventTime,
    /// Why, as a code.
    pub reason: CommandRejectReason,
    /// Why, as a sentence.
    pub detail: String,
}

/// So long a refusal is remembered: an app that lost the answer asks again within minutes.
const REMEMBERED_MS: i64 = 24 * 3_600_000;

impl RefusedOrder {
    /// When it may be forgotten.
    pub(super) fn forget_at(&self) -> EventTime {
        self.at.plus_ms(REMEMBERED_MS)
    }
}

impl Refusal {
    fn new<T>(reason: CommandRejectReason, detail: impl Into<String>) -> Result<T, Refusal> {
        Err(Refusal { reason, detail: detail.into() })
    }
}

/// The order as it is sold.
pub(super) fn sell(place: PlaceOrder, catalog: Option<&RestaurantCatalog>) -> Result<PlaceOrder, Refusal> {
    let Some(catalog) = catalog else {
        return Refusal::new(CommandRejectReason::UnknownRestaurant, "restaurant_id: there is no such restaurant");
    };
    check_time(&place, catalog)?;
    check_range(&place, catalog)?;
    let pieces: i64 = place.items.iter().map(|item| i64::from(item.quantity)).sum();
    if pieces > MAX_PIECES {
        let detail = format!("items: are {pieces} pieces, at most {MAX_PIECES} are brought");
        return Refusal::new(CommandRejectReason::TooManyItems, detail);
    }
    let items = menu::choose(&place.items, &catalog.items)?;
    let bill = pricing::bill(&items, place.delivery_fee_centavos, place.discount_centavos, catalog.tax_basis_points);
    let Ok(bill) = bill else {
        let detail = "total_centavos: the price is more than can be counted";
        return Refusal::new(CommandRejectReason::TotalNotAsExpected, detail);
    };
    check_total(place.total_centavos, bill.total)?;
    Ok(PlaceOrder {
        zone: catalog.zone.clone(),
        restaurant_cell: catalog.cell.clone(),
        items,
        subtotal_centavos: bill.subtotal,
        tax_centavos: bill.tax,
        ..place
    })
}

/// An order for now needs a restaurant that is open now; a scheduled one, a restaurant that will be.
fn check_time(place: &PlaceOrder, catalog: &RestaurantCatalog) -> Result<(), Refusal> {
    let now = place.envelope.occurred_at;
    let Some(at) = place.scheduled_for else {
        let open = catalog.open && hours::is_open(catalog, now);
        return if open { Ok(()) } else { closed("the restaurant takes no orders now") };
    };
    match at.ms_since(now) {
        ahead_ms if ahead_ms < 0 => {
            Refusal::new(CommandRejectReason::ScheduledInThePast, "scheduled_for: lies before the order")
        }
        ahead_ms if ahead_ms > MAX_SCHEDULED_AHEAD_MS => {
            Refusal::new(CommandRejectReason::ScheduledTooFarAhead, "scheduled_for: lies more than 48 hours ahead")
        }
        _ if hours::is_open(catalog, at) => Ok(()),
        _ => closed("scheduled_for: the restaurant is closed then"),
    }
}

fn closed(detail: &str) -> Result<(), Refusal> {
    Refusal::new(CommandRejectReason::RestaurantClosed, detail)
}

/// From the restaurant to the middle of the customer's cell: nobody tells where in it he lives, some 200 m.
fn check_range(place: &PlaceOrder, catalog: &RestaurantCatalog) -> Result<(), Refusal> {
    let Some(range_m) = catalog.delivery_range_m else { return Ok(()) };
    let restaurant = LatLng::new(catalog.lat, catalog.lon).ok();
    let customer = place.customer_cell.parse::<CellIndex>().ok().map(LatLng::from);
    let distance_m = restaurant.zip(customer).map(|(from, to)| from.distance_m(to));
    match distance_m {
        Some(distance_m) if distance_m <= f64::from(range_m) => Ok(()),
        _ => {
            let detail = format!("customer_cell: lies farther away than the {range_m} m that the restaurant delivers");
            Refusal::new(CommandRejectReason::OutOfRange, detail)
        }
    }
}

fn check_total(expected: Cop, total: Cop) -> Result<(), Refusal> {
    if expected == total {
        return Ok(());
    }
    let detail = format!("total_centavos: is {}, by the catalogue it is {}", expected.0, total.0);
    Refusal::new(CommandRejectReason::TotalNotAsExpected, detail)
}
