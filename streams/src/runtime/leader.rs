//! The leader's duty: create and validate internal topics, then say who runs what.

mod keeping;

use super::shared::Shared;
use crate::broker::{Admin, BrokerError, ErrorKind, Isolation, MemberAssignment, NewTopic, OffsetSpec, TopicPartition};
use crate::config::{ErrorHandler, StreamsConfig};
use crate::membership::{AssignorConfig, GroupMember, LeaderError, Round, Subscription, TaskSpec, assign};
use crate::task::dead_letter_topic;
use crate::task_id::TaskId;
use crate::topology::{ChangelogTopic, RepartitionTopic, SubTopology};
use std::collections::BTreeMap;

/// A broker that stamps records on arrival would change event times behind a repartition and after a restore.
const EVENT_TIME: (&str, &str) = ("message.timestamp.type", "CreateTime");

/// Makes the plan of one generation.
pub(super) fn plan(
    shared: &Shared,
    admin: &mut dyn Admin,
    generation: i32,
    members: Vec<(String, Subscription)>,
) -> Result<Vec<MemberAssignment>, LeaderError> {
    let mut topics = Topics::new(shared, admin)?;
    topics.size_repartition_topics()?;
    topics.check_copartitioning()?;
    topics.create_internal(admin)?;
    let tasks = topics.tasks(admin)?;
    let members: Vec<GroupMember> =
        members.into_iter().map(|(member_id, subscription)| GroupMember { member_id, subscription }).collect();
    let config = AssignorConfig {
        num_standby_replicas: shared.config.num_standby_replicas,
        // Without warm-ups a task moves at once and its new owner restores: warm-ups need standbys to be kept.
        max_warmup_replicas: 0,
        acceptable_recovery_lag: i64::MAX,
    };
    let round = Round { generation, topology: shared.topology.fingerprint() };
    let plan = assign(&members, &tasks, &config, round);
    Ok(plan.encode(|task| external_inputs(shared, task)))
}

fn external_inputs(shared: &Shared, task: TaskId) -> Vec<TopicPartition> {
    shared.input_partitions(task)
}

/// Partition counts by topic, known or decided.
struct Topics<'a> {
    shared: &'a Shared,
    partitions: BTreeMap<String, i32>,
    existing: BTreeMap<String, i32>,
}

impl<'a> Topics<'a> {
    /// Looks at all topics the application names. A missing source is an error that names it.
    fn new(shared: &'a Shared, admin: &mut dyn Admin) -> Result<Self, LeaderError> {
        let sources = shared.topology.source_topics();
        let internal = internal_names(shared);
        let letters: Vec<String> = if writes_dead_letters(shared) { dead_letter_names(shared) } else { vec![] };
        let names: Vec<&str> = sources.iter().chain(&internal).chain(&letters).map(String::as_str).collect();
        let found = admin.describe_topics(&names).map_err(retry)?;
        let existing: BTreeMap<String, i32> =
            found.into_iter().flatten().map(|topic| (topic.name, topic.partitions)).collect();
        for source in &sources {
            if !existing.contains_key(source) {
                let app = &shared.config.application_id;
                return Err(LeaderError::Report(format!("source topic `{source}` of application `{app}` is missing")));
            }
        }
        let known = |name: &String| Some((name.clone(), *existing.get(name)?));
        Ok(Self { shared, partitions: sources.iter().filter_map(known).collect(), existing })
    }

    fn parts(&self) -> &'a [SubTopology] {
        self.shared.topology.sub_topologies()
    }

    fn app(&self) -> &'a str {
        &self.shared.config.application_id
    }

    /// A repartition topic has the partitions given, those of a topic of known size that it is joined with, or as many as
    /// the largest topic that feeds it or another one that it is joined with: found from the sources on.
    fn size_repartition_topics(&mut self) -> Result<(), LeaderError> {
        let all: Vec<&RepartitionTopic> = self.parts().iter().flat_map(|part| &part.repartitions).collect();
        let given: Vec<(String, i32)> =
            all.iter().filter_map(|topic| Some((topic.topic.resolve(self.app()), topic.partitions?))).collect();
        self.partitions.extend(given);
        let mut open = all.clone();
        open.retain(|topic| topic.partitions.is_none());
        while !open.is_empty() {
            let before = open.len();
            open.retain(|topic| {
                let Some(count) = self.count_for(topic, &all) else { return true };
                self.partitions.insert(topic.topic.resolve(self.app()), count);
                false
            });
            if open.len() == before {
                let names: Vec<String> = open.iter().map(|topic| topic.topic.resolve(self.app())).collect();
                return Err(LeaderError::Report(format!("cannot tell the partition count of {}", names.join(", "))));
            }
        }
        Ok(())
    }

    /// The partition count of a repartition topic without one of its own, once it can be told; the same for all that are
    /// joined, whichever is asked for first.
    fn count_for(&self, topic: &RepartitionTopic, all: &[&RepartitionTopic]) -> Option<i32> {
        let name = topic.topic.resolve(self.app());
        let groups = self.shared.topology.copartition_groups(self.app());
        let joined: Vec<String> = groups
            .into_iter()
            .filter(|(_, topics)| topics.contains(&name))
            .flat_map(|(_, topics)| topics)
            .chain([name.clone()])
            .collect();
        let known = joined.iter().filter_map(|topic| self.partitions.get(topic)).max();
        known.copied().or_else(|| {
            let together = all.iter().filter(|other| joined.contains(&other.topic.resolve(self.app())));
            let largest: Option<Vec<i32>> = together.map(|topic| self.largest_source(topic)).collect();
            largest?.into_iter().max()
        })
    }

    fn largest_source(&self, topic: &RepartitionTopic) -> Option<i32> {
        let counts: Option<Vec<i32>> =
            topic.fed_by.iter().map(|source| self.partitions.get(&source.resolve(self.app())).copied()).collect();
        counts?.into_iter().max()
    }

    /// Topics that are joined need equal partition counts; the error names both.
    fn check_copartitioning(&self) -> Result<(), LeaderError> {
        for (node, topics) in self.shared.topology.copartition_groups(self.app()) {
            let counts: Vec<(&String, i32)> =
                topics.iter().filter_map(|topic| Some((topic, *self.partitions.get(topic)?))).collect();
            let Some(((first, expected), others)) = counts.split_first().map(|(a, b)| (*a, b)) else { continue };
            if let Some((other, count)) = others.iter().find(|(_, count)| *count != expected) {
                return Err(LeaderError::Report(format!(
                    "`{node}` joins `{first}` with {expected} partitions and `{other}` with {count}: they must be equal"
                )));
            }
        }
        Ok(())
    }

    fn tasks_of(&self, part: &SubTopology) -> i32 {
        let counts = part.source_topics.iter().filter_map(|topic| self.partitions.get(&topic.resolve(self.app())));
        counts.max().copied().unwrap_or(0)
    }

    /// Creates what is missing, and refuses what exists with another partition count or loses records too soon.
    fn create_internal(&self, admin: &mut dyn Admin) -> Result<(), LeaderError> {
        let mut missing = vec![];
        for part in self.parts() {
            for repartition in &part.repartitions {
                let name = repartition.topic.resolve(self.app());
                let count = self.partitions.get(&name).copied().unwrap_or(1);
                missing.extend(self.needed(admin, &name, count, repartition_configs())?);
            }
            for changelog in &part.changelogs {
                let name = changelog.topic.resolve(self.app());
                let configs = changelog_configs(changelog, &self.shared.config);
                missing.extend(self.needed(admin, &name, self.tasks_of(part), configs)?);
            }
        }
        missing.extend(self.missing_dead_letters());
        if missing.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = missing.iter().map(|topic| topic.name.as_str()).collect();
        tracing::info!(topics = ?names, "creating topics");
        admin.create_topics(&missing).map_err(retry)
    }

    /// Topics for bad input, as wide as what they belong to. Whoever wants another width makes them first.
    fn missing_dead_letters(&self) -> Vec<NewTopic> {
        if !writes_dead_letters(self.shared) {
            return vec![];
        }
        let sources = self.parts().iter().flat_map(|part| &part.source_topics).map(|topic| topic.resolve(self.app()));
        let missing = sources
            .map(|source| (dead_letter_topic(&source), source))
            .filter(|(name, _)| !self.existing.contains_key(name));
        let topic = |(name, source): (String, String)| NewTopic {
            name,
            partitions: self.partitions.get(&source).copied().unwrap_or(1),
            replication: self.shared.config.replication_factor,
            configs: vec![],
        };
        missing.map(topic).collect()
    }

    fn needed(
        &self,
        admin: &mut dyn Admin,
        name: &str,
        partitions: i32,
        configs: Vec<(String, String)>,
    ) -> Result<Option<NewTopic>, LeaderError> {
        match self.existing.get(name) {
            Some(count) if *count == partitions => keeping::check(admin, name, &configs).map(|()| None),
            Some(count) => Err(LeaderError::Report(format!(
                "internal topic `{name}` has {count} partitions but {partitions} are needed: \
                 reset the application or restore the partition count of its sources"
            ))),
            None => {
                let replication = self.shared.config.replication_factor;
                Ok(Some(NewTopic { name: name.to_owned(), partitions, replication, configs }))
            }
        }
    }

    fn tasks(&self, admin: &mut dyn Admin) -> Result<Vec<TaskSpec>, LeaderError> {
        let mut tasks = vec![];
        for part in self.parts() {
            for partition in 0..self.tasks_of(part) {
                let id = TaskId { sub_topology: part.id, partition };
                let logs: Vec<TopicPartition> =
                    self.shared.changelog_partitions(id).into_iter().map(|(_, log)| log).collect();
                let ends = admin.list_offsets(&logs, OffsetSpec::Latest, Isolation::ReadUncommitted).map_err(retry)?;
                tasks.push(TaskSpec { id, stateful: !logs.is_empty(), end_offset_sum: ends.iter().sum() });
            }
        }
        Ok(tasks)
    }
}

fn internal_names(shared: &Shared) -> Vec<String> {
    let app = &shared.config.application_id;
    let parts = shared.topology.sub_topologies().iter();
    parts
        .flat_map(|part| {
            let changelogs = part.changelogs.iter().map(|log| &log.topic);
            changelogs.chain(part.repartitions.iter().map(|r| &r.topic)).map(|topic| topic.resolve(app))
        })
        .collect()
}

fn dead_letter_names(shared: &Shared) -> Vec<String> {
    let sources = shared.topology.sub_topologies().iter().flat_map(|part| &part.source_topics);
    sources.map(|topic| dead_letter_topic(&topic.resolve(&shared.config.application_id))).collect()
}

fn writes_dead_letters(shared: &Shared) -> bool {
    let handlers = [shared.config.deserialization_handler, shared.config.processing_handler];
    handlers.contains(&ErrorHandler::DeadLetter)
}

/// As Kafka Streams makes them: kept until purged.
fn repartition_configs() -> Vec<(String, String)> {
    configs(&[("cleanup.policy", "delete"), ("retention.ms", "-1"), ("segment.bytes", "52428800"), EVENT_TIME])
}

/// Compacted; windows are also deleted when they are long gone.
fn changelog_configs(changelog: &ChangelogTopic, config: &StreamsConfig) -> Vec<(String, String)> {
    match changelog.retention_ms {
        None => configs(&[("cleanup.policy", "compact"), EVENT_TIME]),
        Some(retention_ms) => {
            let additional_ms = config.windowstore_changelog_additional_retention_ms;
            let kept_ms = retention_ms.saturating_add(additional_ms).to_string();
            configs(&[("cleanup.policy", "compact,delete"), ("retention.ms", &kept_ms), EVENT_TIME])
        }
    }
}

fn configs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// A failed call is tried again by the group, unless the cluster refuses it for good.
fn retry(error: BrokerError) -> LeaderError {
    match error.kind {
        ErrorKind::Fatal => LeaderError::Report(error.to_string()),
        _ => LeaderError::Retry(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::TopicName;

    /// A real broker cannot tell: `CreateTime` is its default too.
    #[test]
    fn all_internal_topics_keep_event_times_whatever_the_broker_s_default() {
        let log = |retention_ms| ChangelogTopic {
            store: "s".to_owned(),
            topic: TopicName::Internal("s-changelog".to_owned()),
            retention_ms,
        };
        let config = StreamsConfig::new("app", "");
        let changelog = |retention_ms| changelog_configs(&log(retention_ms), &config);
        for configs in [repartition_configs(), changelog(None), changelog(Some(1))] {
            assert!(configs.contains(&("message.timestamp.type".to_owned(), "CreateTime".to_owned())), "{configs:?}");
        }
    }

    #[test]
    fn a_windowed_change_log_outlives_its_store_by_as_much_as_is_asked() {
        let config =
            StreamsConfig { windowstore_changelog_additional_retention_ms: 5, ..StreamsConfig::new("app", "") };
        let topic = TopicName::Internal("s-changelog".to_owned());
        let changelog = ChangelogTopic { store: "s".to_owned(), topic, retention_ms: Some(10) };
        let configs = changelog_configs(&changelog, &config);
        assert!(configs.contains(&("retention.ms".to_owned(), "15".to_owned())), "{configs:?}");
    }
}
