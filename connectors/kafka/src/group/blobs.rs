//! ConsumerProtocol blobs: what Kafka's own consumers put into a group, so that its tools show our members.
//!
//! Version 0 of ConsumerProtocolSubscription and ConsumerProtocolAssignment; the engine's part is `userData`.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use comanda_streams::broker::TopicPartition;
use kafka_protocol::messages::consumer_protocol_assignment::TopicPartition as AssignedTopic;
use kafka_protocol::messages::{ConsumerProtocolAssignment, ConsumerProtocolSubscription, TopicName};
use kafka_protocol::protocol::{Decodable, Encodable};
use std::collections::BTreeMap;

use crate::wire::text;

const VERSION: i16 = 0;

/// Why a blob cannot be read.
#[derive(Debug)]
pub(super) struct BadBlob(pub(super) String);

/// A subscription to `topics` with the engine's `user_data`.
pub(super) fn subscription(topics: &[String], user_data: Vec<u8>) -> Bytes {
    let message = ConsumerProtocolSubscription::default()
        .with_topics(topics.iter().map(|topic| text(topic)).collect())
        .with_user_data(Some(user_data.into()));
    written(&message)
}

/// An assignment of `partitions` with the engine's `user_data`.
pub(super) fn assignment(partitions: &[TopicPartition], user_data: Vec<u8>) -> Bytes {
    let mut by_topic: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
    for partition in partitions {
        by_topic.entry(&partition.topic).or_default().push(partition.partition);
    }
    let assigned = |(topic, partitions): (&str, Vec<i32>)| {
        AssignedTopic::default().with_topic(TopicName(text(topic))).with_partitions(partitions)
    };
    let message = ConsumerProtocolAssignment::default()
        .with_assigned_partitions(by_topic.into_iter().map(assigned).collect())
        .with_user_data(Some(user_data.into()));
    written(&message)
}

/// The engine's part of a subscription.
pub(super) fn subscribed_user_data(blob: Bytes) -> Result<Vec<u8>, BadBlob> {
    let (mut body, version) = body(blob)?;
    let message = ConsumerProtocolSubscription::decode(&mut body, version).map_err(|e| BadBlob(e.to_string()))?;
    Ok(message.user_data.map(Vec::from).unwrap_or_default())
}

/// The engine's part of an assignment; none in an empty blob, which is what a member gets that the leader forgot.
pub(super) fn assigned_user_data(blob: Bytes) -> Result<Vec<u8>, BadBlob> {
    if blob.is_empty() {
        return Ok(Vec::new());
    }
    let (mut body, version) = body(blob)?;
    let message = ConsumerProtocolAssignment::decode(&mut body, version).map_err(|e| BadBlob(e.to_string()))?;
    Ok(message.user_data.map(Vec::from).unwrap_or_default())
}

fn written<M: Encodable>(message: &M) -> Bytes {
    let mut blob = BytesMut::new();
    blob.put_i16(VERSION);
    message.encode(&mut blob, VERSION).expect("names and user data are far below the format's length limits");
    blob.freeze()
}

/// A newer version may only add fields behind ours: read it as the newest that is known.
fn body(mut blob: Bytes) -> Result<(Bytes, i16), BadBlob> {
    const NEWEST_KNOWN: i16 = 3;
    if blob.len() < size_of::<i16>() {
        return Err(BadBlob(format!("a blob of {} bytes", blob.len())));
    }
    let version = blob.get_i16();
    if version < 0 {
        return Err(BadBlob(format!("version {version}")));
    }
    Ok((blob, version.min(NEWEST_KNOWN)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_subscription_carries_the_engines_data() {
        let blob = subscription(&["orders".into(), "payments".into()], vec![1, 2, 3]);
        assert_eq!(subscribed_user_data(blob).unwrap(), [1, 2, 3]);
    }

    #[test]
    fn an_assignment_carries_the_engines_data() {
        let partitions = [TopicPartition::new("b", 1), TopicPartition::new("a", 0), TopicPartition::new("b", 0)];
        assert_eq!(assigned_user_data(assignment(&partitions, vec![9])).unwrap(), [9]);
        assert_eq!(assigned_user_data(assignment(&[], Vec::new())).unwrap(), [0; 0]);
    }

    #[test]
    fn the_bytes_are_those_of_the_format() {
        let expected: &[u8] = &[
            0, 0, // version
            0, 0, 0, 1, 0, 1, b't', // topics
            0, 0, 0, 2, 7, 8, // user data
        ];
        assert_eq!(subscription(&["t".into()], vec![7, 8]), expected);
        let expected: &[u8] = &[
            0, 0, // version
            0, 0, 0, 1, 0, 1, b't', 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 1, // one topic, two partitions
            0, 0, 0, 0, // user data
        ];
        assert_eq!(assignment(&[TopicPartition::new("t", 3), TopicPartition::new("t", 1)], Vec::new()), expected);
    }

    #[test]
    fn a_member_that_the_leader_forgot_has_no_data_and_nonsense_is_told() {
        assert!(assigned_user_data(Bytes::new()).unwrap().is_empty());
        assert!(subscribed_user_data(Bytes::from_static(&[0])).is_err());
        assert!(subscribed_user_data(Bytes::from_static(&[0, 0, 0, 0, 0, 9])).is_err());
    }
}
