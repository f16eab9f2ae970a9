//! Whether an internal topic that exists keeps its records as long as the application needs them.

use super::retry;
use crate::broker::Admin;
use crate::membership::LeaderError;

const POLICY: &str = "cleanup.policy";
const RETENTION: &str = "retention.ms";
/// Kafka's word for "for ever".
const FOR_EVER: i64 = -1;

/// Compares a topic with what it would be made with, as Kafka Streams' `InternalTopicManager` does: a compacted repartition
/// topic would lose records that were not read, a change log that deletes would lose state. What keeps more is taken.
pub(super) fn check(admin: &mut dyn Admin, topic: &str, wanted: &[(String, String)]) -> Result<(), LeaderError> {
    let told = |name: &str| wanted.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
    let Some(policy) = admin.topic_config(topic, POLICY).map_err(retry)? else { return Ok(()) };
    let refused = |name: &str, found: &str, needed: &str| {
        Err(LeaderError::Report(format!(
            "internal topic `{topic}` has {name}={found} but {name}={needed} is needed, else records would be lost: change \
             it, or delete the topic if the application may start over"
        )))
    };
    if !is_safe(&policy, told(POLICY)) {
        return refused(POLICY, &policy, told(POLICY));
    }
    let needed_ms = told(RETENTION).parse().ok().filter(|_| has(&policy, "delete"));
    let Some(needed_ms) = needed_ms else { return Ok(()) };
    let Some(found) = admin.topic_config(topic, RETENTION).map_err(retry)? else { return Ok(()) };
    if found.parse().is_ok_and(|kept_ms: i64| keeps(kept_ms, needed_ms)) {
        return Ok(());
    }
    refused(RETENTION, &found, told(RETENTION))
}

fn has(policy: &str, word: &str) -> bool {
    policy.split(',').any(|found| found.trim() == word)
}

/// Whether a topic's policy loses nothing that the wanted one keeps.
fn is_safe(policy: &str, wanted: &str) -> bool {
    let allowed = |word: &str| !has(policy, word) || has(wanted, word);
    allowed("compact") && allowed("delete")
}

fn keeps(kept_ms: i64, needed_ms: i64) -> bool {
    kept_ms == FOR_EVER || (needed_ms != FOR_EVER && kept_ms >= needed_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_may_keep_more_but_not_less() {
        let safe = [("compact", "compact"), ("delete", "delete"), ("compact", "compact,delete")];
        for (found, wanted) in
            [&safe[..], &[("delete, compact", "compact,delete"), ("delete", "compact,delete")]].concat()
        {
            assert!(is_safe(found, wanted), "{found} for {wanted}");
        }
        for (found, wanted) in [("delete", "compact"), ("compact,delete", "compact"), ("compact", "delete")] {
            assert!(!is_safe(found, wanted), "{found} for {wanted}");
        }
    }

    #[test]
    fn a_retention_may_be_longer_but_not_shorter() {
        assert!(keeps(-1, -1) && keeps(-1, 5) && keeps(5, 5) && keeps(6, 5));
        assert!(!keeps(4, 5) && !keeps(i64::MAX, -1));
    }
}
