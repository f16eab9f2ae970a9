//! What one run took: the line of JSON that both engines print.

use crate::error::BenchError;
use serde::{Deserialize, Serialize};

/// The figures of a run. Times go from the first record on: starting up is told apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Input records.
    pub records: u64,
    /// Output records, without change logs.
    pub outputs: u64,
    /// User and system seconds of the whole process until it was closed, without the quiet wait before closing.
    pub cpu_s: f64,
    /// The same in wall-clock time.
    pub wall_s: f64,
    /// Input records of the second half, when caches and just-in-time compiled code are warm.
    pub warm_records: u64,
    /// CPU seconds of the second half, until the last output.
    pub warm_cpu_s: f64,
    /// The same in wall-clock time.
    pub warm_wall_s: f64,
    /// CPU seconds before the first record.
    pub start_cpu_s: f64,
    /// Largest resident size.
    pub peak_rss_mb: f64,
}

impl Figures {
    /// From an engine's standard output: its last line.
    ///
    /// # Errors
    /// If that is no line of figures.
    pub fn of_output(output: &str) -> Result<Self, BenchError> {
        let line = output.trim_end().lines().next_back().unwrap_or_default();
        serde_json::from_str(line)
            .map_err(|e| BenchError::Unreadable { what: "figures", text: format!("{e} in {line:?}") })
    }

    /// As a line.
    ///
    /// # Errors
    /// If a figure is no number that JSON has.
    pub fn to_json(&self) -> Result<String, BenchError> {
        serde_json::to_string(self).map_err(|e| BenchError::Unreadable { what: "figures", text: e.to_string() })
    }

    /// The columns' values: see `Family::columns`.
    pub fn values(&self) -> Vec<f64> {
        let (warm, whole) = (self.warm_cpu_per_million(), self.cpu_per_million());
        vec![warm, whole, self.start_cpu_s, self.warm_us_per_record(), self.peak_rss_mb]
    }

    /// CPU seconds per million records, second half.
    fn warm_cpu_per_million(&self) -> f64 {
        self.warm_cpu_s / (self.warm_records as f64 / 1e6)
    }

    /// CPU seconds per million records, whole run.
    fn cpu_per_million(&self) -> f64 {
        self.cpu_s / (self.records as f64 / 1e6)
    }

    /// Wall-clock microseconds per record, second half.
    fn warm_us_per_record(&self) -> f64 {
        self.warm_wall_s * 1e6 / self.warm_records as f64
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"records":1000000,"outputs":9,"cpu_s":4.0,"wall_s":5.0,"warm_records":500000,"warm_cpu_s":1.0,"warm_wall_s":2.0,"start_cpu_s":0.5,"peak_rss_mb":80.0}"#;

    #[test]
    fn the_last_line_of_an_engines_output_is_read() {
        let figures = Figures::of_output(&format!("a warning\n{LINE}\n")).unwrap();
        assert_eq!(figures.warm_cpu_per_million(), 2.0);
        assert_eq!(figures.cpu_per_million(), 4.0);
        assert_eq!(figures.warm_us_per_record(), 4.0);
    }

    #[test]
    fn an_output_without_figures_is_an_error_that_shows_it() {
        assert!(Figures::of_output("panic\n").unwrap_err().to_string().contains("panic"));
    }
}
