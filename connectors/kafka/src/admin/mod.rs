//! The port's administrative calls, on the crate's own connections.

mod offsets;
mod topics;

use crate::KafkaError;
use crate::error::kafka;
use crate::wire::{Cluster, Endpoint};
use comanda_streams::broker::{
    Admin, BrokerError, ErrorKind, Isolation, NewTopic, OffsetAndMetadata, OffsetSpec, TopicDescription, TopicPartition,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A call is repeated for so long while what hinders it may pass (an election, a coordinator loading, an open
/// transaction on the offsets asked for: that ends by the transaction's time-out, 10 s, and the broker's sweep, 10 s).
const CALL_LIMIT: Duration = Duration::from_secs(30);
/// Pause between repetitions: doubled from the first to the second.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// An administrative client.
pub(crate) struct KafkaAdmin {
    cluster: Cluster,
}

impl KafkaAdmin {
    /// Connects when first asked something.
    pub(crate) fn new(endpoint: Endpoint) -> Self {
        Self { cluster: Cluster::new(endpoint) }
    }

    fn repeating<T>(
        &mut self,
        attempt: impl FnOnce() -> String,
        mut call: impl FnMut(&mut Cluster) -> Result<T, KafkaError>,
    ) -> Result<T, BrokerError> {
        let deadline = Instant::now() + CALL_LIMIT;
        let mut pause = FIRST_PAUSE;
        loop {
            match call(&mut self.cluster) {
                Ok(value) => return Ok(value),
                Err(error) if error.kind() != ErrorKind::Retriable || Instant::now() >= deadline => {
                    return Err(error.during(attempt()));
                }
                Err(error) => tracing::debug!(%error, "administrative call repeated"),
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

impl Admin for KafkaAdmin {
    fn describe_topics(&mut self, names: &[&str]) -> Result<Vec<Option<TopicDescription>>, BrokerError> {
        self.repeating(|| format!("describe topics {}", names.join(",")), |cluster| topics::describe(cluster, names))
    }

    fn list_topics(&mut self) -> Result<Vec<String>, BrokerError> {
        self.repeating(|| "list topics".to_owned(), topics::list)
    }

    fn create_topics(&mut self, new: &[NewTopic]) -> Result<(), BrokerError> {
        if new.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = new.iter().map(|topic| topic.name.as_str()).collect();
        let attempt = || format!("create topics {}", names.join(","));
        self.repeating(attempt, |cluster| topics::create(cluster, new))?;
        self.repeating(attempt, |cluster| topics::all_led(cluster, &names))
    }

    fn topic_config(&mut self, topic: &str, name: &str) -> Result<Option<String>, BrokerError> {
        self.repeating(|| format!("read {name} of topic {topic}"), |cluster| topics::config(cluster, topic, name))
    }

    fn list_offsets(
        &mut self,
        partitions: &[TopicPartition],
        spec: OffsetSpec,
        isolation: Isolation,
    ) -> Result<Vec<i64>, BrokerError> {
        let attempt = || format!("list offsets ({spec:?}) of {}", named(partitions));
        self.repeating(attempt, |cluster| offsets::list(cluster, partitions, spec, isolation))
    }

    fn committed_offsets(
        &mut self,
        group_id: &str,
        partitions: &[TopicPartition],
    ) -> Result<Vec<Option<OffsetAndMetadata>>, BrokerError> {
        let attempt = || format!("fetch offsets of group {group_id} for {}", named(partitions));
        self.repeating(attempt, |cluster| offsets::committed(cluster, group_id, partitions))
    }

    fn delete_records(&mut self, before: &[(TopicPartition, i64)]) -> Result<(), BrokerError> {
        let attempt = || format!("delete records of {}", named(before.iter().map(|(partition, _)| partition)));
        self.repeating(attempt, |cluster| offsets::delete_before(cluster, before))
    }
}

fn named<'a>(partitions: impl IntoIterator<Item = &'a TopicPartition>) -> String {
    partitions.into_iter().map(TopicPartition::to_string).collect::<Vec<_>>().join(",")
}

/// Things about partitions, by topic.
type ByTopic<'a, T> = BTreeMap<Arc<str>, Vec<&'a T>>;

/// Splits things about partitions by the partitions' leaders, who alone answer for them.
fn by_leader<'a, T>(
    cluster: &mut Cluster,
    things: &'a [T],
    partition_of: impl Fn(&T) -> &TopicPartition,
) -> Result<BTreeMap<i32, ByTopic<'a, T>>, KafkaError> {
    let mut names: Vec<&str> = things.iter().map(|thing| &*partition_of(thing).topic).collect();
    names.sort_unstable();
    names.dedup();
    let leaders = topics::leaders(cluster, &names)?;
    let mut split: BTreeMap<i32, ByTopic<'a, T>> = BTreeMap::new();
    for thing in things {
        let partition = partition_of(thing);
        let leader = leaders.get(partition).ok_or_else(|| KafkaError::answer(kafka::UNKNOWN_TOPIC_OR_PARTITION))?;
        split.entry(*leader).or_default().entry(partition.topic.clone()).or_default().push(thing);
    }
    Ok(split)
}

/// Splits partitions by topic.
fn by_topic(partitions: &[TopicPartition]) -> ByTopic<'_, TopicPartition> {
    let mut split: ByTopic<'_, TopicPartition> = BTreeMap::new();
    for partition in partitions {
        split.entry(partition.topic.clone()).or_default().push(partition);
    }
    split
}

fn checked(code: i16) -> Result<(), KafkaError> {
    if code == 0 { Ok(()) } else { Err(KafkaError::answer(code)) }
}
