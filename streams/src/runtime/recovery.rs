//! What the thread does about errors, each named after its remedy.

use super::thread::StreamThread;
use crate::error::StreamsError;

/// The first pause before trying again; it grows with the time the failure lasts.
const SHORTEST_PAUSE_MS: i64 = 100;
const LONGEST_PAUSE_MS: i64 = 5_000;

impl StreamThread {
    pub(super) fn recover(&mut self, error: StreamsError) -> Result<(), StreamsError> {
        match error {
            StreamsError::Retry(reason) => self.try_again(&reason),
            StreamsError::Aborted(reason) => self.abort(&reason),
            StreamsError::TaskMigrated(reason) => self.migrated(&reason),
            StreamsError::UnknownOutcome(reason) => self.outcome_unknown(&reason),
            StreamsError::TaskCorrupted(reason) => self.corrupted(&reason),
            StreamsError::SkipRecord(reason) => self.abort(&reason),
            error @ (StreamsError::Topology(_) | StreamsError::Fatal(_)) => Err(error),
        }
    }

    /// Undoes what is uncommitted, pauses, and goes on; gives up after the task time-out.
    fn try_again(&mut self, reason: &str) -> Result<(), StreamsError> {
        let since_ms = *self.failing_since_ms.get_or_insert(self.now.steady_ms);
        let lasted_ms = self.now.steady_ms - since_ms;
        if lasted_ms > self.shared.config.task_timeout_ms {
            return Err(StreamsError::Fatal(format!("still failing after {lasted_ms} ms: {reason}")));
        }
        let pause_ms = (lasted_ms / 2).clamp(SHORTEST_PAUSE_MS, LONGEST_PAUSE_MS);
        self.pause_until_ms = self.now.steady_ms + pause_ms;
        self.abort(reason)
    }

    /// All tasks of the thread go back to the last commit.
    pub(super) fn abort(&mut self, reason: &str) -> Result<(), StreamsError> {
        tracing::warn!(thread = self.name, reason, "transaction aborted, going back to the last commit");
        metrics::counter!("comanda_aborts_total", "thread" => self.name.clone()).increment(1);
        self.abort_transaction()?;
        self.slots.rewind(&mut *self.consumer)
    }

    /// Ends the open transaction; a producer that cannot even abort is replaced, which ends it too.
    pub(super) fn abort_transaction(&mut self) -> Result<(), StreamsError> {
        self.transaction_since_ms = None;
        if !self.exactly_once {
            // What was sent stays sent; it will be sent again.
            self.collector.borrow_mut().producer.take_produced();
            return Ok(());
        }
        let aborted = {
            let mut collector = self.collector.borrow_mut();
            if !collector.in_transaction() {
                return Ok(());
            }
            let aborted = collector.producer.abort_transaction();
            collector.producer.take_produced();
            collector.ended();
            aborted
        };
        match aborted {
            Ok(()) => Ok(()),
            Err(error) => {
                tracing::warn!(thread = self.name, %error, "cannot abort: making a new producer");
                self.replace_producer()
            }
        }
    }

    /// A new producer under the same id: fences the old one and ends its transaction, one way or the other.
    fn replace_producer(&mut self) -> Result<(), StreamsError> {
        let id = self.exactly_once.then_some(&*self.transactional_id);
        let mut producer = self.shared.broker.producer(id)?;
        if self.exactly_once {
            producer.init_transactions()?;
        }
        self.collector.borrow_mut().replace_producer(producer)
    }

    /// The group or the broker went on without this thread: nothing of its uncommitted work may stay.
    fn migrated(&mut self, reason: &str) -> Result<(), StreamsError> {
        tracing::warn!(thread = self.name, reason, "fenced");
        self.collector.borrow_mut().ended();
        self.transaction_since_ms = None;
        self.replace_producer()?;
        let actions = self.member.fenced(self.now.steady_ms, None);
        self.carry_out(actions)
    }

    /// Nobody knows whether the commit took place: the committed offsets will tell, and the change logs' tails.
    fn outcome_unknown(&mut self, reason: &str) -> Result<(), StreamsError> {
        tracing::warn!(thread = self.name, reason, "outcome of the commit unknown: looking at the committed offsets");
        self.transaction_since_ms = None;
        self.collector.borrow_mut().ended();
        self.replace_producer()?;
        for task in self.slots.tasks() {
            self.reopen(task, false)?;
        }
        Ok(())
    }

    /// Some task's state cannot be read or written: all go back, and all of this thread's are restored from scratch.
    fn corrupted(&mut self, reason: &str) -> Result<(), StreamsError> {
        tracing::error!(thread = self.name, reason, "local state is unusable: restoring all of it");
        self.abort(reason)?;
        for task in self.slots.tasks() {
            self.reopen(task, true)?;
        }
        Ok(())
    }

    /// Steps of a stop in good order: commit, close, leave.
    pub(super) fn shut_down(&mut self) -> Result<(), StreamsError> {
        if !self.slots.is_empty() {
            if !self.commit()? || self.commit_in_flight {
                return Ok(());
            }
            for task in self.slots.tasks() {
                self.close_task(task)?;
            }
        }
        self.cancel_openings(|_| true);
        let actions = self.member.leave(self.now.steady_ms);
        self.carry_out(actions)
    }
}
