//! Windows of fixed size: tumbling, or hopping when they advance by less than their size.

use crate::record::Window;

/// Which windows a time belongs to, and how long they wait for late records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeWindows {
    size_ms: i64,
    advance_ms: i64,
    grace_ms: i64,
}

impl TimeWindows {
    /// Tumbling windows; a window closes when the operator's stream time passes its end by `grace_ms`.
    ///
    /// # Panics
    /// If `size_ms` is not positive or `grace_ms` negative.
    pub fn of_size_and_grace(size_ms: i64, grace_ms: i64) -> Self {
        assert!(size_ms > 0, "window size must be positive, not {size_ms} ms");
        assert!(grace_ms >= 0, "grace must not be negative, not {grace_ms} ms");
        Self { size_ms, advance_ms: size_ms, grace_ms }
    }

    /// Tumbling windows that take no late record.
    pub fn of_size_with_no_grace(size_ms: i64) -> Self {
        Self::of_size_and_grace(size_ms, 0)
    }

    /// Hopping windows: a new one every `advance_ms`.
    ///
    /// # Panics
    /// If `advance_ms` is not in `1..=size`.
    pub fn advance_by(self, advance_ms: i64) -> Self {
        let size = self.size_ms;
        assert!((1..=size).contains(&advance_ms), "advance must be within 1..={size} ms, not {advance_ms}");
        Self { advance_ms, ..self }
    }

    /// Size in milliseconds.
    pub fn size_ms(&self) -> i64 {
        self.size_ms
    }

    /// Grace in milliseconds.
    pub fn grace_ms(&self) -> i64 {
        self.grace_ms
    }

    /// The windows that contain `timestamp`, by start (`TimeWindows.windowsFor`); none starts before 0.
    pub fn windows_for(&self, timestamp: i64) -> impl Iterator<Item = Window> + use<> {
        let Self { size_ms, advance_ms, .. } = *self;
        let first = (timestamp - size_ms + advance_ms).max(0) / advance_ms * advance_ms;
        let starts = (0..).map(move |n| first + n * advance_ms).take_while(move |start| *start <= timestamp);
        starts.map(move |start_ms| Window { start_ms, end_ms: start_ms + size_ms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(windows: TimeWindows, time: i64) -> Vec<i64> {
        windows.windows_for(time).map(|w| w.start_ms).collect()
    }

    #[test]
    fn a_time_lies_in_one_tumbling_window() {
        let windows = TimeWindows::of_size_with_no_grace(10);
        assert_eq!(starts(windows, 0), [0]);
        assert_eq!(starts(windows, 9), [0]);
        assert_eq!(starts(windows, 10), [10]);
    }

    #[test]
    fn a_time_lies_in_size_by_advance_hopping_windows() {
        let windows = TimeWindows::of_size_with_no_grace(12).advance_by(5);
        assert_eq!(starts(windows, 0), [0]);
        assert_eq!(starts(windows, 12), [5, 10]);
        assert_eq!(starts(windows, 16), [5, 10, 15]);
    }
}
