//! Record and store keys: ids as the contract's text, zones as text, moments so that their bytes sort by time.

use comanda_schemas::{EventTime, OrderId};
use comanda_streams::serde::{Deserializer, Serde, SerdeError, Serializer};
use std::fmt::Display;
use std::io::Write;
use std::str::FromStr;
use uuid::Uuid;

/// Ids as the contract has them in record keys: 36 lower-case characters.
pub fn id_keys<T>() -> Serde<T>
where
    T: Display + FromStr + 'static,
{
    Serde::new(IdText, IdText)
}

struct IdText;

impl<T: Display> Serializer<T> for IdText {
    fn serialize(&self, _topic: &str, id: &T, out: &mut Vec<u8>) -> Result<(), SerdeError> {
        write!(out, "{id}").map_err(|error| SerdeError::invalid(error.to_string()))
    }
}

impl<T: FromStr> Deserializer<T> for IdText {
    fn deserialize(&self, _topic: &str, bytes: &[u8]) -> Result<T, SerdeError> {
        let text = std::str::from_utf8(bytes).map_err(|error| SerdeError::invalid(format!("not UTF-8: {error}")))?;
        // The text is not quoted: what stands for an id by mistake may be a name or an address.
        text.parse().map_err(|_| SerdeError::invalid("is not a UUID of 36 lower-case characters"))
    }
}

/// An order at a moment: 8 bytes of time, big-endian, then 16 of the id. Times before 1970 do not occur.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    pub at: EventTime,
    pub order: OrderId,
}

impl Moment {
    /// Before all others.
    pub const FIRST: Moment = Moment { at: EventTime(0), order: OrderId(Uuid::nil()) };

    /// After all others at or before `now`.
    pub const fn last_at(now: EventTime) -> Moment {
        Moment { at: now, order: OrderId(Uuid::max()) }
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.at.millis().max(0).to_be_bytes());
        out.extend_from_slice(self.order.0.as_bytes());
    }

    pub fn read(bytes: &[u8]) -> Option<Moment> {
        let (time, order) = bytes.split_first_chunk::<8>()?;
        let order = OrderId(Uuid::from_slice(order).ok()?);
        Some(Moment { at: EventTime(i64::from_be_bytes(*time)), order })
    }
}

pub(crate) fn moment_keys() -> Serde<Moment> {
    Serde::new(MomentBytes, MomentBytes)
}

struct MomentBytes;

impl Serializer<Moment> for MomentBytes {
    fn serialize(&self, _topic: &str, moment: &Moment, out: &mut Vec<u8>) -> Result<(), SerdeError> {
        moment.write(out);
        Ok(())
    }
}

impl Deserializer<Moment> for MomentBytes {
    fn deserialize(&self, _topic: &str, bytes: &[u8]) -> Result<Moment, SerdeError> {
        Moment::read(bytes).ok_or_else(|| SerdeError::invalid(format!("{} bytes are not a moment", bytes.len())))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn bytes_of<T>(serde: &Serde<T>, value: &T) -> Vec<u8> {
        let mut out = vec![];
        serde.serialize("t", value, &mut out).unwrap();
        out
    }

    #[test]
    fn an_id_is_its_text() {
        let id = OrderId(Uuid::from_u128(9));
        assert_eq!(bytes_of(&id_keys(), &id), b"00000000-0000-0000-0000-000000000009");
        assert_eq!(id_keys::<OrderId>().deserialize("t", id.to_string().as_bytes()).unwrap(), id);
        assert!(id_keys::<OrderId>().deserialize("t", b"order-9").is_err());
    }

    #[test]
    fn moments_sort_by_time_then_id_and_come_back() {
        let moment = |at, id| Moment { at: EventTime(at), order: OrderId(Uuid::from_u128(id)) };
        let sorted = [Moment::FIRST, moment(1, 5), moment(255, 1), moment(256, 0), Moment::last_at(EventTime(256))];
        let bytes: Vec<Vec<u8>> = sorted.iter().map(|m| bytes_of(&moment_keys(), m)).collect();
        assert!(bytes.is_sorted());
        assert_eq!(sorted.map(|m| Moment::read(&bytes_of(&moment_keys(), &m)).unwrap()), sorted);
    }
}
