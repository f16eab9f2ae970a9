//! What a thread looks after now and then: partitions added to source topics, state of tasks that moved away.

use super::thread::StreamThread;
use crate::error::StreamsError;
use crate::membership::Member;
use std::collections::BTreeMap;

/// How often the state directory is looked through: the delay is in minutes.
const CLEANUP_INTERVAL_MS: i64 = 1_000;

/// Source topics as they were found last.
#[derive(Default)]
pub(super) struct SourceWatch {
    /// `None` for at once.
    next_ms: Option<i64>,
    partitions: BTreeMap<String, i32>,
    /// The generation that this thread assigned.
    led: Option<i32>,
}

impl SourceWatch {
    /// This thread assigns a generation: it is the one to ask for a new one.
    pub fn leads(&mut self, generation: i32) {
        self.led = Some(generation);
    }

    /// A generation begins, with tasks that know how wide their topics are.
    pub fn assigned(&mut self, generation: i32) {
        self.led = self.led.filter(|led| *led == generation);
    }

    /// Takes in what was found; true if a topic is wider than before.
    fn take(&mut self, found: impl Iterator<Item = (String, i32)>) -> bool {
        let mut wider = false;
        for (topic, partitions) in found {
            let before = self.partitions.insert(topic, partitions);
            wider |= before.is_some_and(|before| before < partitions);
        }
        wider
    }
}

impl StreamThread {
    /// Partitions that were added need tasks: the leader asks for a new round, in which internal topics are checked
    /// against them. Running tasks learn how wide their topics are now.
    pub(super) fn watch_sources(&mut self) -> Result<(), StreamsError> {
        let (now_ms, age_ms) = (self.now.steady_ms, self.shared.config.metadata_max_age_ms);
        if now_ms < *self.sources.next_ms.get_or_insert(now_ms) || self.slots.is_empty() {
            return Ok(());
        }
        self.sources.next_ms = Some(now_ms + age_ms);
        let topics = self.shared.topology.source_topics();
        let names: Vec<&str> = topics.iter().map(String::as_str).collect();
        let found = match self.admin.describe_topics(&names) {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(thread = self.name, %error, "cannot look for new partitions: later");
                return Ok(());
            }
        };
        let counts = || found.iter().flatten().map(|topic| (topic.name.clone(), topic.partitions));
        if !self.sources.take(counts()) {
            return Ok(());
        }
        let counts: BTreeMap<String, i32> = counts().collect();
        self.slots.iter_mut().for_each(|slot| slot.task.set_partition_counts(|topic| counts.get(topic).copied()));
        if self.sources.led.is_some() {
            tracing::warn!(thread = self.name, ?counts, "partitions were added to a source topic: assigning anew");
            self.seat.tell(|member, _| Member::request_rejoin(member));
            self.carry_out_orders()?;
        }
        Ok(())
    }

    /// Deletes the state of tasks that have been elsewhere for long.
    pub(super) fn clean_up(&mut self) {
        if self.now.steady_ms - self.last_cleanup_ms >= CLEANUP_INTERVAL_MS {
            self.last_cleanup_ms = self.now.steady_ms;
            self.shared.directory.clean(self.now.steady_ms, self.shared.config.state_cleanup_delay_ms);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(partitions: i32) -> impl Iterator<Item = (String, i32)> {
        [("in".to_owned(), partitions)].into_iter()
    }

    #[test]
    fn only_a_topic_that_grew_is_news() {
        let mut watch = SourceWatch::default();
        assert_eq!([4, 4, 6, 6].map(|partitions| watch.take(found(partitions))), [false, false, true, false]);
    }

    #[test]
    fn only_who_assigned_the_generation_leads_it() {
        let mut watch = SourceWatch::default();
        watch.leads(3);
        watch.assigned(3);
        assert_eq!(watch.led, Some(3));
        watch.assigned(4);
        assert_eq!(watch.led, None);
    }
}
