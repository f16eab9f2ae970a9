//! The coordinator of one group, as Kafka's classic one behaves: members, sessions, who may commit.

use super::network::ReplyTo;
use comanda_streams::broker::{GroupRequest, GroupResponse, OffsetAndMetadata, TopicPartition, error_code};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) type Replies = Vec<(ReplyTo, GroupResponse)>;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Phase {
    #[default]
    Empty,
    /// Waits for everybody to join, until then.
    Preparing {
        until_ms: i64,
    },
    /// Waits for the leader's assignment.
    Completing,
    Stable,
}

/// A member as the coordinator knows it.
#[derive(Clone, Default)]
pub(super) struct Registered {
    pub user_data: Vec<u8>,
    /// Its join that waits for an answer.
    pub joining: Option<ReplyTo>,
    /// Its sync that does.
    pub syncing: Option<ReplyTo>,
    pub assignment: Vec<u8>,
    pub session_ms: i64,
    pub rebalance_ms: i64,
    pub expires_ms: i64,
}

/// What survives a move: the group as it was when a leader last assigned. Joins since then are forgotten.
#[derive(Clone, Default)]
pub(super) struct Stored {
    generation: i32,
    leader: String,
    members: BTreeMap<String, Registered>,
}

/// A group.
#[derive(Default)]
pub(crate) struct Coordinator {
    pub(super) phase: Phase,
    pub(super) generation: i32,
    pub(super) leader: String,
    pub(super) members: BTreeMap<String, Registered>,
    /// Ids given out that have not joined yet (KIP-394).
    pub(super) pending: BTreeSet<String>,
    pub(super) ids_given: u32,
    /// Offsets committed by members outside transactions, to be stored.
    pub(super) to_store: Vec<(TopicPartition, OffsetAndMetadata)>,
    pub(super) stored: Stored,
}

impl Coordinator {
    /// Whether the group rests.
    pub fn is_stable(&self) -> bool {
        self.phase == Phase::Stable
    }

    /// Counts rebalances.
    pub fn generation(&self) -> i32 {
        self.generation
    }

    /// A commit's check: member and generation, nothing else. While a rebalance is prepared the old generation holds.
    pub fn validate(&self, member_id: &str, generation: i32) -> Result<(), i16> {
        if !self.members.contains_key(member_id) {
            Err(error_code::UNKNOWN_MEMBER_ID)
        } else if generation != self.generation {
            Err(error_code::ILLEGAL_GENERATION)
        } else {
            Ok(())
        }
    }

    /// Joins and syncs that wait for an answer.
    pub(super) fn waiting(&self) -> Vec<ReplyTo> {
        self.members.values().flat_map(|member| [member.joining, member.syncing]).flatten().collect()
    }

    /// Ids of all members.
    pub fn members(&self) -> Vec<String> {
        self.members.keys().cloned().collect()
    }

    pub(super) fn handle(&mut self, now_ms: i64, to: ReplyTo, request: GroupRequest) -> Replies {
        match request {
            GroupRequest::Join { member_id, session_timeout_ms, rebalance_timeout_ms, user_data, .. } => {
                let timeouts_ms = (session_timeout_ms.into(), rebalance_timeout_ms.into());
                self.join(now_ms, to, member_id, timeouts_ms, user_data)
            }
            GroupRequest::Sync { generation, member_id, assignments, .. } => {
                let plan = assignments.into_iter().map(|one| (one.member_id, one.user_data)).collect();
                self.sync(now_ms, to, &member_id, generation, plan)
            }
            GroupRequest::Heartbeat { generation, member_id, .. } => {
                vec![(to, GroupResponse::Heartbeat { error: self.heartbeat(now_ms, &member_id, generation) })]
            }
            GroupRequest::Leave { member_id, .. } => {
                let known = self.pending.remove(&member_id) || self.members.contains_key(&member_id);
                let error = if known { error_code::NONE } else { error_code::UNKNOWN_MEMBER_ID };
                let mut replies = self.remove(now_ms, &member_id);
                replies.push((to, GroupResponse::Left { error }));
                replies
            }
            GroupRequest::CommitOffsets { generation, member_id, offsets, .. } => {
                let error = self.commit(now_ms, &member_id, generation, offsets);
                vec![(to, GroupResponse::Committed { error })]
            }
        }
    }

    fn heartbeat(&mut self, now_ms: i64, member_id: &str, generation: i32) -> i16 {
        if let Err(error) = self.validate(member_id, generation) {
            return error;
        }
        self.hears_of(now_ms, member_id);
        if matches!(self.phase, Phase::Preparing { .. }) { error_code::REBALANCE_IN_PROGRESS } else { error_code::NONE }
    }

    fn commit(
        &mut self,
        now_ms: i64,
        member_id: &str,
        generation: i32,
        offsets: Vec<(TopicPartition, OffsetAndMetadata)>,
    ) -> i16 {
        if let Err(error) = self.validate(member_id, generation) {
            return error;
        }
        if self.phase == Phase::Completing {
            return error_code::REBALANCE_IN_PROGRESS;
        }
        self.hears_of(now_ms, member_id);
        self.to_store.extend(offsets);
        error_code::NONE
    }

    fn hears_of(&mut self, now_ms: i64, member_id: &str) {
        if let Some(member) = self.members.get_mut(member_id) {
            member.expires_ms = now_ms + member.session_ms;
        }
    }

    /// Sessions and rebalance time-outs that have run out.
    pub(super) fn tick(&mut self, now_ms: i64) -> Replies {
        let expired = |(id, member): (&String, &Registered)| {
            let waits = member.joining.is_some() || member.syncing.is_some();
            (!waits && now_ms >= member.expires_ms).then(|| id.clone())
        };
        let expired: Vec<String> = self.members.iter().filter_map(expired).collect();
        let mut replies: Replies = expired.iter().flat_map(|id| self.remove(now_ms, id)).collect();
        if matches!(self.phase, Phase::Preparing { until_ms } if now_ms >= until_ms) {
            self.members.retain(|_, member| member.joining.is_some());
            replies.extend(self.complete_join(now_ms));
        }
        replies
    }

    /// The leader has assigned: this is what a move keeps.
    pub(super) fn store(&mut self) {
        let mut members = self.members.clone();
        members.values_mut().for_each(|member| (member.joining, member.syncing) = (None, None));
        self.stored = Stored { generation: self.generation, leader: self.leader.clone(), members };
    }

    /// Another broker takes the group over as it was stored; sessions begin anew.
    pub(super) fn move_away(&mut self, now_ms: i64) {
        let Stored { generation, leader, members } = self.stored.clone();
        (self.generation, self.leader, self.members) = (generation, leader, members);
        self.phase = if self.members.is_empty() { Phase::Empty } else { Phase::Stable };
        self.pending.clear();
        self.members.values_mut().for_each(|member| member.expires_ms = now_ms + member.session_ms);
    }

    /// Forgets a member: by its leave, its silence, or a whim.
    pub(super) fn remove(&mut self, now_ms: i64, member_id: &str) -> Replies {
        if self.members.remove(member_id).is_some() { self.prepare(now_ms) } else { vec![] }
    }
}
