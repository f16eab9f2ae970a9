//! A group coordinator in memory, as Kafka's classic one behaves.

mod rebalance;

use crate::broker::{GroupIdentity, GroupRequest, GroupResponse, error_code};
use crate::task_id::TaskId;
use std::collections::{BTreeMap, BTreeSet};

/// Where an answer goes: a thread and the number of its request.
pub type ReplyTo = (usize, u64);
pub type Replies = Vec<(ReplyTo, GroupResponse)>;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Empty,
    Preparing { until_ms: i64 },
    Completing,
    Stable,
}

#[derive(Default)]
struct Registered {
    instance_id: Option<String>,
    user_data: Vec<u8>,
    joining: Option<ReplyTo>,
    syncing: Option<ReplyTo>,
    assignment: Vec<u8>,
    session_ms: i64,
    rebalance_ms: i64,
    expires_ms: i64,
}

pub struct Coordinator {
    phase: Phase,
    pub generation: i32,
    leader: String,
    members: BTreeMap<String, Registered>,
    /// Static id → member id (KIP-345).
    instances: BTreeMap<String, String>,
    /// Static members that came back without a rebalance.
    pub returns: usize,
    pending: BTreeSet<String>,
    ids_given: u32,
    pub committed: BTreeMap<TaskId, i64>,
}

impl Coordinator {
    pub fn new() -> Self {
        Self {
            phase: Phase::Empty,
            generation: 0,
            leader: String::new(),
            members: BTreeMap::new(),
            instances: BTreeMap::new(),
            returns: 0,
            pending: BTreeSet::new(),
            ids_given: 0,
            committed: BTreeMap::new(),
        }
    }

    pub fn is_stable(&self) -> bool {
        self.phase == Phase::Stable
    }

    pub fn has_member(&self, member_id: &str) -> bool {
        self.members.contains_key(member_id)
    }

    /// TxnOffsetCommit's check of who commits: member, static id and generation, nothing else.
    pub fn commit(&mut self, identity: &GroupIdentity, offsets: &[(TaskId, i64, i64)]) -> Result<(), i16> {
        let GroupIdentity { member_id, generation, instance_id, .. } = identity;
        assert!(!member_id.is_empty() && *generation >= 0, "an unfenced commit");
        self.validate(member_id, instance_id.as_deref(), *generation)?;
        for (task, from, to) in offsets {
            let committed = self.committed.entry(*task).or_insert(0);
            assert_eq!(committed, from, "{task} is processed twice or with a gap");
            *committed = *to;
        }
        Ok(())
    }

    fn validate(&self, member_id: &str, instance_id: Option<&str>, generation: i32) -> Result<(), i16> {
        if self.is_replaced(member_id, instance_id) {
            Err(error_code::FENCED_INSTANCE_ID)
        } else if !self.members.contains_key(member_id) {
            Err(error_code::UNKNOWN_MEMBER_ID)
        } else if generation != self.generation {
            Err(error_code::ILLEGAL_GENERATION)
        } else {
            Ok(())
        }
    }

    /// Whether another member has the static id.
    fn is_replaced(&self, member_id: &str, instance_id: Option<&str>) -> bool {
        instance_id.and_then(|id| self.instances.get(id)).is_some_and(|current| current != member_id)
    }

    pub fn handle(&mut self, now_ms: i64, to: ReplyTo, request: GroupRequest) -> Replies {
        match request {
            GroupRequest::Join {
                member_id, instance_id, session_timeout_ms, rebalance_timeout_ms, user_data, ..
            } => {
                let (session_ms, rebalance_ms) = (session_timeout_ms.into(), rebalance_timeout_ms.into());
                let joining = Registered { instance_id, user_data, session_ms, rebalance_ms, ..Registered::default() };
                self.join(now_ms, to, member_id, joining)
            }
            GroupRequest::Sync { generation, member_id, instance_id, assignments } => {
                let plan = assignments.into_iter().map(|one| (one.member_id, one.user_data)).collect();
                let valid = self.validate(&member_id, instance_id.as_deref(), generation);
                self.sync(now_ms, to, &member_id, valid, plan)
            }
            GroupRequest::Heartbeat { generation, member_id, instance_id } => {
                let valid = self.validate(&member_id, instance_id.as_deref(), generation);
                vec![(to, GroupResponse::Heartbeat { error: self.heartbeat(now_ms, &member_id, valid) })]
            }
            GroupRequest::Leave { member_id, .. } => {
                self.pending.remove(&member_id);
                let mut replies = self.remove(now_ms, &member_id);
                replies.push((to, GroupResponse::Left { error: 0 }));
                replies
            }
            GroupRequest::CommitOffsets { .. } => {
                unreachable!("the simulated threads commit in transactions")
            }
        }
    }

    /// Sessions and rebalance time-outs that have run out.
    pub fn tick(&mut self, now_ms: i64) -> Replies {
        let expired = |(id, member): (&String, &Registered)| {
            let waits = member.joining.is_some() || member.syncing.is_some();
            (!waits && now_ms >= member.expires_ms).then(|| id.clone())
        };
        let expired: Vec<String> = self.members.iter().filter_map(expired).collect();
        let mut replies: Replies = expired.iter().flat_map(|id| self.remove(now_ms, id)).collect();
        if let Phase::Preparing { until_ms } = self.phase
            && now_ms >= until_ms
        {
            // Static members are waited for until their sessions end.
            self.members.retain(|_, member| member.joining.is_some() || member.instance_id.is_some());
            replies.extend(self.complete_join(now_ms));
        }
        replies
    }

    fn heartbeat(&mut self, now_ms: i64, member_id: &str, valid: Result<(), i16>) -> i16 {
        if let Err(error) = valid {
            return error;
        }
        self.members.entry(member_id.to_owned()).and_modify(|member| member.expires_ms = now_ms + member.session_ms);
        if matches!(self.phase, Phase::Preparing { .. }) { error_code::REBALANCE_IN_PROGRESS } else { 0 }
    }

    fn remove(&mut self, now_ms: i64, member_id: &str) -> Replies {
        let Some(removed) = self.members.remove(member_id) else { return vec![] };
        if let Some(id) = removed.instance_id {
            self.instances.remove(&id);
        }
        self.prepare(now_ms)
    }
}
