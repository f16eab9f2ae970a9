//! A group coordinator in memory, as Kafka's classic one behaves.

use crate::broker::{GroupRequest, GroupResponse, JoinedMember, error_code};
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

    /// TxnOffsetCommit's check of who commits: member and generation, nothing else.
    pub fn commit(
        &mut self,
        member_id: &str,
        generation: i32,
        offsets: &[(TaskId, i64, i64)],
    ) -> Result<(), i16> {
        assert!(
            !member_id.is_empty() && generation >= 0,
            "an unfenced commit"
        );
        self.validate(member_id, generation)?;
        for (task, from, to) in offsets {
            let committed = self.committed.entry(*task).or_insert(0);
            assert_eq!(committed, from, "{task} is processed twice or with a gap");
            *committed = *to;
        }
        Ok(())
    }

    fn validate(&self, member_id: &str, generation: i32) -> Result<(), i16> {
        if !self.members.contains_key(member_id) {
            Err(error_code::UNKNOWN_MEMBER_ID)
        } else if generation != self.generation {
            Err(error_code::ILLEGAL_GENERATION)
        } else {
            Ok(())
        }
    }

    pub fn handle(&mut self, now_ms: i64, to: ReplyTo, request: GroupRequest) -> Replies {
        match request {
            GroupRequest::Join {
                member_id,
                session_timeout_ms,
                rebalance_timeout_ms,
                user_data,
                ..
            } => {
                let timeouts_ms = (session_timeout_ms.into(), rebalance_timeout_ms.into());
                self.join(now_ms, to, member_id, timeouts_ms, user_data)
            }
            GroupRequest::Sync {
                generation,
                member_id,
                assignments,
                ..
            } => {
                let plan = assignments
                    .into_iter()
                    .map(|one| (one.member_id, one.user_data))
                    .collect();
                self.sync(now_ms, to, &member_id, generation, plan)
            }
            GroupRequest::Heartbeat {
                generation,
                member_id,
                ..
            } => {
                vec![(
                    to,
                    GroupResponse::Heartbeat {
                        error: self.heartbeat(now_ms, &member_id, generation),
                    },
                )]
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
        let mut replies: Replies = expired
            .iter()
            .flat_map(|id| self.remove(now_ms, id))
            .collect();
        if let Phase::Preparing { until_ms } = self.phase
            && now_ms >= until_ms
        {
            self.members.retain(|_, member| member.joining.is_some());
            replies.extend(self.complete_join(now_ms));
        }
        replies
    }

    fn join(
        &mut self,
        now_ms: i64,
        to: ReplyTo,
        member_id: String,
        (session_ms, rebalance_ms): (i64, i64),
        user_data: Vec<u8>,
    ) -> Replies {
        if member_id.is_empty() {
            self.ids_given += 1;
            let id = format!("m{}", self.ids_given);
            self.pending.insert(id.clone());
            return vec![(to, refuse_join(error_code::MEMBER_ID_REQUIRED, id))];
        }
        if !self.pending.remove(&member_id) && !self.members.contains_key(&member_id) {
            return vec![(to, refuse_join(error_code::UNKNOWN_MEMBER_ID, member_id))];
        }
        let is_leader = self.leader == member_id;
        let member = self.members.entry(member_id.clone()).or_default();
        let same = member.user_data == user_data;
        *member = Registered {
            user_data,
            session_ms,
            rebalance_ms,
            joining: Some(to),
            ..std::mem::take(member)
        };
        let repeats = match self.phase {
            Phase::Completing => same,
            Phase::Stable => same && !is_leader,
            Phase::Empty | Phase::Preparing { .. } => false,
        };
        if repeats {
            self.answer_join(now_ms, &member_id)
        } else {
            self.prepare(now_ms)
        }
    }

    /// Starts a rebalance or goes on with one.
    fn prepare(&mut self, now_ms: i64) -> Replies {
        let mut replies = Replies::new();
        if !matches!(self.phase, Phase::Preparing { .. }) {
            for member in self.members.values_mut() {
                let error = error_code::REBALANCE_IN_PROGRESS;
                let refused = member.syncing.take().map(|to| {
                    (
                        to,
                        GroupResponse::Synced {
                            error,
                            user_data: vec![],
                        },
                    )
                });
                replies.extend(refused);
            }
            let longest_ms = self
                .members
                .values()
                .map(|member| member.rebalance_ms)
                .max()
                .unwrap_or(0);
            self.phase = Phase::Preparing {
                until_ms: now_ms + longest_ms,
            };
        }
        if self.members.values().all(|member| member.joining.is_some()) {
            replies.extend(self.complete_join(now_ms));
        }
        replies
    }

    fn complete_join(&mut self, now_ms: i64) -> Replies {
        self.generation += 1;
        let Some(first) = self.members.keys().next() else {
            self.phase = Phase::Empty;
            return Replies::new();
        };
        if !self.members.contains_key(&self.leader) {
            self.leader = first.clone();
        }
        self.phase = Phase::Completing;
        self.members
            .values_mut()
            .for_each(|member| member.assignment.clear());
        let ids: Vec<String> = self.members.keys().cloned().collect();
        ids.iter()
            .flat_map(|id| self.answer_join(now_ms, id))
            .collect()
    }

    fn answer_join(&mut self, now_ms: i64, member_id: &str) -> Replies {
        let seen = |(id, member): (&String, &Registered)| JoinedMember {
            member_id: id.clone(),
            instance_id: None,
            user_data: member.user_data.clone(),
        };
        let members = if self.leader == member_id {
            self.members.iter().map(seen).collect()
        } else {
            vec![]
        };
        let (generation, leader) = (self.generation, self.leader.clone());
        let Some(member) = self.members.get_mut(member_id) else {
            return vec![];
        };
        member.expires_ms = now_ms + member.session_ms;
        let answer = GroupResponse::Joined {
            error: 0,
            generation,
            leader,
            member_id: member_id.into(),
            members,
        };
        member
            .joining
            .take()
            .map(|to| (to, answer))
            .into_iter()
            .collect()
    }

    fn sync(
        &mut self,
        now_ms: i64,
        to: ReplyTo,
        member_id: &str,
        generation: i32,
        plan: BTreeMap<String, Vec<u8>>,
    ) -> Replies {
        let refuse = |error| {
            vec![(
                to,
                GroupResponse::Synced {
                    error,
                    user_data: vec![],
                },
            )]
        };
        if let Err(error) = self.validate(member_id, generation) {
            return refuse(error);
        }
        match self.phase {
            Phase::Empty | Phase::Preparing { .. } => {
                return refuse(error_code::REBALANCE_IN_PROGRESS);
            }
            Phase::Completing if self.leader == member_id => {
                self.phase = Phase::Stable;
                for (id, user_data) in plan {
                    self.members
                        .entry(id)
                        .and_modify(|member| member.assignment = user_data);
                }
            }
            Phase::Completing | Phase::Stable => {}
        }
        self.members
            .entry(member_id.to_owned())
            .and_modify(|member| member.syncing = Some(to));
        if self.phase == Phase::Stable {
            self.answer_syncs(now_ms)
        } else {
            vec![]
        }
    }

    fn answer_syncs(&mut self, now_ms: i64) -> Replies {
        let mut replies = Replies::new();
        for member in self.members.values_mut() {
            if let Some(to) = member.syncing.take() {
                member.expires_ms = now_ms + member.session_ms;
                replies.push((
                    to,
                    GroupResponse::Synced {
                        error: 0,
                        user_data: member.assignment.clone(),
                    },
                ));
            }
        }
        replies
    }

    fn heartbeat(&mut self, now_ms: i64, member_id: &str, generation: i32) -> i16 {
        if let Err(error) = self.validate(member_id, generation) {
            return error;
        }
        self.members
            .entry(member_id.to_owned())
            .and_modify(|member| member.expires_ms = now_ms + member.session_ms);
        if matches!(self.phase, Phase::Preparing { .. }) {
            error_code::REBALANCE_IN_PROGRESS
        } else {
            0
        }
    }

    fn remove(&mut self, now_ms: i64, member_id: &str) -> Replies {
        if self.members.remove(member_id).is_some() {
            self.prepare(now_ms)
        } else {
            vec![]
        }
    }
}

fn refuse_join(error: i16, member_id: String) -> GroupResponse {
    GroupResponse::Joined {
        error,
        generation: -1,
        leader: String::new(),
        member_id,
        members: vec![],
    }
}
