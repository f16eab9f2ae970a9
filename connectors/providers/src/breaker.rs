//! A circuit breaker: a provider that fails too often is left alone for a while, then tried with a few calls.
//!
//! ```text
//! closed ──failures reach the limit──► open ──after its pause──► half-open
//!    ▲                                  ▲                          │   │
//!    └────────── all probes succeed ────┼──────────────────────────┘   │
//!                                       └────────── a probe fails ─────┘
//! ```

use std::collections::VecDeque;

/// When it opens and closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerSettings {
    /// How many calls are looked back at, and how long, milliseconds.
    pub window_calls: usize,
    /// Older calls do not count, milliseconds.
    pub window_ms: i64,
    /// Fewer calls say nothing.
    pub least_calls: usize,
    /// It opens when so many of a hundred have failed.
    pub failures_percent: usize,
    /// How long it stays open, milliseconds.
    pub open_ms: i64,
    /// Calls let through when half open; all must succeed.
    pub probes: usize,
}

impl Default for BreakerSettings {
    /// Opens at half of the calls of the last ten seconds, for five.
    fn default() -> Self {
        Self { window_calls: 100, window_ms: 10_000, least_calls: 10, failures_percent: 50, open_ms: 5_000, probes: 3 }
    }
}

/// What it does with calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// All go through.
    Closed,
    /// None does.
    Open,
    /// A few do, to see how the provider is.
    HalfOpen,
}

/// A call let through: its outcome is told with it.
#[derive(Debug)]
#[must_use = "a probe that is never told of keeps the breaker half open"]
pub struct Permit {
    /// Of which period of the breaker: outcomes of earlier ones say nothing about the provider now.
    period: u64,
}

/// The breaker of one provider. Owns no clock.
#[derive(Debug)]
pub struct Breaker {
    settings: BreakerSettings,
    state: BreakerState,
    period: u64,
    since_ms: i64,
    /// Closed: when calls ended, whether well; bounded by `window_calls`.
    window: VecDeque<(i64, bool)>,
    /// Half open: probes let through, probes that succeeded.
    probing: (usize, usize),
}

impl Breaker {
    /// A closed one.
    pub fn new(settings: BreakerSettings) -> Self {
        let (window, probing) = (VecDeque::new(), (0, 0));
        Self { settings, state: BreakerState::Closed, period: 0, since_ms: 0, window, probing }
    }

    /// What it does now.
    pub fn state(&self) -> BreakerState {
        self.state
    }

    /// Whether a call may be made.
    pub fn permit(&mut self, now_ms: i64) -> Option<Permit> {
        if self.state == BreakerState::Open && now_ms - self.since_ms >= self.settings.open_ms {
            self.go(BreakerState::HalfOpen, now_ms);
        }
        let lets_through = match self.state {
            BreakerState::Closed => true,
            BreakerState::Open => false,
            BreakerState::HalfOpen => self.probing.0 < self.settings.probes,
        };
        self.probing.0 += usize::from(lets_through && self.state == BreakerState::HalfOpen);
        lets_through.then_some(Permit { period: self.period })
    }

    /// How a call ended that was let through.
    pub fn ended(&mut self, permit: Permit, now_ms: i64, well: bool) {
        if permit.period != self.period {
            return;
        }
        match self.state {
            BreakerState::Closed => self.count(now_ms, well),
            BreakerState::Open => {}
            BreakerState::HalfOpen if !well => self.go(BreakerState::Open, now_ms),
            BreakerState::HalfOpen => {
                self.probing.1 += 1;
                if self.probing.1 >= self.settings.probes {
                    self.go(BreakerState::Closed, now_ms);
                }
            }
        }
    }

    /// A call that was let through was not made after all.
    pub fn give_back(&mut self, permit: Permit) {
        if permit.period == self.period && self.state == BreakerState::HalfOpen {
            self.probing.0 -= 1;
        }
    }

    fn count(&mut self, now_ms: i64, well: bool) {
        let BreakerSettings { window_calls, window_ms, least_calls, failures_percent, .. } = self.settings;
        self.window.push_back((now_ms, well));
        while self.window.len() > window_calls || self.window.front().is_some_and(|(at, _)| now_ms - at > window_ms) {
            self.window.pop_front();
        }
        let failures = self.window.iter().filter(|(_, well)| !well).count();
        if self.window.len() >= least_calls && failures * 100 >= failures_percent * self.window.len() {
            self.go(BreakerState::Open, now_ms);
        }
    }

    fn go(&mut self, state: BreakerState, now_ms: i64) {
        tracing::info!(from = ?self.state, to = ?state, "breaker");
        (self.state, self.since_ms) = (state, now_ms);
        self.period += 1;
        self.window.clear();
        self.probing = (0, 0);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const SETTINGS: BreakerSettings = BreakerSettings {
        window_calls: 20,
        window_ms: 1_000,
        least_calls: 4,
        failures_percent: 50,
        open_ms: 500,
        probes: 2,
    };

    fn call(breaker: &mut Breaker, now_ms: i64, well: bool) -> bool {
        let permit = breaker.permit(now_ms);
        permit.map(|permit| breaker.ended(permit, now_ms, well)).is_some()
    }

    fn opened() -> Breaker {
        let mut breaker = Breaker::new(SETTINGS);
        (0..4).for_each(|_| _ = call(&mut breaker, 0, false));
        assert_eq!(breaker.state(), BreakerState::Open);
        breaker
    }

    #[test]
    fn it_opens_at_half_of_the_calls_and_not_before_enough_were_made() {
        let mut breaker = Breaker::new(SETTINGS);
        for (well, state) in [(false, BreakerState::Closed), (true, BreakerState::Closed), (true, BreakerState::Closed)]
        {
            call(&mut breaker, 0, well);
            assert_eq!(breaker.state(), state);
        }
        call(&mut breaker, 0, false);
        assert_eq!(breaker.state(), BreakerState::Open);
        assert!(!call(&mut breaker, 499, true));
    }

    #[test]
    fn failures_of_long_ago_do_not_count() {
        let mut breaker = Breaker::new(SETTINGS);
        (0..3).for_each(|_| _ = call(&mut breaker, 0, false));
        (0..2).for_each(|_| _ = call(&mut breaker, 1_001, true));
        call(&mut breaker, 1_001, false);
        assert_eq!(breaker.state(), BreakerState::Closed);
    }

    #[test]
    fn after_its_pause_a_few_probes_go_through_and_close_it_if_all_succeed() {
        let mut breaker = opened();
        let probes: Vec<Permit> = (0..5).filter_map(|_| breaker.permit(500)).collect();
        assert_eq!((probes.len(), breaker.state()), (2, BreakerState::HalfOpen));
        probes.into_iter().for_each(|probe| breaker.ended(probe, 510, true));
        assert_eq!(breaker.state(), BreakerState::Closed);
    }

    #[test]
    fn one_failed_probe_opens_it_again_for_the_whole_pause() {
        let mut breaker = opened();
        let (first, second) = (breaker.permit(500).unwrap(), breaker.permit(500).unwrap());
        breaker.ended(first, 600, false);
        breaker.ended(second, 610, true);
        assert_eq!(breaker.state(), BreakerState::Open);
        assert!(breaker.permit(1_099).is_none() && breaker.permit(1_100).is_some());
    }

    #[test]
    fn a_probe_that_was_not_made_leaves_room_for_another() {
        let mut breaker = opened();
        let (first, _second) = (breaker.permit(500).unwrap(), breaker.permit(500).unwrap());
        assert!(breaker.permit(500).is_none());
        breaker.give_back(first);
        assert!(breaker.permit(500).is_some() && breaker.permit(500).is_none());
    }

    #[test]
    fn calls_from_before_it_opened_say_nothing_when_they_end() {
        let mut breaker = Breaker::new(SETTINGS);
        let slow = breaker.permit(0).unwrap();
        (0..4).for_each(|_| _ = call(&mut breaker, 0, false));
        let probe = breaker.permit(500).unwrap();
        breaker.ended(slow, 510, false);
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        breaker.ended(probe, 520, true);
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
    }
}
