//! A clock that runs faster: an evening in minutes, with time-outs that keep their meaning.

use comanda_streams::Clock;
use std::sync::OnceLock;
use std::time::Instant;

/// Stands at a time until it is started, then runs `speed` times as fast as the system's.
pub struct ScaledClock {
    starts_at_ms: i64,
    speed: f64,
    started: OnceLock<Instant>,
}

impl ScaledClock {
    /// A clock that stands.
    pub fn standing_at(starts_at_ms: i64, speed: f64) -> Self {
        Self { starts_at_ms, speed, started: OnceLock::new() }
    }

    /// Lets it run; once.
    pub fn start(&self) {
        self.started.get_or_init(Instant::now);
    }
}

impl Clock for ScaledClock {
    fn now_ms(&self) -> i64 {
        let elapsed_ms = self.started.get().map_or(0.0, |started| started.elapsed().as_secs_f64() * 1_000.0);
        self.starts_at_ms + (elapsed_ms * self.speed) as i64
    }
}
