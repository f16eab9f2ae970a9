//! How long inputs waited for their outputs, by the fault before. The brokers' own times on both sides: what the load's
//! producer could not send is not in it.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

/// The faults, in the order of their times, and the longest wait that ended after each.
pub struct Waits {
    faults: Vec<Fault>,
}

struct Fault {
    at_ms: i64,
    kind: String,
    longest_ms: i64,
}

impl Waits {
    /// From lines of `MILLISECONDS KIND …`.
    ///
    /// # Errors
    /// If the file is not to be read.
    pub fn read(faults: &Path) -> Result<Self, Box<dyn Error>> {
        let fault = |line: &str| {
            let (at_ms, what) = line.split_once(' ')?;
            let kind = what.split(' ').next()?.to_owned();
            Some(Fault { at_ms: at_ms.parse().ok()?, kind, longest_ms: 0 })
        };
        let faults = std::fs::read_to_string(faults)?.lines().filter_map(fault).collect();
        Ok(Self { faults })
    }

    /// An input's output was appended.
    pub fn appended(&mut self, input_ms: i64, output_ms: i64) {
        let before = self.faults.partition_point(|fault| fault.at_ms < output_ms);
        if let Some(fault) = self.faults[..before].last_mut() {
            fault.longest_ms = fault.longest_ms.max(output_ms - input_ms);
        }
    }

    /// Of each kind: how many, the longest wait after the median one and after the worst.
    pub fn report(self) -> Vec<String> {
        let mut kinds: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        self.faults.into_iter().for_each(|fault| kinds.entry(fault.kind).or_default().push(fault.longest_ms));
        let line = |(kind, mut longest_ms): (String, Vec<i64>)| {
            longest_ms.sort_unstable();
            let seconds = |at: usize| longest_ms[at] as f64 / 1_000.0;
            let count = longest_ms.len();
            format!("{kind}: {count}, longest wait {:.1} s (median {:.1} s)", seconds(count - 1), seconds(count / 2))
        };
        kinds.into_iter().map(line).collect()
    }
}
