//! Topics, offsets and group data.

use super::{SimulatedBroker, unanswered};
use crate::cluster::Cluster;
use comanda_streams::broker::{
    Admin, BrokerError, ErrorKind, Isolation, NewTopic, OffsetAndMetadata, OffsetSpec, TopicDescription, TopicPartition,
};

const OFFSET_OUT_OF_RANGE: i16 = 1;
const UNSTABLE_OFFSET_COMMIT: i16 = 88;
/// Times that a call asks again for offsets over which a transaction is open, and how long it waits in between.
const STABLE_TRIES: usize = 3;
const STABLE_WAIT_MS: i64 = 100;

pub(super) struct SimulatedAdmin {
    link: SimulatedBroker,
}

impl SimulatedAdmin {
    pub fn new(link: SimulatedBroker) -> Self {
        Self { link }
    }

    fn ask<T>(
        &self,
        call: &'static str,
        act: impl FnOnce(&mut Cluster) -> Result<T, BrokerError>,
    ) -> Result<T, BrokerError> {
        if self.link.fails(1) {
            self.link.cluster().note("administrative call unanswered");
            return Err(unanswered(ErrorKind::Retriable, call));
        }
        self.link.call(call, 1, act)
    }
}

impl Admin for SimulatedAdmin {
    fn describe_topics(&mut self, names: &[&str]) -> Result<Vec<Option<TopicDescription>>, BrokerError> {
        self.ask("describe_topics", |cluster| Ok(names.iter().map(|name| cluster.describe(name)).collect()))
    }

    fn list_topics(&mut self) -> Result<Vec<String>, BrokerError> {
        self.ask("list_topics", |cluster| Ok(cluster.topics.keys().cloned().collect()))
    }

    fn create_topics(&mut self, topics: &[NewTopic]) -> Result<(), BrokerError> {
        self.ask("create_topics", |cluster| {
            cluster.create_topics(topics);
            Ok(())
        })
    }

    fn topic_config(&mut self, topic: &str, name: &str) -> Result<Option<String>, BrokerError> {
        self.ask("topic_config", |cluster| {
            let configs = cluster.topics.get(topic).map_or(&[][..], |topic| &topic.configs);
            Ok(configs.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()))
        })
    }

    fn list_offsets(
        &mut self,
        partitions: &[TopicPartition],
        spec: OffsetSpec,
        isolation: Isolation,
    ) -> Result<Vec<i64>, BrokerError> {
        self.ask("list_offsets", |cluster| {
            let offset = |partition: &TopicPartition| {
                let log = cluster.log(partition)?;
                Ok(match spec {
                    OffsetSpec::Earliest => log.start(),
                    OffsetSpec::Latest => log.end_for(isolation),
                })
            };
            partitions.iter().map(offset).collect()
        })
    }

    fn committed_offsets(
        &mut self,
        group_id: &str,
        partitions: &[TopicPartition],
    ) -> Result<Vec<Option<OffsetAndMetadata>>, BrokerError> {
        for _ in 0..STABLE_TRIES {
            let found = self.ask("committed_offsets", |cluster| {
                let offsets = cluster.offsets.entry(group_id.to_owned()).or_default();
                Ok(partitions.iter().map(|partition| offsets.fetch(partition)).collect::<Result<Vec<_>, ()>>())
            })?;
            match found {
                Ok(offsets) => return Ok(offsets),
                Err(()) => {
                    self.link.cluster().note("offsets not yet stable");
                    self.link.meanwhile(STABLE_WAIT_MS);
                }
            }
        }
        let reason = "a transaction is open over these offsets";
        Err(BrokerError::new(ErrorKind::Retriable, "committed_offsets", reason).with_code(UNSTABLE_OFFSET_COMMIT))
    }

    fn delete_records(&mut self, before: &[(TopicPartition, i64)]) -> Result<(), BrokerError> {
        self.ask("delete_records", |cluster| {
            for (partition, offset) in before {
                let log = cluster.log_mut(partition)?;
                if *offset > log.end() {
                    let attempt = format!("delete records of {partition} before {offset}");
                    let reason = "the offset lies past the log's end";
                    return Err(BrokerError::new(ErrorKind::Fatal, attempt, reason).with_code(OFFSET_OUT_OF_RANGE));
                }
                log.delete_before(*offset);
            }
            Ok(())
        })
    }
}
