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

/// Faults that wait for their requests, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Faults(VecDeque<Fault>);

impl Faults {
    pub fn add(&mut self, fault: Fault) {
        self.0.push_back(fault);
    }

    pub fn next(&mut self) -> Fault {
        self.0.pop_front().unwrap_or_default()
    }
}
