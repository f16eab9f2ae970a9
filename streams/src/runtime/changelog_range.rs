//! A log that a state is made of, as it was found: whether what is there can go on from where it stands.

use crate::broker::{Admin, BrokerError, PartitionId, TopicPartition};
use comanda_state_stores::ChangelogOrigin;

/// Kafka's own default of `delete.retention.ms`.
const DEFAULT_DELETE_RETENTION_MS: i64 = 24 * 3_600_000;

/// One partition of a change log, or of a topic that is its own.
pub(super) struct ChangelogRange {
    pub id: PartitionId,
    /// Of the topic that has the name now.
    pub topic_id: [u8; 16],
    pub partition: TopicPartition,
    /// First offset that is still there.
    pub begin: i64,
    /// High watermark: the restore's target.
    pub end: i64,
    /// How long tombstones are kept.
    pub delete_retention_ms: i64,
}

impl ChangelogRange {
    pub fn origin(&self, current_ms: i64) -> ChangelogOrigin {
        ChangelogOrigin { topic_id: self.topic_id, current_ms }
    }

    /// Why a state that stands for offset `known` cannot be brought up to date by the rest of this log, if so.
    pub fn cannot_continue(&self, known: i64, origin: Option<ChangelogOrigin>, now_ms: i64) -> Option<&'static str> {
        let Some(origin) = origin else { return Some("it does not say of which topic it is, nor how old") };
        if origin.topic_id != self.topic_id {
            return Some("the topic was deleted and made again");
        }
        if !(self.begin..=self.end).contains(&known) {
            return Some("its offset is outside the change log");
        }
        // At the log's end there is nothing to miss, however old the state is.
        let is_old = now_ms.saturating_sub(origin.current_ms) >= self.delete_retention_ms;
        (is_old && known < self.end).then_some("it is older than `delete.retention.ms`: deletes may be missing")
    }
}

/// How long a topic keeps tombstones.
pub(super) fn delete_retention_ms(admin: &mut dyn Admin, topic: &str) -> Result<i64, BrokerError> {
    let told = admin.topic_config(topic, "delete.retention.ms")?;
    Ok(told.and_then(|text| text.parse().ok()).unwrap_or(DEFAULT_DELETE_RETENTION_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 3_600_000;

    fn log() -> ChangelogRange {
        let partition = TopicPartition::new("app-s-changelog", 0);
        let (begin, end, delete_retention_ms) = (10, 20, 24 * HOUR_MS);
        ChangelogRange { id: PartitionId(0), topic_id: [1; 16], partition, begin, end, delete_retention_ms }
    }

    fn continues(known: i64, topic_id: u8, hours: i64) -> bool {
        let origin = ChangelogOrigin { topic_id: [topic_id; 16], current_ms: 0 };
        log().cannot_continue(known, Some(origin), hours * HOUR_MS).is_none()
    }

    #[test]
    fn a_state_from_within_the_log_goes_on() {
        assert!(continues(10, 1, 0) && continues(15, 1, 23) && continues(20, 1, 23));
    }

    #[test]
    fn a_state_from_outside_the_log_starts_over() {
        assert!(!continues(9, 1, 0) && !continues(21, 1, 0));
    }

    #[test]
    fn a_state_of_a_topic_that_was_made_again_starts_over_even_if_its_offset_fits() {
        assert!(!continues(15, 2, 0));
    }

    #[test]
    fn a_state_that_may_have_missed_tombstones_starts_over() {
        assert!(!continues(15, 1, 24));
    }

    #[test]
    fn an_old_state_that_has_all_of_its_log_has_missed_nothing() {
        assert!(continues(20, 1, 100));
    }

    #[test]
    fn a_state_of_unknown_age_starts_over() {
        assert!(log().cannot_continue(15, None, 0).is_some());
    }
}
