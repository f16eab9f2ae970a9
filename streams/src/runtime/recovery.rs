//! What the thread does about errors, each named after its remedy.

use super::mending::Then;
use super::thread::StreamThread;
use crate::error::StreamsError;
use crate::task_id::TaskId;

/// The first pause before trying again; it grows with the time the failure lasts.
const SHORTEST_PAUSE_MS: i64 = 100;
const LONGEST_PAUSE_MS: i64 = 5_000;
/// Failures further apart have nothing to do with each other.
const SAME_TROUBLE_MS: i64 = 60_000;
/// Aborts without a commit in between until the thread pauses before the next attempt. One is ordinary (a rebalance, a
/// bad record).
const ABORTS_WITHOUT_PAUSE: u32 = 2;

/// Failures since the last commit.
#[derive(Default)]
pub(super) struct Trouble {
    since_ms: Option<i64>,
    last_ms: i64,
    aborts: u32,
    pub pause_until_ms: i64,
}

impl Trouble {
    /// A failure: how long it has lasted, after a pause was set.
    fn pause(&mut self, now_ms: i64) -> i64 {
        if now_ms - self.last_ms > SAME_TROUBLE_MS {
            self.since_ms = None;
        }
        self.last_ms = now_ms;
        let lasted_ms = now_ms - *self.since_ms.get_or_insert(now_ms);
        self.pause_until_ms = now_ms + (lasted_ms / 2).clamp(SHORTEST_PAUSE_MS, LONGEST_PAUSE_MS);
        lasted_ms
    }

    /// A commit was made: whatever it was is over.
    pub fn over(&mut self) {
        (self.since_ms, self.aborts) = (None, 0);
    }
}

impl StreamThread {
    /// Plans what mends the error; `mend` does it. An error returned ends the thread.
    pub(super) fn recover(&mut self, error: StreamsError) -> Result<(), StreamsError> {
        let text = error.to_string();
        tracing::warn!(thread = self.name, error = text, "going back to the last commit");
        metrics::counter!("comanda_aborts_total", "thread" => self.name.clone()).increment(1);
        match error {
            StreamsError::Retry(_) => {
                // A client that gave records up may never find the cluster again. An abort looks after its own producer.
                self.mending.new_producer |= !self.exactly_once;
                self.mending.abort_and(Then::Rewind);
                self.pause(&text)
            }
            StreamsError::Aborted(_) => {
                self.mending.abort_and(Then::Rewind);
                self.trouble.aborts += 1;
                if self.trouble.aborts > ABORTS_WITHOUT_PAUSE { self.pause(&text) } else { Ok(()) }
            }
            // The group or the broker went on without this thread: `Lost` follows.
            StreamsError::TaskMigrated(_) => {
                self.mending.abort_and(Then::Rewind);
                self.seat.tell(|member, now_ms| member.fenced(now_ms, None));
                Ok(())
            }
            StreamsError::UnknownOutcome(_) => {
                self.mending.new_producer = true;
                self.mending.abort_and(Then::Reopen);
                Ok(())
            }
            StreamsError::TaskCorrupted(_) => {
                self.mending.abort_and(Then::Rewind);
                let struck = self.struck(&text);
                self.mending.corrupt.extend(struck);
                Ok(())
            }
            StreamsError::ReopenTask(_) => {
                self.mending.abort_and(Then::Rewind);
                let struck = self.struck(&text);
                self.mending.reopen.extend(struck);
                self.pause(&text)
            }
            // Outside of a record's way (a punctuation, a cache's flush) there is none to skip.
            StreamsError::SkipRecord(reason) => {
                Err(StreamsError::Fatal(format!("no single record can be skipped: {reason}")))
            }
            error @ (StreamsError::Topology(_) | StreamsError::Fatal(_)) => Err(error),
        }
    }

    /// The tasks whose state an error is about: the one at work, else any of them.
    fn struck(&self, text: &str) -> Vec<TaskId> {
        let all = self.slots.tasks().into_iter();
        let struck: Vec<TaskId> = all.filter(|task| self.at_work.is_none_or(|at_work| at_work == *task)).collect();
        for task in &struck {
            tracing::error!(thread = self.name, %task, error = text, "the task's local state: it is opened again");
        }
        struck
    }

    /// Pauses before the next attempt, and gives up after the task time-out.
    fn pause(&mut self, reason: &str) -> Result<(), StreamsError> {
        let lasted_ms = self.trouble.pause(self.now.steady_ms);
        if lasted_ms > self.shared.config.task_timeout_ms {
            return Err(StreamsError::Fatal(format!("still failing after {lasted_ms} ms: {reason}")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_with_the_trouble_and_end_with_a_commit_or_a_long_peace() {
        let mut trouble = Trouble::default();
        let pause = |trouble: &mut Trouble, at_ms: i64| {
            let lasted_ms = trouble.pause(at_ms);
            (lasted_ms, trouble.pause_until_ms - at_ms)
        };
        assert_eq!(pause(&mut trouble, 1_000), (0, 100));
        assert_eq!(pause(&mut trouble, 5_000), (4_000, 2_000));
        assert_eq!(pause(&mut trouble, 50_000), (49_000, 5_000));
        assert_eq!(pause(&mut trouble, 110_001), (0, 100));
        trouble.over();
        assert_eq!(pause(&mut trouble, 110_500), (0, 100));
    }
}
