//! A thread's seat in the group: its member and the connection, kept alive by a pulse while a step takes long.
//!
//! Commits, `init_transactions` and the leader's questions block for seconds, a slow processor too; the session must not
//! end meanwhile. What the member orders is queued for the thread and carried out in its own time.

use crate::broker::GroupTransport;
use crate::membership::{Action, Member};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

/// The member, its connection, and what it wants done.
pub(super) struct Seat(Mutex<Inner>);

struct Inner {
    member: Member,
    transport: Box<dyn GroupTransport>,
    orders: VecDeque<Action>,
    /// Two threads read the clock and then wait for the lock: the member's time must not go back.
    now_ms: i64,
    stepped_ms: i64,
    max_poll_interval_ms: i64,
}

impl Seat {
    pub fn new(member: Member, transport: Box<dyn GroupTransport>, max_poll_interval_ms: i64) -> Self {
        let orders = VecDeque::new();
        Self(Mutex::new(Inner { member, transport, orders, now_ms: 0, stepped_ms: 0, max_poll_interval_ms }))
    }

    /// The thread begins a step: answers are taken in, and what time brings about.
    pub fn step(&self, now_ms: i64) {
        let mut inner = self.lock();
        inner.stepped_ms = now_ms;
        inner.advance(now_ms);
    }

    /// The same between steps. A thread that has not come back for `max.poll.interval.ms` is given up: its session ends.
    pub fn pulse(&self, now_ms: i64) {
        let mut inner = self.lock();
        if now_ms - inner.stepped_ms <= inner.max_poll_interval_ms {
            inner.advance(now_ms);
        }
    }

    /// The next thing that the thread has to do.
    pub fn next_order(&self) -> Option<Action> {
        self.lock().orders.pop_front()
    }

    /// Tells the member something, with its time.
    pub fn tell(&self, what: impl FnOnce(&mut Member, i64) -> Vec<Action>) {
        let mut inner = self.lock();
        let now_ms = inner.now_ms;
        let actions = what(&mut inner.member, now_ms);
        inner.sort(actions);
    }

    /// Asks the member something.
    pub fn ask<R>(&self, what: impl FnOnce(&Member) -> R) -> R {
        what(&self.lock().member)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("the member panics only where going on would break exactly-once")
    }
}

impl Inner {
    fn advance(&mut self, now_ms: i64) {
        self.now_ms = self.now_ms.max(now_ms);
        while let Some(response) = self.transport.poll() {
            let actions = self.member.on_response(self.now_ms, response);
            self.sort(actions);
        }
        let actions = self.member.poll(self.now_ms);
        self.sort(actions);
    }

    /// Requests go out at once, the rest waits for the thread.
    fn sort(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Send(request) => self.transport.send(request),
                order => self.orders.push_back(order),
            }
        }
    }
}
