//! The member's own view of its session: when to send heartbeats, and when to count itself out.

use std::collections::VecDeque;

/// Heartbeats that may be without an answer; more would only pile up in a dead connection.
const MAX_UNANSWERED: usize = 3;

/// Pause before the first repetition of a failed request.
const MIN_BACKOFF_MS: i64 = 100;

/// Longest pause between repetitions: well below the shortest useful session time-out, 6 s.
const MAX_BACKOFF_MS: i64 = 1_600;

/// Heartbeats of one member.
#[derive(Debug)]
pub(super) struct Session {
    timeout_ms: i64,
    interval_ms: i64,
    /// When the coordinator surely knew of us: the time an answered heartbeat was **sent**, so that we never believe in
    /// the session longer than the coordinator does.
    last_contact_ms: i64,
    next_heartbeat_ms: i64,
    /// When the unanswered heartbeats of this generation were sent.
    unanswered: VecDeque<i64>,
    /// The same of earlier generations.
    stale: VecDeque<i64>,
}

impl Session {
    pub fn new(timeout_ms: i32, interval_ms: i32) -> Self {
        Self {
            timeout_ms: timeout_ms.into(),
            interval_ms: interval_ms.into(),
            last_contact_ms: 0,
            next_heartbeat_ms: 0,
            unanswered: VecDeque::new(),
            stale: VecDeque::new(),
        }
    }

    /// The coordinator has just begun (anew) to time us.
    pub fn begin(&mut self, now_ms: i64) {
        self.last_contact_ms = now_ms;
        self.next_heartbeat_ms = now_ms + self.interval_ms;
    }

    pub fn heartbeat_due(&self, now_ms: i64) -> bool {
        now_ms >= self.next_heartbeat_ms && self.unanswered.len() < MAX_UNANSWERED
    }

    pub fn heartbeat_sent(&mut self, now_ms: i64) {
        self.unanswered.push_back(now_ms);
        self.next_heartbeat_ms = now_ms + self.interval_ms;
    }

    /// When the heartbeat was sent that an answer has come to; `None` if it belongs to an earlier generation. Answers
    /// come in order; one that has not come within the session never will, and must not be taken for a later one's.
    pub fn answered(&mut self, now_ms: i64) -> Option<i64> {
        let can_come = |sent_ms: &i64| now_ms - sent_ms < self.timeout_ms;
        self.stale.retain(can_come);
        self.unanswered.retain(can_come);
        if self.stale.pop_front().is_some() {
            return None;
        }
        self.unanswered.pop_front()
    }

    pub fn confirmed(&mut self, sent_ms: i64) {
        self.last_contact_ms = self.last_contact_ms.max(sent_ms);
    }

    pub fn retry_heartbeat_at(&mut self, at_ms: i64) {
        self.next_heartbeat_ms = self.next_heartbeat_ms.min(at_ms);
    }

    /// A new generation is being joined: answers under way say nothing about it.
    pub fn abandon_heartbeats(&mut self) {
        self.stale.append(&mut self.unanswered);
    }

    /// No answers will come.
    pub fn heartbeats_lost(&mut self) {
        self.stale.clear();
        self.unanswered.clear();
    }

    pub fn expired(&self, now_ms: i64) -> bool {
        now_ms - self.last_contact_ms >= self.timeout_ms
    }
}

/// Pauses between repetitions of a failed request: doubled each time, bounded.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
    until_ms: Option<i64>,
}

impl Backoff {
    pub fn failed(&mut self, now_ms: i64) -> i64 {
        let pause_ms = (MIN_BACKOFF_MS << self.failures.min(10)).min(MAX_BACKOFF_MS);
        self.failures += 1;
        self.until_ms = Some(now_ms + pause_ms);
        now_ms + pause_ms
    }

    pub fn over(&self, now_ms: i64) -> bool {
        self.until_ms.is_none_or(|until| now_ms >= until)
    }

    pub fn is_first_failure(&self) -> bool {
        self.failures == 0
    }

    pub fn succeeded(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound() {
        let mut backoff = Backoff::default();
        let pauses: Vec<i64> = (0..7).map(|_| backoff.failed(0)).collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1600, 1600, 1600]);
    }

    #[test]
    fn the_session_is_counted_from_when_the_answered_heartbeat_was_sent() {
        let mut session = Session::new(6_000, 2_000);
        session.begin(0);
        session.heartbeat_sent(2_000);
        let sent_ms = session.answered(2_100);
        session.confirmed(sent_ms.unwrap_or_default());
        assert!(!session.expired(7_999));
        assert!(session.expired(8_000));
    }

    #[test]
    fn answers_to_heartbeats_of_an_earlier_generation_do_not_count() {
        let mut session = Session::new(6_000, 2_000);
        session.heartbeat_sent(0);
        session.abandon_heartbeats();
        session.heartbeat_sent(5_000);
        assert_eq!(session.answered(5_100), None);
        assert_eq!(session.answered(5_200), Some(5_000));
    }

    #[test]
    fn an_answer_that_never_came_is_not_waited_for_for_ever() {
        let mut session = Session::new(6_000, 2_000);
        session.heartbeat_sent(0);
        session.abandon_heartbeats();
        session.heartbeat_sent(2_000);
        session.heartbeat_sent(8_000);
        assert_eq!(session.answered(8_100), Some(8_000));
    }
}
