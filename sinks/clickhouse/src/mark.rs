//! What the group holds about a partition: how far it is delivered, and which range may be being inserted.
//!
//! The offset is the committed one, as Kafka's tools show it; the range's end travels in the offset's metadata.

use comanda_streams::broker::OffsetAndMetadata;

/// First word of the metadata, so that another program's is told apart.
const MAGIC: &str = "comanda-sink-1";

/// A topic's identity (KIP-516): a topic deleted and made again gives the same offsets to other records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TopicId(pub [u8; 16]);

impl std::fmt::Display for TopicId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Offsets from `start` up to, not including, `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OffsetRange {
    pub start: i64,
    pub end: i64,
}

/// Everything before `delivered` is in ClickHouse. If `promised` is given, the range from `delivered` to it may be in
/// ClickHouse or become so at any time: it is inserted as this range and no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub delivered: i64,
    pub promised: Option<i64>,
}

/// A committed offset, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Committed {
    /// The sink's own.
    Mark(Mark),
    /// Of a topic of that name which does not exist any more.
    OtherTopic,
    /// Written by something else.
    Foreign(String),
}

impl Mark {
    /// Nothing under way.
    pub fn at(delivered: i64) -> Self {
        Self { delivered, promised: None }
    }

    /// As it is committed.
    pub fn commit(self, topic: TopicId) -> OffsetAndMetadata {
        let promised = self.promised.map_or("-".to_owned(), |end| end.to_string());
        OffsetAndMetadata { offset: self.delivered, metadata: format!("{MAGIC} {topic} {promised}") }
    }
}

/// Reads what the group holds. Without metadata it is an offset that an operator has set.
pub(crate) fn read(committed: &OffsetAndMetadata, topic: TopicId) -> Committed {
    let foreign = || Committed::Foreign(committed.metadata.clone());
    let delivered = committed.offset;
    let words: Vec<&str> = committed.metadata.split(' ').collect();
    match words.as_slice() {
        [""] => Committed::Mark(Mark::at(delivered)),
        [MAGIC, of_topic, _] if *of_topic != topic.to_string() => Committed::OtherTopic,
        [MAGIC, _, "-"] => Committed::Mark(Mark::at(delivered)),
        [MAGIC, _, end] => match end.parse() {
            Ok(end) if end > delivered => Committed::Mark(Mark { delivered, promised: Some(end) }),
            _ => foreign(),
        },
        _ => foreign(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOPIC: TopicId = TopicId([0xab; 16]);

    #[test]
    fn a_mark_reads_back_what_was_committed() {
        for mark in [Mark::at(7), Mark { delivered: 7, promised: Some(12) }] {
            assert_eq!(read(&mark.commit(TOPIC), TOPIC), Committed::Mark(mark));
        }
    }

    #[test]
    fn the_bytes_are_those_of_the_format() {
        let committed = Mark { delivered: 7, promised: Some(12) }.commit(TOPIC);
        assert_eq!(committed.metadata, format!("comanda-sink-1 {} 12", "ab".repeat(16)));
    }

    #[test]
    fn an_offset_set_by_an_operator_counts_from_there() {
        let set = OffsetAndMetadata { offset: 3, metadata: String::new() };
        assert_eq!(read(&set, TOPIC), Committed::Mark(Mark::at(3)));
    }

    #[test]
    fn marks_of_another_topic_or_program_are_told_apart() {
        let committed = Mark::at(7).commit(TopicId([1; 16]));
        assert_eq!(read(&committed, TOPIC), Committed::OtherTopic);
        for metadata in ["engine 1", "comanda-sink-1", "comanda-sink-1 x"] {
            let committed = OffsetAndMetadata { offset: 1, metadata: metadata.to_owned() };
            assert_eq!(read(&committed, TOPIC), Committed::Foreign(metadata.to_owned()));
        }
        let backwards = Mark { delivered: 7, promised: Some(7) }.commit(TOPIC);
        assert!(matches!(read(&backwards, TOPIC), Committed::Foreign(_)));
    }
}
