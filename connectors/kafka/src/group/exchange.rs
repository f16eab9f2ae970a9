//! One request of the port to the coordinator, and its answer back.

use super::blobs;
use super::requests::{self, Sender, Timeouts};
use crate::KafkaError;
use crate::wire::Connection;
use comanda_streams::broker::{BrokerError, ErrorKind, GroupRequest, GroupResponse, JoinedMember, error_code};
use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
use kafka_protocol::messages::{
    HeartbeatRequest, JoinGroupRequest, LeaveGroupRequest, OffsetCommitRequest, SyncGroupRequest,
};
use std::time::Duration;

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
        GroupRequest::Join { rebalance_timeout_ms, .. } => {
            Duration::from_millis(u64::try_from(*rebalance_timeout_ms).unwrap_or(0)) + JOIN_MARGIN.max(usual)
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
    let sender = |member_id, instance_id| Sender::new(group_id, member_id, instance_id);
    match request {
        GroupRequest::Join { member_id, instance_id, session_timeout_ms, rebalance_timeout_ms, topics, user_data } => {
            let timeouts = Timeouts { session_ms: session_timeout_ms, rebalance_ms: rebalance_timeout_ms };
            let sender = sender(member_id, instance_id);
            join(connection, &requests::join(sender, timeouts, &topics, user_data))
        }
        GroupRequest::Sync { generation, member_id, instance_id, assignments } => {
            let sender = sender(member_id, instance_id);
            sync(connection, &requests::sync(sender, generation, assignments))
        }
        GroupRequest::Heartbeat { generation, member_id, instance_id } => {
            let sender = sender(member_id, instance_id);
            heartbeat(connection, &requests::heartbeat(sender, generation))
        }
        GroupRequest::Leave { member_id, instance_id } => {
            leave(connection, &requests::leave(sender(member_id, instance_id)))
        }
        GroupRequest::CommitOffsets { generation, member_id, instance_id, offsets } => {
            let sender = sender(member_id, instance_id);
            commit(connection, &requests::commit(sender, generation, offsets))
        }
    }
}

fn join(connection: &mut Connection, request: &JoinGroupRequest) -> Result<GroupResponse, KafkaError> {
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

fn sync(connection: &mut Connection, request: &SyncGroupRequest) -> Result<GroupResponse, KafkaError> {
    let answer = connection.call(request, SYNC_VERSION)?;
    if answer.error_code != error_code::NONE {
        return Ok(GroupResponse::Synced { error: answer.error_code, user_data: Vec::new() });
    }
    Ok(match blobs::assigned_user_data(answer.assignment) {
        Ok(user_data) => GroupResponse::Synced { error: error_code::NONE, user_data },
        Err(bad) => unreadable("SyncGroup", "the leader's assignment", &bad),
    })
}

fn heartbeat(connection: &mut Connection, request: &HeartbeatRequest) -> Result<GroupResponse, KafkaError> {
    let answer = connection.call(request, HEARTBEAT_VERSION)?;
    Ok(GroupResponse::Heartbeat { error: answer.error_code })
}

fn leave(connection: &mut Connection, request: &LeaveGroupRequest) -> Result<GroupResponse, KafkaError> {
    let answer = connection.call(request, LEAVE_VERSION)?;
    let of_member = answer.members.first().map_or(error_code::NONE, |member| member.error_code);
    let error = if answer.error_code == error_code::NONE { of_member } else { answer.error_code };
    Ok(GroupResponse::Left { error })
}

fn commit(connection: &mut Connection, request: &OffsetCommitRequest) -> Result<GroupResponse, KafkaError> {
    let answer = connection.call(request, COMMIT_VERSION)?;
    let mut codes = answer.topics.iter().flat_map(|topic| &topic.partitions).map(|partition| partition.error_code);
    Ok(GroupResponse::Committed { error: codes.find(|code| *code != error_code::NONE).unwrap_or(error_code::NONE) })
}

/// Somebody in the group does not speak ConsumerProtocol: nothing that trying again would cure.
fn unreadable(call: &str, what: &str, bad: &blobs::BadBlob) -> GroupResponse {
    GroupResponse::Failed {
        error: BrokerError::new(ErrorKind::Fatal, call, format!("{what} is unreadable: {}", bad.0)),
    }
}
