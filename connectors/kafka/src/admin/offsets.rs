//! Offsets: ends of logs, a group's positions, and what may be deleted.

use super::{by_leader, by_topic, checked};
use crate::KafkaError;
use crate::error::kafka;
use crate::wire::{Cluster, text};
use comanda_streams::broker::{Isolation, OffsetAndMetadata, OffsetSpec, TopicPartition};
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestTopic;
use kafka_protocol::messages::{
    BrokerId, DeleteRecordsRequest, GroupId, ListOffsetsRequest, OffsetFetchRequest, TopicName,
};
use std::collections::HashMap;
use std::sync::Arc;

const LIST_OFFSETS_VERSION: i16 = 6;
/// `require_stable` came with it (KIP-447); version 8 asks for several groups in another form.
const OFFSET_FETCH_VERSION: i16 = 7;
const DELETE_RECORDS_VERSION: i16 = 2;
const DELETE_TIMEOUT_MS: i32 = 15_000;
/// Kafka's "no offset committed".
const NOT_COMMITTED: i64 = -1;
/// A client, not a follower.
const NO_REPLICA: BrokerId = BrokerId(-1);

pub(super) fn list(
    cluster: &mut Cluster,
    partitions: &[TopicPartition],
    spec: OffsetSpec,
    isolation: Isolation,
) -> Result<Vec<i64>, KafkaError> {
    let timestamp = match spec {
        OffsetSpec::Latest => -1,
        OffsetSpec::Earliest => -2,
    };
    let isolation_level = match isolation {
        Isolation::ReadUncommitted => 0,
        Isolation::ReadCommitted => 1,
    };
    let asked = |p: &&TopicPartition| {
        ListOffsetsPartition::default().with_partition_index(p.partition).with_timestamp(timestamp)
    };
    let mut offsets = HashMap::new();
    for (leader, topics) in by_leader(cluster, partitions, |partition| partition)? {
        let topic = |(name, partitions): (Arc<str>, Vec<_>)| {
            ListOffsetsTopic::default()
                .with_name(TopicName(text(&name)))
                .with_partitions(partitions.iter().map(asked).collect())
        };
        let request = ListOffsetsRequest::default()
            .with_replica_id(NO_REPLICA)
            .with_isolation_level(isolation_level)
            .with_topics(topics.into_iter().map(topic).collect());
        for topic in cluster.ask(leader, &request, LIST_OFFSETS_VERSION)?.topics {
            for partition in topic.partitions {
                checked(partition.error_code)?;
                offsets.insert(TopicPartition::new(topic.name.as_str(), partition.partition_index), partition.offset);
            }
        }
    }
    in_order(partitions, &offsets)
}

pub(super) fn committed(
    cluster: &mut Cluster,
    group_id: &str,
    partitions: &[TopicPartition],
) -> Result<Vec<Option<OffsetAndMetadata>>, KafkaError> {
    if partitions.is_empty() {
        return Ok(Vec::new());
    }
    let topic = |(name, partitions): (Arc<str>, Vec<&TopicPartition>)| {
        OffsetFetchRequestTopic::default()
            .with_name(TopicName(text(&name)))
            .with_partition_indexes(partitions.iter().map(|partition| partition.partition).collect())
    };
    let request = OffsetFetchRequest::default()
        .with_group_id(GroupId(text(group_id)))
        .with_topics(Some(by_topic(partitions).into_iter().map(topic).collect()))
        .with_require_stable(true);
    let answer = cluster.ask_coordinator(group_id, &request, OFFSET_FETCH_VERSION)?;
    checked(answer.error_code)?;
    let mut offsets = HashMap::new();
    for topic in answer.topics {
        for partition in topic.partitions {
            checked(partition.error_code)?;
            let committed = (partition.committed_offset != NOT_COMMITTED).then(|| OffsetAndMetadata {
                offset: partition.committed_offset,
                metadata: partition.metadata.map(|metadata| metadata.to_string()).unwrap_or_default(),
            });
            offsets.insert(TopicPartition::new(topic.name.as_str(), partition.partition_index), committed);
        }
    }
    in_order(partitions, &offsets)
}

pub(super) fn delete_before(cluster: &mut Cluster, before: &[(TopicPartition, i64)]) -> Result<(), KafkaError> {
    let asked = |(partition, offset): &&(TopicPartition, i64)| {
        DeleteRecordsPartition::default().with_partition_index(partition.partition).with_offset(*offset)
    };
    for (leader, topics) in by_leader(cluster, before, |(partition, _)| partition)? {
        let topic = |(name, partitions): (Arc<str>, Vec<_>)| {
            DeleteRecordsTopic::default()
                .with_name(TopicName(text(&name)))
                .with_partitions(partitions.iter().map(asked).collect())
        };
        let request = DeleteRecordsRequest::default()
            .with_topics(topics.into_iter().map(topic).collect())
            .with_timeout_ms(DELETE_TIMEOUT_MS);
        for topic in cluster.ask(leader, &request, DELETE_RECORDS_VERSION)?.topics {
            for partition in topic.partitions {
                checked(partition.error_code)?;
            }
        }
    }
    Ok(())
}

/// Answers in the order of the question; one that the broker left out is as good as an unknown partition.
fn in_order<T: Clone>(asked: &[TopicPartition], answers: &HashMap<TopicPartition, T>) -> Result<Vec<T>, KafkaError> {
    let answer = |partition| {
        let found: Option<&T> = answers.get(partition);
        found.cloned().ok_or_else(|| KafkaError::answer(kafka::UNKNOWN_TOPIC_OR_PARTITION))
    };
    asked.iter().map(answer).collect()
}
