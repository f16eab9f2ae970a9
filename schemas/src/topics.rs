//! `topics.yaml` as values.

use serde::Deserialize;
use std::sync::LazyLock;

/// How a topic sheds old records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cleanup {
    /// By age.
    Delete,
    /// All but the newest of each key.
    Compact,
}

impl Cleanup {
    /// Kafka's `cleanup.policy`.
    pub const fn policy(self) -> &'static str {
        match self {
            Cleanup::Delete => "delete",
            Cleanup::Compact => "compact",
        }
    }
}

/// A topic as the contract has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Name.
    pub name: String,
    /// What the record key holds.
    pub key: String,
    /// Full names of the events in it; none for a dead-letter topic, whose values are bytes as they came.
    pub events: Vec<String>,
    /// Number of partitions.
    pub partitions: i32,
    /// Replicas in production.
    pub replication: i32,
    /// `min.insync.replicas` in production.
    pub min_insync_replicas: i32,
    /// How old records go.
    pub cleanup: Cleanup,
    /// `retention.ms`; `None` for a compacted topic.
    pub retention_ms: Option<i64>,
    /// Role that is responsible.
    pub owner: String,
    /// Roles and outside programs that may write.
    pub writers: Vec<String>,
    /// Topic that takes what cannot be processed.
    pub dead_letter: Option<String>,
}

impl Topic {
    /// Configuration to create it with; `min.insync.replicas` is left to the caller, who knows how many brokers run.
    pub fn configs(&self) -> Vec<(String, String)> {
        let mut configs = vec![("cleanup.policy".to_owned(), self.cleanup.policy().to_owned())];
        if let Some(ms) = self.retention_ms {
            configs.push(("retention.ms".to_owned(), ms.to_string()));
        }
        configs
    }

    /// The topic that takes what cannot be processed from this one, if outsiders write it.
    fn dead_letter_topic(&self, retention_hours: i64) -> Option<Topic> {
        let name = self.dead_letter.clone()?;
        let (cleanup, retention_ms) = (Cleanup::Delete, Some(retention_hours * HOUR_MS));
        let writers = vec!["every reader".to_owned()];
        Some(Topic { name, events: vec![], cleanup, retention_ms, writers, dead_letter: None, ..self.clone() })
    }
}

const HOUR_MS: i64 = 3_600_000;

/// All topics in the order of `topics.yaml`, each followed by its dead-letter topic.
pub fn topics() -> &'static [Topic] {
    static TOPICS: LazyLock<Vec<Topic>> = LazyLock::new(|| {
        let file: File =
            serde_norway::from_str(include_str!("../topics.yaml")).expect("a test reads the same file at build time");
        file.into_topics()
    });
    &TOPICS
}

/// The topic of that name.
pub fn topic(name: &str) -> Option<&'static Topic> {
    topics().iter().find(|topic| topic.name == name)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    defaults: Defaults,
    topics: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Defaults {
    replication: i32,
    min_insync_replicas: i32,
    partitions: i32,
    dead_letter_retention_hours: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    key: String,
    #[serde(rename = "message")]
    _message: String,
    events: Vec<String>,
    partitions: Option<i32>,
    cleanup: Cleanup,
    retention_hours: Option<i64>,
    owner: String,
    writers: Vec<String>,
    dead_letter: bool,
}

impl File {
    fn into_topics(self) -> Vec<Topic> {
        let defaults = self.defaults;
        let both = |entry: Entry| {
            let topic = entry.into_topic(&defaults);
            let dead_letter = topic.dead_letter_topic(defaults.dead_letter_retention_hours);
            [Some(topic), dead_letter].into_iter().flatten()
        };
        self.topics.into_iter().flat_map(both).collect()
    }
}

impl Entry {
    fn into_topic(self, defaults: &Defaults) -> Topic {
        Topic {
            dead_letter: self.dead_letter.then(|| format!("{}.dead-letter", self.name)),
            name: self.name,
            key: self.key,
            events: self.events,
            partitions: self.partitions.unwrap_or(defaults.partitions),
            replication: defaults.replication,
            min_insync_replicas: defaults.min_insync_replicas,
            cleanup: self.cleanup,
            retention_ms: self.retention_hours.map(|hours| hours * HOUR_MS),
            owner: self.owner,
            writers: self.writers,
        }
    }
}
