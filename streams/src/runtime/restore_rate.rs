//! How fast an instance may restore: so many bytes a second over all its tasks, so that tasks that run keep their share of
//! disk and network.

use std::time::Duration;

const MICROS_PER_S: u64 = 1_000_000;

/// Counts what is read against what may be. It owns no clock: whoever reads tells the time.
///
/// What was read is paid for afterwards, by waiting: one poll's records may come at once, after that the rate holds.
pub(super) struct RestoreRate {
    /// `None`: as fast as it goes.
    bytes_per_s: Option<u64>,
    /// When all that was read is paid for, in microseconds of the callers' steady clock.
    paid_us: u64,
}

impl RestoreRate {
    /// A rate of so many bytes of keys and values a second; 0 does not bound it.
    pub fn new(bytes_per_s: u64) -> Self {
        Self { bytes_per_s: Some(bytes_per_s).filter(|rate| *rate > 0), paid_us: 0 }
    }

    /// How long nothing may be read.
    pub fn pause(&self, steady_ms: i64) -> Duration {
        Duration::from_micros(self.paid_us.saturating_sub(micros(steady_ms)))
    }

    /// So many bytes were read.
    pub fn read(&mut self, bytes: usize, steady_ms: i64) {
        let Some(rate) = self.bytes_per_s else { return };
        // What was not used before is not saved up.
        let from = self.paid_us.max(micros(steady_ms));
        self.paid_us = from.saturating_add((bytes as u64).saturating_mul(MICROS_PER_S) / rate);
    }
}

fn micros(steady_ms: i64) -> u64 {
    u64::try_from(steady_ms).unwrap_or(0).saturating_mul(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes read within a second by readers that each poll every millisecond, if they may, for so many bytes.
    fn read_in_a_second(bytes_per_s: u64, readers: usize, poll_bytes: usize) -> usize {
        let mut rate = RestoreRate::new(bytes_per_s);
        let mut read = 0;
        for (now_ms, _) in (0..1_000).flat_map(|now_ms| (0..readers).map(move |reader| (now_ms, reader))) {
            if rate.pause(now_ms).is_zero() {
                rate.read(poll_bytes, now_ms);
                read += poll_bytes;
            }
        }
        read
    }

    #[test]
    fn readers_together_keep_to_the_rate() {
        for readers in [1, 4] {
            let read = read_in_a_second(100_000, readers, 2_000);
            assert!((90_000..=102_000).contains(&read), "{read} bytes by {readers} readers");
        }
    }

    #[test]
    fn idle_time_is_not_saved_up() {
        let mut rate = RestoreRate::new(1_000);
        rate.read(1_000, 3_600_000);
        assert_eq!(rate.pause(3_600_000), Duration::from_secs(1));
    }

    #[test]
    fn without_a_rate_nothing_waits() {
        assert_eq!(read_in_a_second(0, 1, 1 << 20), 1_000 << 20);
    }
}
