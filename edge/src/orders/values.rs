//! What single fields of a new order may hold.

use crate::rfc3339;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use comanda_schemas::{Cop, EventTime, IdError};
use h3o::{CellIndex, Resolution};
use serde_json::Value;
use std::str::FromStr;

/// Zones are part of keys in stores and topics.
const MAX_ZONE_BYTES: usize = 64;
/// In statistics this name stands for every zone, so none may have it.
const ALL_ZONES: &str = "all";
/// Nonce and tag of AES-256-GCM: what is shorter seals nothing.
const MIN_SEALED_BYTES: usize = 12 + 16;

/// An id: a UUID.
pub(super) fn id<T: FromStr<Err = IdError>>(value: Value) -> Result<T, String> {
    let text = string(value)?;
    text.parse().map_err(|_| "is not a UUID of 36 lower-case characters".to_owned())
}

/// Text for people, 1 to `max` characters.
pub(super) fn text(max: usize) -> impl Fn(Value) -> Result<String, String> {
    move |value| {
        let text = string(value)?;
        match text.chars().count() {
            0 => Err("is empty".to_owned()),
            count if count > max => Err(format!("has more than {max} characters")),
            _ if text.chars().any(char::is_control) => Err("has control characters".to_owned()),
            _ => Ok(text),
        }
    }
}

/// How many, at least one.
pub(super) fn quantity(value: Value) -> Result<i32, String> {
    let number = value.as_i64().ok_or("is not a whole number")?;
    match i32::try_from(number) {
        Ok(quantity) if quantity >= 1 => Ok(quantity),
        Ok(_) => Err("is less than 1".to_owned()),
        Err(_) => Err("is out of range".to_owned()),
    }
}

/// An amount in centavos, not below nothing.
pub(super) fn centavos(value: Value) -> Result<Cop, String> {
    match value.as_i64() {
        Some(centavos) if centavos >= 0 => Ok(Cop(centavos)),
        Some(_) => Err("is negative".to_owned()),
        None => Err("is not a whole number of centavos".to_owned()),
    }
}

/// A zone's name.
pub(super) fn zone(value: Value) -> Result<String, String> {
    let zone = string(value)?;
    check_zone(&zone)?;
    Ok(zone)
}

fn check_zone(zone: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if zone.is_empty() || zone.len() > MAX_ZONE_BYTES || !zone.chars().all(plain) {
        return Err("is not a short name of lower-case letters, digits and hyphens".to_owned());
    }
    if zone == ALL_ZONES { Err(format!("{ALL_ZONES} is no zone's name")) } else { Ok(()) }
}

/// An H3 cell of resolution 9, as text.
pub(super) fn cell(value: Value) -> Result<String, String> {
    let text = string(value)?;
    match text.parse::<CellIndex>() {
        Ok(cell) if cell.resolution() == Resolution::Nine => Ok(cell.to_string()),
        _ => Err("is not an H3 cell of resolution 9, as 15 hexadecimal digits".to_owned()),
    }
}

/// A time.
pub(super) fn time(value: Value) -> Result<EventTime, String> {
    rfc3339::read(&string(value)?).ok_or_else(|| "is not a time like 2026-11-24T19:30:00Z".to_owned())
}

/// The bytes of something sealed.
pub(super) fn sealed_bytes(value: Value) -> Result<Vec<u8>, String> {
    let bytes = STANDARD.decode(string(value)?).map_err(|_| "is not base64")?;
    if bytes.len() < MIN_SEALED_BYTES {
        return Err(format!("is shorter than nonce and tag, {MIN_SEALED_BYTES} bytes"));
    }
    Ok(bytes)
}

fn string(value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err("is not a text".to_owned()),
    }
}
