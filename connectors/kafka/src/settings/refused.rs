//! Settings that would break exactly-once or the engine's own handling, each with its reason.

const MEMBERSHIP: &str = "the engine speaks the group protocol itself; use its own settings";
const POSITIONS: &str = "input positions are committed by the engine, inside the transaction";
const NO_TLS: &str = "the group and admin connections speak plaintext only so far, TLS and SASL come later; \
                      use a plaintext listener";

/// Settings the engine keeps for itself: bare name, values that are harmless, reason.
pub(super) const REFUSED: [(&str, &[&str], &str); 30] = [
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
    ("security.protocol", &["plaintext", "PLAINTEXT"], NO_TLS),
    ("sasl.mechanism", &[], NO_TLS),
    ("sasl.mechanisms", &[], NO_TLS),
    ("test.mock.num.brokers", &[], "it replaces the cluster by a mock"),
];
