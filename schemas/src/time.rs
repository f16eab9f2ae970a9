//! Event time: when something happened, in the town's own clock.

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01 UTC, as Avro's `timestamp-millis` and Kafka's record timestamps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventTime(pub i64);

impl EventTime {
    /// Milliseconds since 1970-01-01 UTC.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Later by so many milliseconds (earlier if negative); stops at the ends of time.
    pub const fn plus_ms(self, ms: i64) -> EventTime {
        EventTime(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this; negative if it is the other way round.
    pub const fn ms_since(self, earlier: EventTime) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Minutes from `earlier` to this.
    pub fn minutes_since(self, earlier: EventTime) -> f64 {
        self.ms_since(earlier) as f64 / 60_000.0
    }
}
