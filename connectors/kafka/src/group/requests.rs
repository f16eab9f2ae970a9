//! The port's requests as the protocol's messages.

use super::blobs;
use crate::wire::text;
use comanda_streams::broker::{MemberAssignment, OffsetToCommit, TopicPartition};
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{
    GroupId, HeartbeatRequest, JoinGroupRequest, LeaveGroupRequest, OffsetCommitRequest, SyncGroupRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use std::collections::BTreeMap;
use std::sync::Arc;

const PROTOCOL_TYPE: StrBytes = StrBytes::from_static_str("consumer");
const PROTOCOL_NAME: StrBytes = StrBytes::from_static_str("stream");

/// The member that asks.
pub(super) struct Sender {
    group: GroupId,
    member_id: StrBytes,
    instance_id: Option<StrBytes>,
}

impl Sender {
    pub(super) fn new(group_id: &str, member_id: String, instance_id: Option<String>) -> Self {
        Self {
            group: GroupId(text(group_id)),
            member_id: member_id.into(),
            instance_id: instance_id.map(StrBytes::from_string),
        }
    }
}

/// A Join's time-outs.
pub(super) struct Timeouts {
    pub(super) session_ms: i32,
    pub(super) rebalance_ms: i32,
}

pub(super) fn join(sender: Sender, timeouts: Timeouts, topics: &[String], user_data: Vec<u8>) -> JoinGroupRequest {
    let protocol = JoinGroupRequestProtocol::default()
        .with_name(PROTOCOL_NAME)
        .with_metadata(blobs::subscription(topics, user_data));
    JoinGroupRequest::default()
        .with_group_id(sender.group)
        .with_session_timeout_ms(timeouts.session_ms)
        .with_rebalance_timeout_ms(timeouts.rebalance_ms)
        .with_member_id(sender.member_id)
        .with_group_instance_id(sender.instance_id)
        .with_protocol_type(PROTOCOL_TYPE)
        .with_protocols(vec![protocol])
}

pub(super) fn sync(sender: Sender, generation: i32, assignments: Vec<MemberAssignment>) -> SyncGroupRequest {
    let assignment = |member: MemberAssignment| {
        SyncGroupRequestAssignment::default()
            .with_member_id(member.member_id.into())
            .with_assignment(blobs::assignment(&member.partitions, member.user_data))
    };
    SyncGroupRequest::default()
        .with_group_id(sender.group)
        .with_generation_id(generation)
        .with_member_id(sender.member_id)
        .with_group_instance_id(sender.instance_id)
        .with_assignments(assignments.into_iter().map(assignment).collect())
}

pub(super) fn heartbeat(sender: Sender, generation: i32) -> HeartbeatRequest {
    HeartbeatRequest::default()
        .with_group_id(sender.group)
        .with_generation_id(generation)
        .with_member_id(sender.member_id)
        .with_group_instance_id(sender.instance_id)
}

pub(super) fn leave(sender: Sender) -> LeaveGroupRequest {
    let member = MemberIdentity::default().with_member_id(sender.member_id).with_group_instance_id(sender.instance_id);
    LeaveGroupRequest::default().with_group_id(sender.group).with_members(vec![member])
}

pub(super) fn commit(sender: Sender, generation: i32, offsets: Vec<OffsetToCommit>) -> OffsetCommitRequest {
    let mut by_topic: BTreeMap<Arc<str>, Vec<OffsetCommitRequestPartition>> = BTreeMap::new();
    for (TopicPartition { topic, partition }, committed) in offsets {
        by_topic.entry(topic).or_default().push(
            OffsetCommitRequestPartition::default()
                .with_partition_index(partition)
                .with_committed_offset(committed.offset)
                .with_committed_metadata(Some(committed.metadata.into())),
        );
    }
    let topic = |(name, partitions): (Arc<str>, Vec<OffsetCommitRequestPartition>)| {
        OffsetCommitRequestTopic::default().with_name(TopicName(text(&name))).with_partitions(partitions)
    };
    OffsetCommitRequest::default()
        .with_group_id(sender.group)
        .with_generation_id_or_member_epoch(generation)
        .with_member_id(sender.member_id)
        .with_group_instance_id(sender.instance_id)
        .with_topics(by_topic.into_iter().map(topic).collect())
}
