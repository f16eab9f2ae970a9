//! librdkafka settings: the engine's defaults, what the embedder passes through, and what is refused.

mod refused;
mod security;

use crate::KafkaError;
use crate::wire::Endpoint;
use comanda_streams::broker::ConsumerRole;
use refused::{NOT_ON_OWN_CONNECTIONS, REFUSED};
use std::fmt;
use std::time::Duration;

/// How to reach a cluster, and librdkafka settings passed through.
#[derive(Clone)]
pub struct KafkaSettings {
    /// `host:port`, comma-separated.
    pub bootstrap_servers: String,
    /// Settings in librdkafka's names, in order. `main.consumer.`, `restore.consumer.`, `global.consumer.`, `producer.`
    /// and `admin.` before a name give it to one kind of client; a bare name is for all.
    pub passthrough: Vec<(String, String)>,
}

impl fmt::Debug for KafkaSettings {
    /// Without secrets: settings end up in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.passthrough.iter().map(|(key, value)| (key, shown(key, value)));
        f.debug_struct("KafkaSettings")
            .field("bootstrap_servers", &self.bootstrap_servers)
            .field("passthrough", &shown.collect::<Vec<_>>())
            .finish()
    }
}

/// A value as messages may show it.
pub(crate) fn shown<'v>(key: &str, value: &'v str) -> &'v str {
    let secret = ["password", ".pem", "client.secret", "sasl.jaas.config"];
    if secret.iter().any(|part| key.contains(part)) && !value.is_empty() { "…" } else { value }
}

/// Kinds of client that settings are made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientKind {
    /// A consumer.
    Consumer(ConsumerRole),
    /// A producer.
    Producer,
    /// The crate's own connections: admin calls and group membership.
    Admin,
}

const PREFIXES: [(&str, ClientKind); 5] = [
    ("main.consumer.", ClientKind::Consumer(ConsumerRole::Main)),
    ("restore.consumer.", ClientKind::Consumer(ConsumerRole::Restore)),
    ("global.consumer.", ClientKind::Consumer(ConsumerRole::Global)),
    ("producer.", ClientKind::Producer),
    ("admin.", ClientKind::Admin),
];

/// Name that brokers log and count requests under, unless the embedder gives another.
const CLIENT_ID: &str = "comanda";

/// How long an answer to the own connections may take, where the embedder says nothing else.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Connects to every broker and stays so. With connections made on demand, librdkafka 2.12 may make none any more once a
/// metadata answer has named no broker at all, as a sole broker's can when it stops or starts (ADR 7).
const CONNECTED: (&str, &str) = ("enable.sparse.connections", "false");

/// What consumers start from.
const CONSUMER_DEFAULTS: [(&str, &str); 7] = [
    ("client.id", CLIENT_ID),
    CONNECTED,
    ("socket.nagle.disable", "true"),
    ("socket.keepalive.enable", "true"),
    ("reconnect.backoff.max.ms", "1000"), // the default of 10 s makes a broker's restart a stall
    ("fetch.wait.max.ms", "50"),          // an idle partition must not hold up one that was just started
    ("fetch.queue.backoff.ms", "2"),      // the default of 1 s stalls refills
];

/// How much is fetched ahead for tasks that run. All partitions share one queue, bounded by its messages and bytes; a
/// fetch under way overshoots it by its own bound, however many partitions there are. A message in the queue takes
/// several hundred bytes beside its own. A quarter of a megabyte a partition and round trip of 2 ms is 128 MB a second.
///
/// Under a trickle the broker gathers for 10 ms: a fetch, a step and a wake-up of the producer for every few records cost
/// four times the processor time, and a record waits for a commit anyway.
const MAIN_QUEUE: [(&str, &str); 6] = [
    ("fetch.min.bytes", "16384"),
    ("fetch.wait.max.ms", "10"),
    ("queued.min.messages", "10000"),
    ("queued.max.messages.kbytes", "4096"),
    ("fetch.message.max.bytes", "262144"),
    ("fetch.max.bytes", "4194304"),
];

/// The same for whoever reads one log from its beginning to its end and nothing else. A task that restores holds it
/// beside its store's memory, so it is no larger than what hides the broker's round trips.
const RESTORE_QUEUE: [(&str, &str); 3] =
    [("queued.min.messages", "20000"), ("queued.max.messages.kbytes", "4096"), ("fetch.max.bytes", "4194304")];

/// What producers start from.
const PRODUCER_DEFAULTS: [(&str, &str); 12] = [
    ("client.id", CLIENT_ID),
    CONNECTED,
    ("socket.nagle.disable", "true"),
    ("socket.keepalive.enable", "true"),
    ("reconnect.backoff.max.ms", "1000"),
    ("linger.ms", "30"),       // batches while records come; flush sends at once
    ("retry.backoff.ms", "1"), // paces transactional retries: commits p99 46 ms against 116 at the default of 100
    ("queue.buffering.max.messages", "200000"),
    ("queue.buffering.max.kbytes", "16384"), // keys and values only: librdkafka's own part comes on top
    ("batch.size", "262144"),                // a larger request costs memory several times and no less time
    // The topic's max.message.bytes decides what is too large: a record that was read compressed, or goes on with more
    // headers, may be larger than librdkafka's default of 1 MB.
    ("message.max.bytes", "10485760"),
    ("partitioner", "murmur2_random"), // only for records without key or partition; as Kafka's producers
];

/// A dead producer's open transaction holds up read_committed readers for so long.
const TRANSACTION_TIMEOUT_MS: &str = "10000";

/// A record outside a transaction is given up after so long, as Kafka's `delivery.timeout.ms`; inside one, by the
/// transaction's time-out. A flush takes no longer.
const PLAIN_DELIVERY_TIMEOUT_MS: &str = "120000";

/// What the engine relies on, over anything passed through.
const CONSUMER_FORCED: [(&str, &str); 5] = [
    ("isolation.level", "read_committed"),
    ("auto.offset.reset", "error"),
    ("enable.partition.eof", "true"),
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
];
const PRODUCER_FORCED: [(&str, &str); 2] = [("enable.idempotence", "true"), ("acks", "all")];

/// The only settings that the crate's own connections have, beside those of their security.
const ADMIN_KNOWN: [&str; 2] = ["client.id", "socket.timeout.ms"];

impl KafkaSettings {
    /// Settings for the cluster at `bootstrap_servers`, nothing passed through.
    pub fn new(bootstrap_servers: impl Into<String>) -> Self {
        Self { bootstrap_servers: bootstrap_servers.into(), passthrough: Vec::new() }
    }

    /// Passes one setting through.
    pub fn with(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.passthrough.push((key.into(), value.into()));
        self
    }

    /// Refuses what would break exactly-once or the engine's own handling.
    ///
    /// # Errors
    /// [`KafkaError::RefusedSetting`] naming the first refused key and the reason; [`KafkaError::UnknownSetting`] for a
    /// key with the `admin.` prefix that the own connections do not have.
    pub(crate) fn check(&self) -> Result<(), KafkaError> {
        for (key, value) in &self.passthrough {
            let (kind, name) = split_prefix(key);
            let reaches_own = matches!(kind, None | Some(ClientKind::Admin));
            let not_there = NOT_ON_OWN_CONNECTIONS.iter().filter(|_| reaches_own);
            if let Some((_, _, reason)) = REFUSED
                .iter()
                .chain(not_there)
                .find(|(refused, harmless, _)| *refused == name && !harmless.contains(&value.as_str()))
            {
                let value = shown(key, value).to_owned();
                return Err(KafkaError::RefusedSetting { key: key.clone(), value, reason });
            }
            let known = || ADMIN_KNOWN.contains(&name) || security::KNOWN.contains(&name);
            if kind == Some(ClientKind::Admin) && !known() {
                return Err(KafkaError::UnknownSetting { key: key.clone() });
            }
        }
        Ok(())
    }

    /// All settings of one consumer, later ones over earlier ones.
    pub(crate) fn consumer(&self, role: ConsumerRole) -> Vec<(String, String)> {
        let queue: &[(&str, &str)] = match role {
            ConsumerRole::Main => &MAIN_QUEUE,
            ConsumerRole::Restore | ConsumerRole::Global => &RESTORE_QUEUE,
        };
        self.layered(ClientKind::Consumer(role), &[&CONSUMER_DEFAULTS, queue].concat(), &CONSUMER_FORCED)
    }

    /// All settings of one producer, later ones over earlier ones.
    pub(crate) fn producer(&self, transactional_id: Option<&str>) -> Vec<(String, String)> {
        let mut defaults = PRODUCER_DEFAULTS.to_vec();
        let Some(id) = transactional_id else {
            defaults.push(("message.timeout.ms", PLAIN_DELIVERY_TIMEOUT_MS));
            return self.layered(ClientKind::Producer, &defaults, &PRODUCER_FORCED);
        };
        defaults.push(("transaction.timeout.ms", TRANSACTION_TIMEOUT_MS));
        let mut forced = PRODUCER_FORCED.to_vec();
        forced.push(("transactional.id", id));
        self.layered(ClientKind::Producer, &defaults, &forced)
    }

    /// A setting of the own connections.
    fn admin(&self, name: &str) -> Option<&str> {
        self.last_of_own(&[name])
    }

    /// The last one given of several names for one setting.
    fn last_of_own(&self, names: &[&str]) -> Option<&str> {
        self.given_to(ClientKind::Admin).filter(|(key, _)| names.contains(key)).last().map(|(_, value)| value)
    }

    /// How the own connections are made.
    pub(crate) fn endpoint(&self) -> Result<Endpoint, KafkaError> {
        let timeout = match self.admin("socket.timeout.ms") {
            None => ANSWER_TIMEOUT,
            Some(value) => Duration::from_millis(value.parse().ok().filter(|ms| *ms > 0).ok_or_else(|| {
                let (key, reason) = ("socket.timeout.ms".to_owned(), "milliseconds, from 1".to_owned());
                KafkaError::InvalidSetting { key, value: value.to_owned(), reason }
            })?),
        };
        let bootstrap = self.bootstrap_servers.split(',').map(|address| address.trim().to_owned()).collect();
        let client_id = self.admin("client.id").unwrap_or(CLIENT_ID).to_owned();
        let (tls, credentials) = security::security(self)?;
        Ok(Endpoint { bootstrap, client_id, timeout, tls, credentials })
    }

    fn layered(&self, kind: ClientKind, defaults: &[(&str, &str)], forced: &[(&str, &str)]) -> Vec<(String, String)> {
        let bootstrap = [("bootstrap.servers", self.bootstrap_servers.as_str())];
        let given: Vec<_> = self.given_to(kind).collect();
        [defaults, &given, &bootstrap, forced]
            .concat()
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect()
    }

    /// What was passed through to one kind of client: bare names first, so that prefixed ones win.
    fn given_to(&self, kind: ClientKind) -> impl Iterator<Item = (&str, &str)> {
        let all = || self.passthrough.iter().map(|(key, value)| (split_prefix(key), value.as_str()));
        let bare = all().filter(|((owner, _), _)| owner.is_none());
        let own = all().filter(move |((owner, _), _)| *owner == Some(kind));
        bare.chain(own).map(|((_, name), value)| (name, value))
    }
}

fn split_prefix(key: &str) -> (Option<ClientKind>, &str) {
    PREFIXES
        .iter()
        .find_map(|(prefix, kind)| key.strip_prefix(prefix).map(|name| (Some(*kind), name)))
        .unwrap_or((None, key))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn settings(key: &str, value: &str) -> KafkaSettings {
        KafkaSettings::new("localhost:9092").with(key, value)
    }

    fn effective(settings: &[(String, String)], key: &str) -> Option<String> {
        settings.iter().rev().find(|(k, _)| k == key).map(|(_, v)| v.clone())
    }

    #[test]
    fn a_setting_that_breaks_exactly_once_is_refused_by_name_under_every_prefix() {
        for prefix in ["", "main.consumer.", "restore.consumer.", "global.consumer.", "producer.", "admin."] {
            for (name, _, _) in REFUSED {
                let key = format!("{prefix}{name}");
                let error = settings(&key, "bad").check().unwrap_err();
                assert!(matches!(&error, KafkaError::RefusedSetting { key: named, .. } if *named == key), "{error}");
                assert!(error.to_string().contains(&key));
            }
        }
    }

    #[test]
    fn a_value_that_the_engine_uses_anyway_is_no_offence() {
        for (name, harmless, _) in REFUSED {
            for value in harmless {
                settings(name, value).check().unwrap();
            }
        }
    }

    #[test]
    fn what_the_own_connections_would_ignore_is_refused_unless_it_is_for_librdkafka_only() {
        for (name, _, _) in NOT_ON_OWN_CONNECTIONS {
            for prefix in ["", "admin."] {
                let error = settings(&format!("{prefix}{name}"), "bad").check().unwrap_err().to_string();
                assert!(error.contains(name), "{error}");
            }
            settings(&format!("producer.{name}"), "bad").check().unwrap();
        }
        settings("enable.ssl.certificate.verification", "true").check().unwrap();
    }

    #[test]
    fn secrets_are_not_shown() {
        let settings = settings("sasl.password", "hush").with("ssl.key.pem", "hush").with("sasl.username", "alice");
        let text = format!("{settings:?}");
        assert!(!text.contains("hush") && text.contains("alice"), "{text}");
        let refused = KafkaSettings::new("b").with("ssl.key.password", "hush").check().unwrap_err().to_string();
        assert!(!refused.contains("hush"), "{refused}");
    }

    #[test]
    fn a_prefixed_setting_reaches_its_clients_only_and_wins_over_a_bare_one() {
        let settings = settings("main.consumer.fetch.wait.max.ms", "7").with("fetch.wait.max.ms", "9");
        assert_eq!(effective(&settings.consumer(ConsumerRole::Main), "fetch.wait.max.ms").unwrap(), "7");
        assert_eq!(effective(&settings.consumer(ConsumerRole::Restore), "fetch.wait.max.ms").unwrap(), "9");
    }

    #[test]
    fn defaults_give_way_and_forced_settings_do_not() {
        let settings = settings("linger.ms", "3").with("enable.idempotence", "false");
        let producer = settings.producer(Some("id-0"));
        assert_eq!(effective(&producer, "linger.ms").unwrap(), "3");
        assert_eq!(effective(&producer, "enable.idempotence").unwrap(), "true");
        assert_eq!(effective(&producer, "transactional.id").unwrap(), "id-0");
        assert_eq!(effective(&settings.producer(None), "transactional.id"), None);
    }

    #[test]
    fn an_admin_setting_that_no_connection_has_is_unknown() {
        let error = settings("admin.linger.ms", "3").check().unwrap_err();
        assert!(matches!(error, KafkaError::UnknownSetting { key } if key == "admin.linger.ms"));
    }
}
