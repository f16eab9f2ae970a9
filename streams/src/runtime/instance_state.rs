//! The state of an instance, as its users see it.

use std::sync::Mutex;

/// An instance's state, as Kafka Streams' `KafkaStreams.State`.
///
/// ```text
/// CREATED → REBALANCING ⇄ RUNNING → PENDING_SHUTDOWN → NOT_RUNNING
///                 └───────────┴──────────────┴─────→ PENDING_ERROR → ERROR
/// ```
/// The way from PENDING_SHUTDOWN to an error is not Kafka Streams': there whoever closes never learns of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KafkaStreamsState {
    /// Not started.
    Created,
    /// Some thread has no assignment yet, or tasks are being opened or moved.
    Rebalancing,
    /// All assigned tasks run.
    Running,
    /// Stopping in good order.
    PendingShutdown,
    /// Stopped.
    NotRunning,
    /// A thread died; the others stop.
    PendingError,
    /// Stopped by an error.
    Error,
}

impl KafkaStreamsState {
    fn may_become(self, next: Self) -> bool {
        use KafkaStreamsState::*;
        matches!(
            (self, next),
            (Created, Rebalancing | PendingShutdown)
                | (Rebalancing, Running | PendingShutdown | PendingError)
                | (Running, Rebalancing | PendingShutdown | PendingError)
                | (PendingShutdown, NotRunning | PendingError)
                | (PendingError, Error)
        )
    }
}

type Listener = Box<dyn Fn(KafkaStreamsState, KafkaStreamsState) + Send + Sync>;

/// Moves along the arrows only, and tells a listener.
pub(super) struct StateMachine {
    state: Mutex<KafkaStreamsState>,
    listener: Mutex<Option<Listener>>,
    error: Mutex<Option<String>>,
}

impl StateMachine {
    pub fn go(&self, next: KafkaStreamsState) {
        let before = {
            let mut state = self.state.lock().expect("no listener runs under the lock");
            if !state.may_become(next) {
                return;
            }
            std::mem::replace(&mut *state, next)
        };
        tracing::info!(?before, ?next, "instance state");
        if let Some(listener) = &*self.listener.lock().expect("listeners must not panic") {
            listener(next, before);
        }
    }

    pub fn get(&self) -> KafkaStreamsState {
        *self.state.lock().expect("no listener runs under the lock")
    }

    pub fn set_listener(&self, listener: impl Fn(KafkaStreamsState, KafkaStreamsState) + Send + Sync + 'static) {
        *self.listener.lock().expect("listeners must not panic") = Some(Box::new(listener));
    }

    /// A thread died of `error`; the first one is kept.
    pub fn died_of(&self, error: &str) {
        self.error.lock().expect("nothing panics while it holds the lock").get_or_insert(error.to_owned());
        self.go(KafkaStreamsState::PendingError);
    }

    pub fn error(&self) -> Option<String> {
        self.error.lock().expect("nothing panics while it holds the lock").clone()
    }
}

impl Default for StateMachine {
    fn default() -> Self {
        Self { state: Mutex::new(KafkaStreamsState::Created), listener: Mutex::new(None), error: Mutex::new(None) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use KafkaStreamsState::*;

    #[test]
    fn an_error_is_final_and_the_first_one_is_told() {
        let state = StateMachine::default();
        state.go(Rebalancing);
        state.died_of("first");
        state.died_of("second");
        state.go(Running);
        state.go(Error);
        assert_eq!((state.get(), state.error()), (Error, Some("first".to_owned())));
    }

    #[test]
    fn a_thread_that_dies_while_stopping_is_told_too() {
        let state = StateMachine::default();
        [Rebalancing, Running, PendingShutdown].into_iter().for_each(|next| state.go(next));
        state.died_of("too late");
        [NotRunning, Error].into_iter().for_each(|next| state.go(next));
        assert_eq!((state.get(), state.error()), (Error, Some("too late".to_owned())));
    }
}
