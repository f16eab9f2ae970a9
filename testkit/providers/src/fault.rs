//! What can go wrong with one request.

use std::collections::VecDeque;

/// The fate of one request that would do something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// It goes well.
    #[default]
    None,
    /// It is done, and the reply never comes.
    TimeoutAfter,
    /// The reply is a server's error; nothing was done.
    ErrorBefore,
    /// The reply is a server's error; it was done all the same.
    ErrorAfter,
    /// Too many requests; nothing was done.
    Busy,
    /// The bank declines, with this code of the provider's.
    Decline(&'static str),
    /// The customer has to approve.
    Action,
}

/// Faults that wait for their requests, the oldest first; then, if told so, those that come by themselves.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    waiting: VecDeque<Fault>,
    every: Option<usize>,
    requests: usize,
}

/// What comes by itself.
const BY_THEMSELVES: [Fault; 4] = [Fault::ErrorAfter, Fault::Busy, Fault::TimeoutAfter, Fault::ErrorBefore];

impl Faults {
    pub fn add(&mut self, fault: Fault) {
        self.waiting.push_back(fault);
    }

    /// Of so many requests one goes wrong, each time in another way.
    pub fn come_every(&mut self, requests: usize) {
        self.every = Some(requests.max(1));
    }

    pub fn next(&mut self) -> Fault {
        if let Some(fault) = self.waiting.pop_front() {
            return fault;
        }
        self.requests += 1;
        match self.every {
            Some(every) if self.requests.is_multiple_of(every) => {
                BY_THEMSELVES[self.requests / every % BY_THEMSELVES.len()]
            }
            _ => Fault::None,
        }
    }
}
