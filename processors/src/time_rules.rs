//! Which times of outsiders are believed. They write both times of a record, its timestamp and `occurred_at`, from
//! clocks that are not ours; see `docs/adr/0006-times-of-outsiders.md`.

use comanda_schemas::EventTime;
use comanda_streams::{Data, ProcessorContext};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// The contract has both times equal. They differ where the broker stamps the record: then a device's clock may be
/// ahead, as far as Kafka itself lets a timestamp be (`message.timestamp.after.max.ms`, one hour since 4.0).
const MAX_AHEAD_OF_RECORD_MS: i64 = HOUR_MS;
/// A device without a net sends later; commands are kept for a week, so nothing older can be meant.
const MAX_BEHIND_RECORD_MS: i64 = 7 * DAY_MS;
/// Brokers refuse an hour; this one holds where that check is off. Wide, since the engine reads its clock once a step
/// and a demonstration runs it hundreds of times too fast.
const MAX_AHEAD_OF_CLOCK_MS: i64 = DAY_MS;

/// Checks a record's times; the error names the field.
pub(crate) fn check(timestamp_ms: i64, occurred_at: Option<EventTime>, clock_ms: i64) -> Result<(), String> {
    if timestamp_ms > clock_ms.saturating_add(MAX_AHEAD_OF_CLOCK_MS) {
        return Err("timestamp: lies more than a day ahead of the clock".to_owned());
    }
    let Some(EventTime(at_ms)) = occurred_at else { return Ok(()) };
    match at_ms.saturating_sub(timestamp_ms) {
        ahead_ms if ahead_ms > MAX_AHEAD_OF_RECORD_MS => {
            Err("occurred_at: lies more than an hour after the record's timestamp".to_owned())
        }
        ahead_ms if ahead_ms < -MAX_BEHIND_RECORD_MS => {
            Err("occurred_at: lies more than a week before the record's timestamp".to_owned())
        }
        _ => Ok(()),
    }
}

/// Stream time as far as it may move anything: one record ahead of its time must not pull the others along, so it
/// counts up to the clock only.
pub(crate) fn believed_now<K: Data, V: Data>(ctx: &ProcessorContext<'_, K, V>) -> EventTime {
    believed(EventTime(ctx.current_stream_time_ms()), ctx)
}

/// When something is taken to have happened that says `at` of itself: never later than the clock.
pub(crate) fn believed<K: Data, V: Data>(at: EventTime, ctx: &ProcessorContext<'_, K, V>) -> EventTime {
    at.min(EventTime(ctx.current_system_time_ms()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_212_000_000;

    fn broken(timestamp_ms: i64, occurred_at_ms: i64) -> Option<String> {
        check(timestamp_ms, Some(EventTime(occurred_at_ms)), NOW).err()
    }

    #[test]
    fn honest_times_are_taken_late_ones_and_clocks_that_differ_too() {
        for (timestamp, occurred_at) in
            [(NOW, NOW), (NOW, NOW + HOUR_MS), (NOW, NOW - 7 * DAY_MS), (NOW + HOUR_MS, NOW + HOUR_MS), (0, 0)]
        {
            assert_eq!(broken(timestamp, occurred_at), None, "{timestamp} {occurred_at}");
        }
        assert_eq!(check(NOW, None, NOW), Ok(()), "an unknown type has no time of its own");
    }

    #[test]
    fn times_that_cannot_be_are_refused_by_field() {
        let field =
            |timestamp, occurred_at| broken(timestamp, occurred_at).map(|e| e[..e.find(':').unwrap_or(0)].to_owned());
        let (of_event, of_record) = (Some("occurred_at".to_owned()), Some("timestamp".to_owned()));
        assert_eq!(field(NOW, NOW + HOUR_MS + 1), of_event);
        assert_eq!(field(NOW, NOW - 7 * DAY_MS - 1), of_event);
        assert_eq!(field(NOW, i64::MIN), of_event);
        assert_eq!(field(NOW, i64::MAX), of_event);
        assert_eq!(field(NOW + DAY_MS + 1, NOW), of_record);
    }
}
