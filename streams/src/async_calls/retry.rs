//! How soon, and how often, a failed call is made again.

/// Pauses that double from attempt to attempt, each drawn between its half and its whole. The draw is a hash of
/// idempotency key and attempt: calls that failed together come back apart, and a task repeats it after a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in all, at least 1; after the last a failed call is passed on as such.
    pub attempts: u32,
    /// The first pause, milliseconds.
    pub first_ms: i64,
    /// No pause is longer, milliseconds.
    pub longest_ms: i64,
}

impl Default for RetryPolicy {
    /// Goes on until it succeeds, at first after 200 ms, then less and less often down to every 30 s: an outage of the
    /// other side makes the queue longer and loses nothing.
    fn default() -> Self {
        Self { attempts: u32::MAX, first_ms: 200, longest_ms: 30_000 }
    }
}

impl RetryPolicy {
    /// Makes each call once, whatever becomes of it.
    pub const NEVER: Self = Self { attempts: 1, first_ms: 0, longest_ms: 0 };

    /// The pause after that many attempts.
    pub(super) fn pause_ms(&self, attempts: u32, idempotency_key: &str) -> i64 {
        /// 2^40 ms are 34 years.
        const MOST_DOUBLINGS: u32 = 40;
        let doublings = attempts.saturating_sub(1).min(MOST_DOUBLINGS);
        let whole_ms = self.first_ms.saturating_mul(1 << doublings).min(self.longest_ms).max(0);
        let half_ms = whole_ms / 2;
        let drawn = hash(idempotency_key, attempts) % (whole_ms - half_ms + 1).unsigned_abs();
        half_ms + i64::try_from(drawn).unwrap_or(0)
    }
}

/// FNV-1a over key and attempt.
fn hash(idempotency_key: &str, attempts: u32) -> u64 {
    let bytes = idempotency_key.bytes().chain(attempts.to_be_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_lie_in_the_upper_half() {
        let policy = RetryPolicy { attempts: 9, first_ms: 100, longest_ms: 1_000 };
        for (attempts, whole_ms) in [(1, 100), (2, 200), (3, 400), (4, 800), (5, 1_000), (u32::MAX, 1_000)] {
            let pause_ms = policy.pause_ms(attempts, "charge-17");
            assert!((whole_ms / 2..=whole_ms).contains(&pause_ms), "{attempts}: {pause_ms}");
            assert_eq!(pause_ms, policy.pause_ms(attempts, "charge-17"));
        }
    }

    #[test]
    fn calls_that_failed_together_come_back_apart() {
        let policy = RetryPolicy { attempts: 9, first_ms: 10_000, longest_ms: 10_000 };
        let pauses: Vec<i64> = (0..1_000).map(|call| policy.pause_ms(1, &format!("charge-{call}"))).collect();
        for tenth in 0..10 {
            let from_ms = 5_000 + 500 * tenth;
            let there = pauses.iter().filter(|pause| (from_ms..from_ms + 500).contains(*pause)).count();
            assert!((60..=140).contains(&there), "{there} of 1,000 from {from_ms} ms");
        }
    }
}
