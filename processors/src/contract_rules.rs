//! The contract's rules that a schema cannot say. A record that breaks one never reaches state: the engine sends it to
//! the dead-letter topic with the message made here, which names the field.

use comanda_schemas::{
    Cop, DeliveryCommand, DriverMessage, Message, OrderCommand, OrderItem, PaymentEvent, PlaceOrder,
};
use std::fmt::Display;

/// Stands for every zone where statistics have one.
pub(crate) const ALL_ZONES: &str = "all";
/// Zones are part of keys in stores and topics.
const MAX_ZONE_BYTES: usize = 64;

/// A value whose fields have rules beyond their types.
pub(crate) trait Checked: Message {
    /// The first field that breaks its rule, and how.
    fn check(&self) -> Result<(), String>;
}

/// What every record must keep: a key, a value, the key that the value itself names, and the value's own rules.
pub(crate) fn check_record<K: Display, V: Checked>(key: Option<&K>, value: Option<&V>) -> Result<(), String> {
    let key = key.ok_or("key: is null")?;
    let value = value.ok_or("value: is null")?;
    let Some(named) = value.key() else { return Ok(()) };
    let key = key.to_string();
    if key != named {
        return Err(format!("key: is {key}, but the value is about {named}"));
    }
    value.check()
}

impl Checked for OrderCommand {
    fn check(&self) -> Result<(), String> {
        match self {
            OrderCommand::PlaceOrder(place) => check_place_order(place),
            _ => Ok(()),
        }
    }
}

impl Checked for PaymentEvent {
    fn check(&self) -> Result<(), String> {
        match self {
            PaymentEvent::PaymentAuthorized(e) => not_negative("amount_centavos", e.amount_centavos),
            PaymentEvent::PaymentCaptured(e) => not_negative("amount_centavos", e.amount_centavos),
            PaymentEvent::PaymentRefunded(e) => not_negative("amount_centavos", e.amount_centavos),
            PaymentEvent::PaymentFailed(e) => not_negative("amount_centavos", e.amount_centavos),
            PaymentEvent::PaymentVoided(_) | PaymentEvent::Unknown(_) => Ok(()),
        }
    }
}

impl Checked for DeliveryCommand {
    fn check(&self) -> Result<(), String> {
        match self {
            DeliveryCommand::RequestDelivery(request) => {
                zone_name(&request.zone)?;
                cell("restaurant_cell", &request.restaurant_cell)?;
                cell("customer_cell", &request.customer_cell)
            }
            _ => Ok(()),
        }
    }
}

impl Checked for DriverMessage {
    fn check(&self) -> Result<(), String> {
        match self {
            DriverMessage::DriverShiftStarted(e) => place_in_zone(&e.zone, e.lat, e.lon),
            DriverMessage::DriverPing(e) => place_in_zone(&e.zone, e.lat, e.lon),
            DriverMessage::DriverShiftEnded(e) => zone_name(&e.zone),
            DriverMessage::Unknown(_) => Ok(()),
        }
    }
}

fn check_place_order(place: &PlaceOrder) -> Result<(), String> {
    if place.items.is_empty() {
        return Err("items: is empty".to_owned());
    }
    for (line, item) in place.items.iter().enumerate() {
        check_item(item).map_err(|broken| format!("items[{line}].{broken}"))?;
    }
    for (field, amount) in [
        ("subtotal_centavos", place.subtotal_centavos),
        ("delivery_fee_centavos", place.delivery_fee_centavos),
        ("tax_centavos", place.tax_centavos),
        ("discount_centavos", place.discount_centavos),
        ("total_centavos", place.total_centavos),
    ] {
        not_negative(field, amount)?;
    }
    check_sums(place)?;
    zone_name(&place.zone)?;
    cell("restaurant_cell", &place.restaurant_cell)?;
    cell("customer_cell", &place.customer_cell)
}

fn check_item(item: &OrderItem) -> Result<(), String> {
    if item.quantity < 1 {
        return Err(format!("quantity: is {}, at least 1 is needed", item.quantity));
    }
    not_negative("unit_price_centavos", item.unit_price_centavos)
}

fn check_sums(place: &PlaceOrder) -> Result<(), String> {
    let subtotal = place
        .items
        .iter()
        .try_fold(Cop::ZERO, |sum, item| sum.plus(item.unit_price_centavos.times(item.quantity.into())?));
    equal("subtotal_centavos", place.subtotal_centavos, subtotal.map_err(|e| format!("subtotal_centavos: {e}"))?)?;
    let total = place.subtotal_centavos.plus(place.delivery_fee_centavos);
    let total = total.and_then(|sum| sum.plus(place.tax_centavos)).and_then(|sum| sum.minus(place.discount_centavos));
    equal("total_centavos", place.total_centavos, total.map_err(|e| format!("total_centavos: {e}"))?)
}

fn equal(field: &str, stated: Cop, sum: Cop) -> Result<(), String> {
    if stated == sum { Ok(()) } else { Err(format!("{field}: is {}, but the parts sum up to {}", stated.0, sum.0)) }
}

fn not_negative(field: &str, amount: Cop) -> Result<(), String> {
    if amount.is_negative() { Err(format!("{field}: is {}, below nothing", amount.0)) } else { Ok(()) }
}

/// "A short lower-case name". It is part of store keys, and `all` stands for every zone in statistics.
fn zone_name(zone: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    match zone {
        "" => Err("zone: is empty".to_owned()),
        ALL_ZONES => Err(format!("zone: {ALL_ZONES} is no zone's name")),
        _ if zone.len() > MAX_ZONE_BYTES || !zone.chars().all(plain) => {
            Err(format!("zone: {zone:?} is not a short name of lower-case letters, digits and hyphens"))
        }
        _ => Ok(()),
    }
}

fn cell(field: &str, text: &str) -> Result<(), String> {
    match text.parse::<h3o::CellIndex>() {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("{field}: {text:?} is not an H3 cell: {error}")),
    }
}

fn place_in_zone(zone: &str, lat: f64, lon: f64) -> Result<(), String> {
    zone_name(zone)?;
    if !(-90.0..=90.0).contains(&lat) {
        return Err(format!("lat: {lat} is not within ±90 degrees"));
    }
    if !(-180.0..=180.0).contains(&lon) {
        return Err(format!("lon: {lon} is not within ±180 degrees"));
    }
    Ok(())
}
