//! Settings that would break exactly-once or the engine's own handling, each with its reason.

const MEMBERSHIP: &str = "the engine speaks the group protocol itself; use its own settings";
const POSITIONS: &str = "input positions are committed by the engine, inside the transaction";

/// Settings the engine keeps for itself: bare name, values that are harmless, reason.
pub(super) const REFUSED: [(&str, &[&str], &str); 27] = [
    ("bootstrap.servers", &[], "it is a field of its own: bootstrap_servers"),
    ("metadata.broker.list", &[], "it is a field of its own: bootstrap_servers"),
    ("isolation.level", &["read_committed"], "uncommitted input breaks exactly-once"),
    ("enable.auto.commit", &["false"], POSITIONS),
    ("auto.commit.enable", &["false"], POSITIONS),
    ("auto.commit.interval.ms", &[], POSITIONS),
    ("enable.auto.offset.store", &["false"], POSITIONS),
    ("offset.store.method", &[], POSITIONS),
    ("auto.offset.reset", &["error"], "a position outside the log is the engine's decision; set it on the source"),
    ("enable.partition.eof", &["true"], "restore finds a log's end by it"),
    ("group.id", &[], "it is the application id"),
    ("group.instance.id", &[], MEMBERSHIP),
    ("group.protocol", &[], MEMBERSHIP),
    ("group.protocol.type", &[], MEMBERSHIP),
    ("group.remote.assignor", &[], MEMBERSHIP),
    ("partition.assignment.strategy", &[], MEMBERSHIP),
    ("session.timeout.ms", &[], MEMBERSHIP),
    ("heartbeat.interval.ms", &[], MEMBERSHIP),
    ("max.poll.interval.ms", &[], MEMBERSHIP),
    ("transactional.id", &[], "it is kept per thread slot in the state directory, so that a restart fences at once"),
    ("enable.idempotence", &["true"], "without it a retry writes records twice"),
    ("acks", &["all", "-1"], "fewer acknowledgements lose committed records"),
    ("request.required.acks", &["all", "-1"], "fewer acknowledgements lose committed records"),
    ("delivery.report.only.error", &["false"], "change-log offsets come from delivery reports"),
    ("enable.gapless.guarantee", &["false"], "it breaks the producer where the engine aborts and goes on"),
    ("log.queue", &["false"], "nobody reads that queue"),
    ("test.mock.num.brokers", &[], "it replaces the cluster by a mock"),
];

const OWN_CONNECTIONS: &str = "the group and admin connections do not have it: only given to librdkafka's clients, by the \
                               prefixes main.consumer., restore.consumer., global.consumer. or producer., is it taken";
const ALWAYS_CHECKED: &str = "the group and admin connections always check the broker's certificate and its name; \
                              name the authority in ssl.ca.location";
const PLAIN_KEYS: &str = "the group and admin connections read unencrypted PEM keys only: ssl.key.location";

/// Settings of security that librdkafka has and the own connections do not: to ignore one would be to connect otherwise
/// than told. Bare name, values that are harmless, reason.
pub(super) const NOT_ON_OWN_CONNECTIONS: [(&str, &[&str], &str); 18] = [
    ("enable.ssl.certificate.verification", &["true"], ALWAYS_CHECKED),
    ("ssl.endpoint.identification.algorithm", &["https"], ALWAYS_CHECKED),
    ("ssl.key.password", &[], PLAIN_KEYS),
    ("ssl.keystore.location", &[], PLAIN_KEYS),
    ("ssl.keystore.password", &[], PLAIN_KEYS),
    ("ssl.cipher.suites", &[], OWN_CONNECTIONS),
    ("ssl.curves.list", &[], OWN_CONNECTIONS),
    ("ssl.sigalgs.list", &[], OWN_CONNECTIONS),
    ("ssl.crl.location", &[], OWN_CONNECTIONS),
    ("ssl.ca.certificate.stores", &[], OWN_CONNECTIONS),
    ("ssl.providers", &[], OWN_CONNECTIONS),
    ("ssl.engine.location", &[], OWN_CONNECTIONS),
    ("ssl.engine.id", &[], OWN_CONNECTIONS),
    ("sasl.kerberos.service.name", &[], OWN_CONNECTIONS),
    ("sasl.kerberos.principal", &[], OWN_CONNECTIONS),
    ("sasl.kerberos.keytab", &[], OWN_CONNECTIONS),
    ("sasl.oauthbearer.method", &[], OWN_CONNECTIONS),
    ("sasl.oauthbearer.config", &[], OWN_CONNECTIONS),
];
