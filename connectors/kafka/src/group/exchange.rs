//! One request of the port to the coordinator, and its answer back.

use super::blobs;
use crate::KafkaError;
use crate::wire::{Connection, text};
use comanda_streams::broker::{
    BrokerError, ErrorKind, GroupRequest, GroupResponse, JoinedMember, MemberAssignment,
    OffsetToCommit, TopicPartition, error_code,
};
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{
    GroupId, HeartbeatRequest, JoinGroupRequest, LeaveGroupRequest, OffsetCommitRequest,
    SyncGroupRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use std::collections::BTreeMap;
use std::time::Duration;

const PROTOCOL_TYPE: StrBytes = StrBytes::from_static_str("consumer");
const PROTOCOL_NAME: StrBytes = StrBytes::from_static_str("stream");

// Versions from brokers 2.4 on; later ones add nothing that the engine uses.
const JOIN_VERSION: i16 = 6;
const SYNC_VERSION: i16 = 4;
const HEARTBEAT_VERSION: i16 = 4;
const LEAVE_VERSION: i16 = 4;
const COMMIT_VERSION: i16 = 8;

/// Time on top of the rebalance time-out, up to which the coordinator holds a Join.
const JOIN_MARGIN: Duration = Duration::from_secs(10);

/// How long the answer may take beyond `usual`.
pub(super) fn patience(request: &GroupRequest, usual: Duration) -> Duration {
    match request {
        GroupRequest::Join {
            rebalance_timeout_ms,
            ..
        } => {
            Duration::from_millis(u64::try_from(*rebalance_timeout_ms).unwrap_or(0))
                + JOIN_MARGIN.max(usual)
        }
        _ => usual,
    }
}

/// The call's name, for error messages.
pub(super) fn name(request: &GroupRequest) -> &'static str {
    match request {
        GroupRequest::Join { .. } => "JoinGroup",
        GroupRequest::Sync { .. } => "SyncGroup",
        GroupRequest::Heartbeat { .. } => "Heartbeat",
        GroupRequest::Leave { .. } => "LeaveGroup",
        GroupRequest::CommitOffsets { .. } => "OffsetCommit",
    }
}

/// The error code of an answer.
pub(super) fn code(response: &GroupResponse) -> i16 {
    match response {
        GroupResponse::Joined { error, .. }
        | GroupResponse::Synced { error, .. }
        | GroupResponse::Heartbeat { error }
        | GroupResponse::Left { error }
        | GroupResponse::Committed { error } => *error,
        GroupResponse::Failed { .. } => error_code::NONE,
    }
}

/// Sends `request` and waits for its answer.
pub(super) fn exchange(
    connection: &mut Connection,
    group_id: &str,
    request: GroupRequest,
) -> Result<GroupResponse, KafkaError> {
    let group = GroupId(text(group_id));
    match request {
        GroupRequest::Join {
            member_id,
            instance_id,
            session_timeout_ms,
            rebalance_timeout_ms,
            topics,
            user_data,
        } => {
            let protocol = JoinGroupRequestProtocol::default()
                .with_name(PROTOCOL_NAME)
                .with_metadata(blobs::subscription(&topics, user_data));
            let request = JoinGroupRequest::default()
                .with_group_id(group)
                .with_session_timeout_ms(session_timeout_ms)
                .with_rebalance_timeout_ms(rebalance_timeout_ms)
                .with_member_id(member_id.into())
                .with_group_instance_id(instance_id.map(StrBytes::from_string))
                .with_protocol_type(PROTOCOL_TYPE)
                .with_protocols(vec![protocol]);
            join(connection, &request)
        }
        GroupRequest::Sync {
            generation,
            member_id,
            instance_id,
            assignments,
        } => {
            let request = SyncGroupRequest::default()
                .with_group_id(group)
                .with_generation_id(generation)
                .with_member_id(member_id.into())
                .with_group_instance_id(instance_id.map(StrBytes::from_string))
                .with_assignments(assignments.into_iter().map(assignment).collect());
            sync(connection, &request)
        }
        GroupRequest::Heartbeat {
            generation,
            member_id,
            instance_id,
        } => {
            let request = HeartbeatRequest::default()
                .with_group_id(group)
                .with_generation_id(generation)
                .with_member_id(member_id.into())
                .with_group_instance_id(instance_id.map(StrBytes::from_string));
            let answer = connection.call(&request, HEARTBEAT_VERSION)?;
            Ok(GroupResponse::Heartbeat {
                error: answer.error_code,
            })
        }
        GroupRequest::Leave {
            member_id,
            instance_id,
        } => {
            let member = MemberIdentity::default()
                .with_member_id(member_id.into())
                .with_group_instance_id(instance_id.map(StrBytes::from_string));
            leave(
                connection,
                &LeaveGroupRequest::default()
                    .with_group_id(group)
                    .with_members(vec![member]),
            )
        }
        GroupRequest::CommitOffsets {
            generation,
            member_id,
            instance_id,
            offsets,
        } => {
            let request = OffsetCommitRequest::default()
                .with_group_id(group)
                .with_generation_id_or_member_epoch(generation)
                .with_member_id(member_id.into())
                .with_group_instance_id(instance_id.map(StrBytes::from_string))
                .with_topics(offsets_by_topic(offsets));
            commit(connection, &request)
        }
    }
}

fn join(
    connection: &mut Connection,
    request: &JoinGroupRequest,
) -> Result<GroupResponse, KafkaError> {
    let answer = connection.call(request, JOIN_VERSION)?;
    let members: Result<Vec<_>, blobs::BadBlob> = answer.members.into_iter().map(joined).collect();
    Ok(match members {
        Ok(members) => GroupResponse::Joined {
            error: answer.error_code,
            generation: answer.generation_id,
            leader: answer.leader.to_string(),
            member_id: answer.member_id.to_string(),
            members,
        },
        Err(bad) => unreadable("JoinGroup", "a member's subscription", &bad),
    })
}

fn joined(member: JoinGroupResponseMember) -> Result<JoinedMember, blobs::BadBlob> {
    Ok(JoinedMember {
        member_id: member.member_id.to_string(),
        instance_id: member.group_instance_id.map(|id| id.to_string()),
        user_data: blobs::subscribed_user_data(member.metadata)?,
    })
}

fn sync(
    connection: &mut Connection,
    request: &SyncGroupRequest,
) -> Result<GroupResponse, KafkaError> {
    let answer = connection.call(request, SYNC_VERSION)?;
    if answer.error_code != error_code::NONE {
        return Ok(GroupResponse::Synced {
            error: answer.error_code,
            user_data: Vec::new(),
        });
    }
    Ok(match blobs::assigned_user_data(answer.assignment) {
        Ok(user_data) => GroupResponse::Synced {
            error: error_code::NONE,
            user_data,
        },
        Err(bad) => unreadable("SyncGroup", "the leader's assignment", &bad),
    })
}

fn leave(
    connection: &mut Connection,
    request: &LeaveGroupRequest,
) -> Result<GroupResponse, KafkaError> {
    let answer = connection.call(request, LEAVE_VERSION)?;
    let of_member = answer
        .members
        .first()
        .map_or(error_code::NONE, |member| member.error_code);
    let error = if answer.error_code == error_code::NONE {
        of_member
    } else {
        answer.error_code
    };
    Ok(GroupResponse::Left { error })
}

fn commit(
    connection: &mut Connection,
    request: &OffsetCommitRequest,
) -> Result<GroupResponse, KafkaError> {
    let answer = connection.call(request, COMMIT_VERSION)?;
    let mut codes = answer
        .topics
        .iter()
        .flat_map(|topic| &topic.partitions)
        .map(|partition| partition.error_code);
    Ok(GroupResponse::Committed {
        error: codes
            .find(|code| *code != error_code::NONE)
            .unwrap_or(error_code::NONE),
    })
}

fn assignment(member: MemberAssignment) -> SyncGroupRequestAssignment {
    SyncGroupRequestAssignment::default()
        .with_member_id(member.member_id.into())
        .with_assignment(blobs::assignment(&member.partitions, member.user_data))
}

fn offsets_by_topic(offsets: Vec<OffsetToCommit>) -> Vec<OffsetCommitRequestTopic> {
    let mut by_topic: BTreeMap<std::sync::Arc<str>, Vec<OffsetCommitRequestPartition>> =
        BTreeMap::new();
    for (TopicPartition { topic, partition }, committed) in offsets {
        by_topic.entry(topic).or_default().push(
            OffsetCommitRequestPartition::default()
                .with_partition_index(partition)
                .with_committed_offset(committed.offset)
                .with_committed_metadata(Some(committed.metadata.into())),
        );
    }
    let topic = |(name, partitions): (std::sync::Arc<str>, _)| {
        OffsetCommitRequestTopic::default()
            .with_name(TopicName(text(&name)))
            .with_partitions(partitions)
    };
    by_topic.into_iter().map(topic).collect()
}

/// Somebody in the group does not speak ConsumerProtocol: nothing that trying again would cure.
fn unreadable(call: &str, what: &str, bad: &blobs::BadBlob) -> GroupResponse {
    GroupResponse::Failed {
        error: BrokerError::new(
            ErrorKind::Fatal,
            call,
            format!("{what} is unreadable: {}", bad.0),
        ),
    }
}
