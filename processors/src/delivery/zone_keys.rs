//! Store keys that begin with a zone, so that all of one zone is found by prefix.

use crate::keys::Moment;
use comanda_schemas::{DriverId, EventTime};
use comanda_streams::serde::{Deserializer, Serde, SerdeError, Serializer};
use uuid::Uuid;

/// Ends the zone's name: names of zones are plain text.
const END: u8 = 0;

/// A driver in a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneDriver {
    /// The zone.
    pub zone: String,
    /// The driver.
    pub driver: DriverId,
}

/// An order of a zone at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ZoneMoment {
    pub zone: String,
    pub moment: Moment,
}

impl ZoneMoment {
    /// Bounds of a zone's entries at or before `now`.
    pub fn until(zone: &str, now: EventTime) -> (ZoneMoment, ZoneMoment) {
        let at = |moment| ZoneMoment { zone: zone.to_owned(), moment };
        (at(Moment::FIRST), at(Moment::last_at(now)))
    }
}

/// How all keys of a zone begin.
pub(super) fn prefix(zone: &str) -> Vec<u8> {
    let mut bytes = zone.as_bytes().to_vec();
    bytes.push(END);
    bytes
}

/// The serde of [`ZoneDriver`]: zone, 0, 16 bytes.
pub fn zone_driver_keys() -> Serde<ZoneDriver> {
    Serde::new(ZoneFirst, ZoneFirst)
}

pub(super) fn zone_moment_keys() -> Serde<ZoneMoment> {
    Serde::new(ZoneFirst, ZoneFirst)
}

struct ZoneFirst;

impl Serializer<ZoneDriver> for ZoneFirst {
    fn serialize(&self, _topic: &str, key: &ZoneDriver, out: &mut Vec<u8>) -> Result<(), SerdeError> {
        out.extend_from_slice(&prefix(&key.zone));
        out.extend_from_slice(key.driver.0.as_bytes());
        Ok(())
    }
}

impl Deserializer<ZoneDriver> for ZoneFirst {
    fn deserialize(&self, _topic: &str, bytes: &[u8]) -> Result<ZoneDriver, SerdeError> {
        let (zone, rest) = split(bytes)?;
        let id = Uuid::from_slice(rest).map_err(|error| SerdeError::invalid(error.to_string()))?;
        Ok(ZoneDriver { zone, driver: DriverId(id) })
    }
}

impl Serializer<ZoneMoment> for ZoneFirst {
    fn serialize(&self, _topic: &str, key: &ZoneMoment, out: &mut Vec<u8>) -> Result<(), SerdeError> {
        out.extend_from_slice(&prefix(&key.zone));
        key.moment.write(out);
        Ok(())
    }
}

impl Deserializer<ZoneMoment> for ZoneFirst {
    fn deserialize(&self, _topic: &str, bytes: &[u8]) -> Result<ZoneMoment, SerdeError> {
        let (zone, rest) = split(bytes)?;
        let moment = Moment::read(rest).ok_or_else(|| SerdeError::invalid("a key without a moment"))?;
        Ok(ZoneMoment { zone, moment })
    }
}

fn split(bytes: &[u8]) -> Result<(String, &[u8]), SerdeError> {
    let end = bytes.iter().position(|byte| *byte == END);
    let end = end.ok_or_else(|| SerdeError::invalid("a key without a zone"))?;
    let zone = std::str::from_utf8(&bytes[..end]).map_err(|error| SerdeError::invalid(error.to_string()))?;
    Ok((zone.to_owned(), &bytes[end + 1..]))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use comanda_schemas::OrderId;

    #[test]
    fn keys_come_back_and_those_of_one_zone_lie_together_by_time() {
        let key = |zone: &str, at| ZoneMoment {
            zone: zone.to_owned(),
            moment: Moment { at: EventTime(at), order: OrderId(Uuid::from_u128(3)) },
        };
        let keys = [key("zone-1", 5), key("zone-1", 300), key("zone-10", 1), key("zone-2", 0)];
        let bytes: Vec<Vec<u8>> = keys
            .iter()
            .map(|key| {
                let mut out = vec![];
                zone_moment_keys().serialize("t", key, &mut out).unwrap();
                out
            })
            .collect();
        assert!(bytes.is_sorted());
        assert_eq!(bytes.iter().filter(|key| key.starts_with(&prefix("zone-1"))).count(), 2);
        let read: Vec<ZoneMoment> = bytes.iter().map(|b| zone_moment_keys().deserialize("t", b).unwrap()).collect();
        assert_eq!(read, keys);
    }
}
