//! What time and operators do to topics: cleaning, retention, a change log that is made again.

use super::{Cluster, Log};
use comanda_streams::broker::{Isolation, TopicPartition};

impl Cluster {
    /// Cleans one compacted partition.
    pub fn compact_any(&mut self) {
        let compacted: Vec<TopicPartition> =
            self.logs.keys().filter(|partition| self.is_compacted(&partition.topic)).cloned().collect();
        let Some(chosen) = self.pick(compacted) else { return };
        if let Some(log) = self.logs.get_mut(&chosen) {
            log.compact(&self.fates);
            self.note("log cleaned");
        }
    }

    /// Retention takes records away that are read by then: up to what the group has committed at most.
    pub fn trim_any(&mut self, group: &str, inputs: Vec<TopicPartition>) {
        let Some(chosen) = self.pick(inputs) else { return };
        let Some(Ok(Some(committed))) = self.offsets.get(group).map(|offsets| offsets.fetch(&chosen)) else { return };
        let before = self.dice.ms(committed.offset + 1);
        if let Some(log) = self.logs.get_mut(&chosen) {
            log.delete_before(before);
            self.note("read records out of retention");
        }
    }

    /// Retention takes records away that nobody has read: the group is away, and nothing of it is under way.
    pub fn expire_any(&mut self, group: &str, inputs: Vec<TopicPartition>) {
        let Some(chosen) = self.pick(inputs) else { return };
        let Some(Ok(committed)) = self.offsets.get(group).map(|offsets| offsets.fetch(&chosen)) else { return };
        let committed = committed.map_or(0, |committed| committed.offset);
        let Some(log) = self.logs.get_mut(&chosen) else { return };
        let unread = log.stable() - committed;
        if unread > 0 {
            log.lose(committed, committed + 1 + self.dice.ms(unread));
            self.note("unread records out of retention");
        }
    }

    /// Somebody deletes a change log and makes it again from a copy: the same records at other offsets of another topic.
    pub fn remake_any(&mut self, application_id: &str) {
        let prefix = format!("{application_id}-");
        let is_own = |topic: &&String| topic.starts_with(&prefix) && topic.ends_with("-changelog");
        let Some(topic) = self.pick(self.topics.keys().filter(is_own).cloned().collect()) else { return };
        let partitions = || self.logs.iter().filter(|(partition, _)| *partition.topic == *topic);
        // An open transaction cannot be copied: its records come to nothing or are still to be committed.
        if partitions().any(|(_, log)| log.stable() < log.end()) {
            return;
        }
        let copies: Vec<_> = partitions().map(|(partition, log)| (partition.clone(), self.copy_of(log))).collect();
        self.logs.extend(copies);
        let id = self.new_topic_id();
        if let Some(topic) = self.topics.get_mut(&topic) {
            topic.id = id;
        }
        self.note("change log made again");
    }

    /// What a reader sees of a log, in a log of its own.
    fn copy_of(&self, log: &Log) -> Log {
        let (mut copy, mut position) = (Log::default(), 0);
        while let Some(record) = log.next(position, Isolation::ReadCommitted, &self.fates) {
            copy.append(None, record.clone());
            position = record.offset + 1;
        }
        copy
    }

    fn is_compacted(&self, topic: &str) -> bool {
        let configs = self.topics.get(topic).map_or(&[][..], |topic| &topic.configs);
        configs.iter().any(|(name, value)| name == "cleanup.policy" && value.starts_with("compact"))
    }

    fn pick<T: Clone>(&mut self, choices: Vec<T>) -> Option<T> {
        let any = self.dice.below(choices.len() as u64) as usize;
        choices.get(any).cloned()
    }
}
