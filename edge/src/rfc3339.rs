//! Times as the API writes and reads them: RFC 3339, UTC, to the millisecond.

use comanda_schemas::EventTime;
use serde::{Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

const NANOS_PER_MS: i128 = 1_000_000;
/// 0000-01-01T00:00:00Z and 9999-12-31T23:59:59.999Z: what RFC 3339 can say.
const FIRST_MS: i64 = -62_167_219_200_000;
const LAST_MS: i64 = 253_402_300_799_999;

/// A time to be written. One that RFC 3339 cannot say is written as the nearest that it can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown(pub EventTime);

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let nanos = i128::from(self.0.millis().clamp(FIRST_MS, LAST_MS)) * NANOS_PER_MS;
        let time = OffsetDateTime::from_unix_timestamp_nanos(nanos).map_err(serde::ser::Error::custom)?;
        serializer.serialize_str(&time.format(&Rfc3339).map_err(serde::ser::Error::custom)?)
    }
}

/// Reads a time; fractions of a millisecond are dropped.
pub(crate) fn read(text: &str) -> Option<EventTime> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    i64::try_from(time.unix_timestamp_nanos().div_euclid(NANOS_PER_MS)).ok().map(EventTime)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn shown(ms: i64) -> String {
        serde_json::to_value(Shown(EventTime(ms))).unwrap().as_str().unwrap().to_owned()
    }

    #[test]
    fn times_are_written_in_utc_and_read_with_any_offset() {
        assert_eq!(shown(1_711_822_740_120), "2024-03-30T18:19:00.12Z");
        assert_eq!(read("2024-03-30T13:19:00.1209-05:00"), Some(EventTime(1_711_822_740_120)));
    }

    #[test]
    fn a_time_that_cannot_be_said_is_shown_as_the_nearest() {
        assert_eq!(shown(i64::MIN), "0000-01-01T00:00:00Z");
        assert_eq!(shown(i64::MAX), "9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "2024-03-30", "2024-13-30T18:19:00Z", "2024-03-30T18:19:00", "1711822740"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
