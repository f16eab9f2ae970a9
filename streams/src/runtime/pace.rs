//! How many records a step may process: as many as fit into a short time, so that commits and the group are served
//! however slow the processors are.

use std::time::Duration;

/// What a step should take: short beside the commit interval.
const STEP: Duration = Duration::from_millis(50);
/// Until a step has been seen.
const FIRST_RECORDS: usize = 2_000;
const MOST_RECORDS: usize = 4_000;

/// Learns from the times of the steps.
pub(super) struct Pace {
    records: usize,
    processed: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self { records: FIRST_RECORDS, processed: 0 }
    }
}

impl Pace {
    /// How long the last step took.
    pub fn step_took(&mut self, took: Duration) {
        if self.processed >= self.records && took < STEP {
            self.records = (self.records * 2).min(MOST_RECORDS);
        } else if self.processed > 0 && took > 2 * STEP {
            self.records = (self.records / 2).max(1);
        }
        self.processed = 0;
    }

    /// Records that the step processed.
    pub fn processed(&mut self, records: usize) {
        self.processed = records;
    }

    /// The most that this step may process.
    pub fn records(&self) -> usize {
        self.records
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After steps whose records take so long each: how many the next may process.
    fn after_steps(record: Duration, steps: usize) -> usize {
        let mut pace = Pace::default();
        for _ in 0..steps {
            pace.processed(pace.records());
            pace.step_took(record * pace.records() as u32);
        }
        pace.records()
    }

    #[test]
    fn fast_records_come_in_large_steps_and_slow_ones_one_by_one() {
        assert_eq!(after_steps(Duration::from_micros(1), 20), MOST_RECORDS);
        assert_eq!(after_steps(Duration::from_secs(1), 20), 1);
        assert!((12..=50).contains(&after_steps(Duration::from_millis(2), 20)));
    }
}
