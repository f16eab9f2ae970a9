//! Providers outside of Kafka as the engine's asynchronous calls reach them: threads that make calls, and a breaker that
//! spares a provider that is down.
//!
//! **What it is.** [`ThreadedClient`] implements the engine's `AsyncClient` port over any [`Provider`], a blocking call
//! with a time-out. Its threads are the bulkhead: a provider that hangs holds up so many calls and nothing else.
//! [`Breaker`] is a pure state machine; time comes in with each question.
//!
//! **What it is not.** It queues nothing of its own and does not try again: what is refused here goes back into the
//! engine's store of pending calls, which lasts, and comes again after its pause. So queues grow while a provider is down
//! and drain when it is back, and nothing is lost.
#![deny(unsafe_code, missing_docs)]

mod breaker;
mod threaded;

pub use breaker::{Breaker, BreakerSettings, BreakerState, Permit};
pub use threaded::{Provider, ThreadedClient};
