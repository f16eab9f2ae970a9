//! Topics: which exist, with how many partitions and which settings; new ones.

use super::checked;
use crate::KafkaError;
use crate::error::kafka;
use crate::wire::{Cluster, text};
use comanda_streams::broker::{NewTopic, TopicDescription, TopicPartition};
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::{CreateTopicsRequest, DescribeConfigsRequest, TopicName};
use std::collections::HashMap;

const CREATE_VERSION: i16 = 5;
const DESCRIBE_CONFIGS_VERSION: i16 = 4;
/// How long the controller may take to bring the partitions up.
const CREATE_TIMEOUT_MS: i32 = 15_000;
/// Kafka's resource type of a topic.
const TOPIC_RESOURCE: i8 = 2;

pub(super) fn describe(cluster: &mut Cluster, names: &[&str]) -> Result<Vec<Option<TopicDescription>>, KafkaError> {
    let mut found = HashMap::new();
    for topic in existing(cluster, names)? {
        let name = topic.name.map(|name| name.to_string()).unwrap_or_default();
        let partitions = i32::try_from(topic.partitions.len()).expect("the protocol counts partitions in 32 bits");
        found.insert(name.clone(), TopicDescription { name, id: topic.topic_id.into_bytes(), partitions });
    }
    Ok(names.iter().map(|name| found.get(*name).cloned()).collect())
}

pub(super) fn list(cluster: &mut Cluster) -> Result<Vec<String>, KafkaError> {
    let answer = cluster.metadata(None)?;
    Ok(answer.topics.into_iter().filter_map(|topic| topic.name).map(|name| name.to_string()).collect())
}

/// Leaders of all partitions of the topics that exist among `names`.
pub(super) fn leaders(cluster: &mut Cluster, names: &[&str]) -> Result<HashMap<TopicPartition, i32>, KafkaError> {
    let mut leaders = HashMap::new();
    for topic in existing(cluster, names)? {
        let name: std::sync::Arc<str> = topic.name.as_deref().map_or("", |name| name.as_str()).into();
        for partition in &topic.partitions {
            leaders.insert(TopicPartition::new(name.clone(), partition.partition_index), partition.leader_id.0);
        }
    }
    Ok(leaders)
}

/// Creates topics at the controller; those that exist are passed over.
pub(super) fn create(cluster: &mut Cluster, new: &[NewTopic]) -> Result<(), KafkaError> {
    let names: Vec<&str> = new.iter().map(|topic| topic.name.as_str()).collect();
    existing(cluster, &names)?; // names the controller
    let request = CreateTopicsRequest::default()
        .with_topics(new.iter().map(creatable).collect::<Result<_, _>>()?)
        .with_timeout_ms(CREATE_TIMEOUT_MS);
    for result in cluster.ask_controller(&request, CREATE_VERSION)?.topics {
        match (result.error_code, result.error_message) {
            (0 | kafka::TOPIC_ALREADY_EXISTS, _) => {}
            (code, None) => return Err(KafkaError::answer(code)),
            (code, Some(words)) => {
                return Err(KafkaError::Answer { code, reason: format!("{}: {words}", result.name.as_str()) });
            }
        }
    }
    Ok(())
}

fn creatable(topic: &NewTopic) -> Result<CreatableTopic, KafkaError> {
    let config = |(name, value): &(String, String)| {
        CreatableTopicConfig::default().with_name(text(name)).with_value(Some(text(value)))
    };
    Ok(CreatableTopic::default()
        .with_name(TopicName(text(&topic.name)))
        .with_num_partitions(topic.partitions)
        .with_replication_factor(
            i16::try_from(topic.replication).map_err(|_| KafkaError::answer(kafka::INVALID_REPLICATION_FACTOR))?,
        )
        .with_configs(topic.configs.iter().map(config).collect()))
}

/// Whether metadata shows every topic with a leader for each partition: only then can clients use it.
pub(super) fn all_led(cluster: &mut Cluster, names: &[&str]) -> Result<(), KafkaError> {
    let topics = existing(cluster, names)?;
    let led = |topic: &MetadataResponseTopic| {
        !topic.partitions.is_empty() && topic.partitions.iter().all(|partition| partition.leader_id.0 >= 0)
    };
    let ready = topics.len() == names.len() && topics.iter().all(led);
    if ready { Ok(()) } else { Err(KafkaError::answer(kafka::LEADER_NOT_AVAILABLE)) }
}

pub(super) fn config(cluster: &mut Cluster, topic: &str, name: &str) -> Result<Option<String>, KafkaError> {
    let resource = DescribeConfigsResource::default()
        .with_resource_type(TOPIC_RESOURCE)
        .with_resource_name(text(topic))
        .with_configuration_keys(Some(vec![text(name)]));
    let request = DescribeConfigsRequest::default().with_resources(vec![resource]);
    for result in cluster.ask_any(&request, DESCRIBE_CONFIGS_VERSION)?.results {
        checked(result.error_code)?;
        if let Some(config) = result.configs.into_iter().find(|config| &*config.name == name) {
            return Ok(config.value.map(|value| value.to_string()));
        }
    }
    Ok(None)
}

/// Metadata of the topics that exist among `names`.
fn existing(cluster: &mut Cluster, names: &[&str]) -> Result<Vec<MetadataResponseTopic>, KafkaError> {
    if names.is_empty() {
        return Ok(Vec::new()); // an empty list would stand for all topics before version 1
    }
    let mut topics = Vec::new();
    for topic in cluster.metadata(Some(names))?.topics {
        match topic.error_code {
            // A partition without a leader is told apart where leaders matter.
            0 | kafka::LEADER_NOT_AVAILABLE => topics.push(topic),
            kafka::UNKNOWN_TOPIC_OR_PARTITION => {}
            code => return Err(KafkaError::answer(code)),
        }
    }
    Ok(topics)
}
