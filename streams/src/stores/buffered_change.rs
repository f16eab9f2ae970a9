//! A change that waits in a suppression's buffer, as its change log holds it: Kafka Streams' `BufferValue`, then the time
//! that orders it.

use super::fields::{put_headers, put_sized, take_headers, take_int, take_long, take_sized};
use crate::broker::Headers;
use crate::task::RecordMetadata;
use std::sync::Arc;

/// The length that stands for an old value equal to the prior one.
const SAME_AS_PRIOR: i32 = -2;

/// The latest update of a key, with what the key was before the first one that waits.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BufferedChange {
    /// The record that the update came from: it is processed as that one when it is emitted.
    pub from: RecordMetadata,
    pub timestamp: i64,
    pub headers: Headers,
    /// What whoever reads the suppressed table sees as long as the update waits.
    pub prior: Option<Vec<u8>>,
    pub old: Option<Vec<u8>>,
    pub new: Option<Vec<u8>>,
}

impl BufferedChange {
    /// The stored form of an update that waits for `time_ms`.
    pub fn encode(&self, time_ms: i64) -> Vec<u8> {
        let mut out = vec![];
        out.extend_from_slice(&self.timestamp.to_be_bytes());
        out.extend_from_slice(&self.from.offset.to_be_bytes());
        put_sized(&mut out, Some(self.from.topic.as_bytes()));
        out.extend_from_slice(&self.from.partition.to_be_bytes());
        put_headers(&mut out, &self.headers);
        put_sized(&mut out, self.prior.as_deref());
        match &self.old {
            Some(old) if self.prior.as_ref() == Some(old) => out.extend_from_slice(&SAME_AS_PRIOR.to_be_bytes()),
            old => put_sized(&mut out, old.as_deref()),
        }
        put_sized(&mut out, self.new.as_deref());
        out.extend_from_slice(&time_ms.to_be_bytes());
        out
    }

    /// (Update, the time it waits for); `None` if these bytes are none.
    pub fn decode(stored: &[u8]) -> Option<(Self, i64)> {
        let mut rest = stored;
        let (timestamp, offset) = (take_long(&mut rest)?, take_long(&mut rest)?);
        let topic: Arc<str> = std::str::from_utf8(take_sized(&mut rest)??).ok()?.into();
        let partition = take_int(&mut rest)?;
        let headers = take_headers(&mut rest)?;
        let prior = take_sized(&mut rest)?.map(<[u8]>::to_vec);
        let mut same = rest;
        let old = if take_int(&mut same)? == SAME_AS_PRIOR {
            rest = same;
            prior.clone()
        } else {
            take_sized(&mut rest)?.map(<[u8]>::to_vec)
        };
        let new = take_sized(&mut rest)?.map(<[u8]>::to_vec);
        let time_ms = take_long(&mut rest)?;
        let from = RecordMetadata { topic, partition, offset };
        let change = Self { from, timestamp, headers, prior, old, new };
        rest.is_empty().then_some((change, time_ms))
    }

    /// What an update takes in Kafka Streams' reckoning (`residentMemorySizeEstimate`), by which buffers are bounded.
    pub fn size_bytes(&self, key: &[u8]) -> usize {
        /// The buffer's time; timestamp, offset and partition of the record.
        const FIXED: usize = 8 + 8 + 8 + 4;
        let length = |value: &Option<Vec<u8>>| value.as_ref().map_or(0, Vec::len);
        let old = if self.old == self.prior { 0 } else { length(&self.old) };
        let values = length(&self.prior) + old + length(&self.new);
        FIXED + key.len() + values + self.from.topic.len() + self.headers.size()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn change(prior: Option<&str>, old: Option<&str>, new: Option<&str>) -> BufferedChange {
        let bytes = |text: Option<&str>| text.map(|text| text.as_bytes().to_vec());
        BufferedChange {
            from: RecordMetadata { topic: "in".into(), partition: 3, offset: 2 },
            timestamp: 1,
            headers: Headers::new(vec![("h".into(), Some(Bytes::from_static(b"x"))), ("n".into(), None)]),
            prior: bytes(prior),
            old: bytes(old),
            new: bytes(new),
        }
    }

    /// The layout of `BufferValue.serialize` behind `ProcessorRecordContext.serialize`.
    #[test]
    fn a_change_is_written_as_kafka_streams_writes_it() {
        let mut expected = vec![];
        expected.extend([0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2]);
        expected.extend([0, 0, 0, 2, b'i', b'n', 0, 0, 0, 3]);
        expected.extend([0, 0, 0, 2, 0, 0, 0, 1, b'h', 0, 0, 0, 1, b'x', 0, 0, 0, 1, b'n', 255, 255, 255, 255]);
        expected.extend([0, 0, 0, 1, b'p', 255, 255, 255, 254, 0, 0, 0, 2, b'n', b'w']);
        expected.extend([0, 0, 0, 0, 0, 0, 0, 9]);
        assert_eq!(change(Some("p"), Some("p"), Some("nw")).encode(9), expected);
    }

    #[test]
    fn every_combination_of_values_comes_back() {
        for prior in [None, Some(""), Some("p")] {
            for old in [None, Some(""), Some("p"), Some("o")] {
                for new in [None, Some("n")] {
                    let change = change(prior, old, new);
                    assert_eq!(BufferedChange::decode(&change.encode(7)), Some((change, 7)));
                }
            }
        }
    }

    #[test]
    fn bytes_that_are_cut_short_or_go_on_are_none() {
        let whole = change(Some("p"), Some("o"), None).encode(7);
        assert!((0..whole.len()).all(|length| BufferedChange::decode(&whole[..length]).is_none()));
        assert!(BufferedChange::decode(&[whole, vec![0]].concat()).is_none());
    }
}
