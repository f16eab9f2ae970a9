//! The contract's rules that a schema cannot say. A record that breaks one never reaches state: the engine sends it to
//! the dead-letter topic with the message made here. It names the field and the rule and quotes no text: logs repeat it,
//! and in a field that breaks its rule may stand a name or an address.

use crate::payment::check_method;
use comanda_schemas::{
    CatalogItem, Cop, DeliveryCommand, DriverMessage, EventTime, Message, OrderCommand, OrderItem, PaymentCommand,
    PaymentEvent, PaymentMethodCommand, PlaceOrder, RestaurantCatalog, Sealed,
};
use h3o::{CellIndex, Resolution};
use std::fmt::Display;

/// Stands for every zone where statistics have one.
pub(crate) const ALL_ZONES: &str = "all";
/// Zones are part of keys in stores and topics.
const MAX_ZONE_BYTES: usize = 64;
/// Lines of one order, as the edge has it. With the bounds below an order stays under 400 kB, whatever its texts hold:
/// Kafka and the change logs take 1 MB.
const MAX_ITEMS: usize = 100;
/// Options of one order, all lines together.
const MAX_OPTIONS: usize = 200;
/// Longest name of an item, as the edge has it.
const MAX_NAME_CHARS: usize = 200;
/// Longest name of a key, as the edge has it.
const MAX_KEY_ID_CHARS: usize = 100;
/// What a body of 64 KiB, the edge's limit, holds in base64.
const MAX_SEALED_BYTES: usize = 48 << 10;
/// Minutes of a day.
const DAY_MINUTES: i32 = 24 * 60;
/// Browsers take no longer address everywhere.
const MAX_URL_CHARS: usize = 2_048;
/// Longest name of a program.
const MAX_PRODUCER_CHARS: usize = 100;
/// Nobody orders further ahead; a time limit that counts from a plan must come some day.
const MAX_PLANNED_AHEAD_MS: i64 = 30 * 24 * 3_600_000;

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
    if key.to_string() != named {
        return Err("key: is not the id that the value is about".to_owned());
    }
    if let Some(envelope) = value.envelope() {
        if envelope.occurred_at.millis() < 0 {
            return Err("occurred_at: lies before 1970".to_owned());
        }
        at_most("producer", &envelope.producer, MAX_PRODUCER_CHARS)?;
    }
    value.check()
}

impl Checked for OrderCommand {
    fn check(&self) -> Result<(), String> {
        match self {
            OrderCommand::PlaceOrder(place) => check_place_order(place),
            OrderCommand::AcceptOrder(e) => planned("estimated_ready_at", e.envelope.occurred_at, e.estimated_ready_at),
            _ => Ok(()),
        }
    }
}

impl Checked for RestaurantCatalog {
    fn check(&self) -> Result<(), String> {
        check_catalog(self)
    }
}

impl Checked for PaymentCommand {
    fn check(&self) -> Result<(), String> {
        match self {
            PaymentCommand::AuthorizePayment(c) => not_negative("amount_centavos", c.amount_centavos),
            PaymentCommand::CapturePayment(c) => not_negative("amount_centavos", c.amount_centavos),
            PaymentCommand::RefundPayment(c) => not_negative("amount_centavos", c.amount_centavos),
            PaymentCommand::ReportPayment(c) if c.amount_minor < 0 => {
                Err(format!("amount_minor: is {}, below nothing", c.amount_minor))
            }
            PaymentCommand::ReportPayment(c) => at_most("provider_reference", &c.provider_reference, MAX_NAME_CHARS),
            PaymentCommand::VoidPayment(_) | PaymentCommand::Unknown(_) => Ok(()),
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
            PaymentEvent::PaymentDisputed(e) => not_negative("amount_centavos", e.amount_centavos),
            PaymentEvent::PaymentActionRequired(e) => at_most("url", &e.url, MAX_URL_CHARS),
            PaymentEvent::PaymentVoided(_) | PaymentEvent::Unknown(_) => Ok(()),
        }
    }
}

impl Checked for PaymentMethodCommand {
    fn check(&self) -> Result<(), String> {
        match self {
            PaymentMethodCommand::AddPaymentMethod(add) => check_method(add),
            _ => Ok(()),
        }
    }
}

impl Checked for DeliveryCommand {
    fn check(&self) -> Result<(), String> {
        match self {
            DeliveryCommand::RequestDelivery(request) => {
                zone_name(&request.zone)?;
                cell("restaurant_cell", &request.restaurant_cell)?;
                cell("customer_cell", &request.customer_cell)?;
                sealed("delivery_address", &request.delivery_address)?;
                planned("ready_at", request.envelope.occurred_at, request.ready_at)
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
    if place.items.len() > MAX_ITEMS {
        return Err(format!("items: has more than {MAX_ITEMS} lines"));
    }
    if place.items.iter().map(|item| item.options.len()).sum::<usize>() > MAX_OPTIONS {
        return Err(format!("items: have more than {MAX_OPTIONS} options"));
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
    cell("customer_cell", &place.customer_cell)?;
    sealed("delivery_address", &place.delivery_address)?;
    for (field, at) in [
        ("placed_at", Some(place.placed_at)),
        ("scheduled_for", place.scheduled_for),
        ("promised_at", place.promised_at),
    ] {
        planned(field, place.envelope.occurred_at, at)?;
    }
    Ok(())
}

fn check_item(item: &OrderItem) -> Result<(), String> {
    if item.quantity < 1 {
        return Err(format!("quantity: is {}, at least 1 is needed", item.quantity));
    }
    at_most("name", &item.name, MAX_NAME_CHARS)?;
    not_negative("unit_price_centavos", item.unit_price_centavos)?;
    for (number, option) in item.options.iter().enumerate() {
        at_most(&format!("options[{number}].name"), &option.name, MAX_NAME_CHARS)?;
        not_negative(&format!("options[{number}].price_centavos"), option.price_centavos)?;
    }
    Ok(())
}

fn check_catalog(catalog: &RestaurantCatalog) -> Result<(), String> {
    place_in_zone(&catalog.zone, catalog.lat, catalog.lon)?;
    cell("cell", &catalog.cell)?;
    within("opens_minute", catalog.opens_minute, 0..DAY_MINUTES)?;
    within("closes_minute", catalog.closes_minute, catalog.opens_minute..2 * DAY_MINUTES + 1)?;
    within("tax_basis_points", catalog.tax_basis_points, 0..10_001)?;
    within("delivery_range_m", catalog.delivery_range_m.unwrap_or(0), 0..i32::MAX)?;
    for (number, item) in catalog.items.iter().enumerate() {
        check_catalog_item(item).map_err(|broken| format!("items[{number}].{broken}"))?;
    }
    Ok(())
}

fn check_catalog_item(item: &CatalogItem) -> Result<(), String> {
    at_most("name", &item.name, MAX_NAME_CHARS)?;
    not_negative("price_centavos", item.price_centavos)?;
    for (number, group) in item.option_groups.iter().enumerate() {
        let field = |name: &str| format!("option_groups[{number}].{name}");
        within(&field("min_choices"), group.min_choices, 0..i32::MAX)?;
        within(&field("max_choices"), group.max_choices, group.min_choices..i32::MAX)?;
        for option in &group.options {
            at_most(&field("options.name"), &option.name, MAX_NAME_CHARS)?;
            not_negative(&field("options.price_centavos"), option.price_centavos)?;
        }
    }
    Ok(())
}

fn within(field: &str, number: i32, range: std::ops::Range<i32>) -> Result<(), String> {
    if range.contains(&number) {
        return Ok(());
    }
    Err(format!("{field}: is {number}, not within {} to {}", range.start, range.end - 1))
}

fn at_most(field: &str, text: &str, max: usize) -> Result<(), String> {
    if text.chars().count() > max { Err(format!("{field}: has more than {max} characters")) } else { Ok(()) }
}

fn sealed(field: &str, sealed: &Sealed) -> Result<(), String> {
    at_most(&format!("{field}.key_id"), &sealed.key_id, MAX_KEY_ID_CHARS)?;
    if sealed.bytes.len() > MAX_SEALED_BYTES {
        return Err(format!("{field}.bytes: are more than {MAX_SEALED_BYTES}"));
    }
    Ok(())
}

/// A time that somebody plans or remembers, within reach of when it was said.
fn planned(field: &str, said_at: EventTime, at: Option<EventTime>) -> Result<(), String> {
    match at {
        Some(at) if at.millis() < 0 => Err(format!("{field}: lies before 1970")),
        Some(at) if at.ms_since(said_at) > MAX_PLANNED_AHEAD_MS => {
            Err(format!("{field}: lies more than 30 days after occurred_at"))
        }
        _ => Ok(()),
    }
}

fn check_sums(place: &PlaceOrder) -> Result<(), String> {
    let subtotal = place.items.iter().try_fold(Cop::ZERO, |sum, item| sum.plus(item.price()?));
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
            Err("zone: is not a short name of lower-case letters, digits and hyphens".to_owned())
        }
        _ => Ok(()),
    }
}

fn cell(field: &str, text: &str) -> Result<(), String> {
    match text.parse::<CellIndex>() {
        Ok(cell) if cell.resolution() == Resolution::Nine && cell.to_string() == text => Ok(()),
        _ => Err(format!("{field}: is not an H3 cell of resolution 9, as 15 hexadecimal digits")),
    }
}

fn place_in_zone(zone: &str, lat: f64, lon: f64) -> Result<(), String> {
    zone_name(zone)?;
    if !(-90.0..=90.0).contains(&lat) {
        return Err("lat: is not within ±90 degrees".to_owned());
    }
    if !(-180.0..=180.0).contains(&lon) {
        return Err("lon: is not within ±180 degrees".to_owned());
    }
    Ok(())
}
