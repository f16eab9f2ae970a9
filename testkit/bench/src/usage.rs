//! What a process has used, by the kernel's accounting (proc(5)).

use crate::error::BenchError;
use std::time::Instant;

/// USER_HZ: `/proc` counts CPU time in hundredths of a second.
const TICKS_PER_SECOND: f64 = 100.0;
/// Fields of `/proc/self/stat` after the command: user and system time of all threads, dead ones too.
const UTIME: usize = 11;
const STIME: usize = 12;

/// A moment of the process.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    at: Instant,
    /// User and system time of all threads so far.
    pub cpu_s: f64,
}

impl Usage {
    /// This process's, up to now.
    ///
    /// # Errors
    /// If `/proc/self/stat` cannot be read.
    pub fn now() -> Result<Self, BenchError> {
        Self::of("self")
    }

    /// The usage of the process with this id, up to now.
    ///
    /// # Errors
    /// If its `stat` cannot be read.
    pub fn of(process: &str) -> Result<Self, BenchError> {
        let stat = read(&format!("/proc/{process}/stat"))?;
        let cpu_s = cpu_seconds(&stat).ok_or(BenchError::Unreadable { what: "/proc/…/stat", text: stat })?;
        Ok(Self { at: Instant::now(), cpu_s })
    }

    /// Wall-clock seconds from `earlier` to this.
    pub fn seconds_since(&self, earlier: &Usage) -> f64 {
        self.at.duration_since(earlier.at).as_secs_f64()
    }

    /// CPU seconds from `earlier` to this.
    pub fn cpu_since(&self, earlier: &Usage) -> f64 {
        self.cpu_s - earlier.cpu_s
    }
}

/// Largest resident size of a process so far, in MB (`VmHWM`).
///
/// # Errors
/// If its `status` cannot be read.
pub fn peak_rss_mb(process: &str) -> Result<f64, BenchError> {
    let status = read(&format!("/proc/{process}/status"))?;
    let kb = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok());
    kb.map(|kb: f64| kb / 1024.0).ok_or(BenchError::Unreadable { what: "/proc/…/status", text: status })
}

/// The machine's load averages, to stand beside figures.
///
/// # Errors
/// If `/proc/loadavg` cannot be read.
pub fn load_average() -> Result<String, BenchError> {
    Ok(read("/proc/loadavg")?.split_whitespace().take(3).collect::<Vec<_>>().join(" "))
}

fn read(file: &str) -> Result<String, BenchError> {
    std::fs::read_to_string(file).map_err(BenchError::io(format!("read {file}")))
}

/// The command stands in brackets and may hold anything, brackets too.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |field: usize| fields.get(field)?.parse::<f64>().ok();
    Some((ticks(UTIME)? + ticks(STIME)?) / TICKS_PER_SECOND)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_command_with_brackets_and_spaces_does_not_shift_the_fields() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 9 9 20 0 5 0 100";
        assert_eq!(cpu_seconds(stat), Some(3.0));
    }

    #[test]
    fn work_shows_as_cpu_time() {
        let before = Usage::now().unwrap();
        let mut sum = 0_u64;
        while Usage::now().unwrap().cpu_since(&before) < 0.02 {
            sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(1));
        }
        assert!(Usage::now().unwrap().seconds_since(&before) > 0.0);
    }
}
