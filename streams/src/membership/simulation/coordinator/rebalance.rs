//! Joins and syncs: the way from one generation to the next.

use super::{Coordinator, Phase, Registered, Replies, ReplyTo};
use crate::broker::{GroupResponse, JoinedMember, error_code};
use std::collections::BTreeMap;

impl Coordinator {
    pub(super) fn join(&mut self, now_ms: i64, to: ReplyTo, member_id: String, joining: Registered) -> Replies {
        if let Some(instance_id) = joining.instance_id.clone() {
            if self.is_replaced(&member_id, Some(&instance_id)) && !member_id.is_empty() {
                return vec![(to, refuse_join(error_code::FENCED_INSTANCE_ID, member_id))];
            }
            if member_id.is_empty() {
                return self.join_static(now_ms, to, instance_id, joining);
            }
        }
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
        let same = self.members.get(&member_id).is_some_and(|member| member.user_data == joining.user_data);
        self.register(to, &member_id, joining);
        let repeats = match self.phase {
            Phase::Completing => same,
            Phase::Stable => same && !is_leader,
            Phase::Empty | Phase::Preparing { .. } => false,
        };
        if repeats { self.answer_join(now_ms, &member_id) } else { self.prepare(now_ms) }
    }

    fn register(&mut self, to: ReplyTo, member_id: &str, joining: Registered) {
        let Registered { instance_id, user_data, session_ms, rebalance_ms, .. } = joining;
        let member = self.members.entry(member_id.to_owned()).or_default();
        let kept = std::mem::take(member);
        *member = Registered { instance_id, user_data, session_ms, rebalance_ms, joining: Some(to), ..kept };
    }

    /// A static member without a member id: it takes the place of its former life. In a stable group nobody else notices,
    /// and a returning leader is answered with its former id, so that it does not assign
    /// (`updateStaticMemberThenRebalanceOrCompleteJoin`, JoinGroup before version 9).
    fn join_static(&mut self, now_ms: i64, to: ReplyTo, instance_id: String, joining: Registered) -> Replies {
        self.ids_given += 1;
        let member_id = format!("m{}", self.ids_given);
        let former = self.instances.insert(instance_id, member_id.clone());
        let Some((former, mut kept)) = former.and_then(|id| self.members.remove_entry(&id)) else {
            self.register(to, &member_id, joining);
            return self.prepare(now_ms);
        };
        let error = error_code::FENCED_INSTANCE_ID;
        let mut replies: Replies = Replies::new();
        replies.extend(kept.joining.take().map(|to| (to, refuse_join(error, former.clone()))));
        replies.extend(kept.syncing.take().map(|to| (to, GroupResponse::Synced { error, user_data: vec![] })));
        self.members.insert(member_id.clone(), kept);
        self.register(to, &member_id, joining);
        let leader = self.leader.clone();
        if self.leader == former {
            self.leader = member_id.clone();
        }
        if self.phase == Phase::Stable {
            self.returns += 1;
            replies.extend(self.answer_join_naming(now_ms, &member_id, leader));
        } else {
            replies.extend(self.prepare(now_ms));
        }
        replies
    }

    /// Starts a rebalance or goes on with one.
    pub(super) fn prepare(&mut self, now_ms: i64) -> Replies {
        let mut replies = Replies::new();
        if !matches!(self.phase, Phase::Preparing { .. }) {
            for member in self.members.values_mut() {
                let error = error_code::REBALANCE_IN_PROGRESS;
                let refused = member.syncing.take().map(|to| (to, GroupResponse::Synced { error, user_data: vec![] }));
                replies.extend(refused);
            }
            let longest_ms = self.members.values().map(|member| member.rebalance_ms).max().unwrap_or(0);
            self.phase = Phase::Preparing { until_ms: now_ms + longest_ms };
        }
        if self.members.values().all(|member| member.joining.is_some()) {
            replies.extend(self.complete_join(now_ms));
        }
        replies
    }

    pub(super) fn complete_join(&mut self, now_ms: i64) -> Replies {
        self.generation += 1;
        let Some(first) = self.members.keys().next() else {
            self.phase = Phase::Empty;
            return Replies::new();
        };
        if !self.members.contains_key(&self.leader) {
            self.leader = first.clone();
        }
        self.phase = Phase::Completing;
        self.members.values_mut().for_each(|member| member.assignment.clear());
        let ids: Vec<String> = self.members.keys().cloned().collect();
        ids.iter().flat_map(|id| self.answer_join(now_ms, id)).collect()
    }

    pub(super) fn answer_join(&mut self, now_ms: i64, member_id: &str) -> Replies {
        self.answer_join_naming(now_ms, member_id, self.leader.clone())
    }

    fn answer_join_naming(&mut self, now_ms: i64, member_id: &str, leader: String) -> Replies {
        let seen = |(id, member): (&String, &Registered)| JoinedMember {
            member_id: id.clone(),
            instance_id: member.instance_id.clone(),
            user_data: member.user_data.clone(),
        };
        let members = if leader == member_id { self.members.iter().map(seen).collect() } else { vec![] };
        let generation = self.generation;
        let Some(member) = self.members.get_mut(member_id) else {
            return vec![];
        };
        member.expires_ms = now_ms + member.session_ms;
        let answer = GroupResponse::Joined { error: 0, generation, leader, member_id: member_id.into(), members };
        member.joining.take().map(|to| (to, answer)).into_iter().collect()
    }

    pub(super) fn sync(
        &mut self,
        now_ms: i64,
        to: ReplyTo,
        member_id: &str,
        valid: Result<(), i16>,
        plan: BTreeMap<String, Vec<u8>>,
    ) -> Replies {
        let refuse = |error| vec![(to, GroupResponse::Synced { error, user_data: vec![] })];
        if let Err(error) = valid {
            return refuse(error);
        }
        match self.phase {
            Phase::Empty | Phase::Preparing { .. } => {
                return refuse(error_code::REBALANCE_IN_PROGRESS);
            }
            Phase::Completing if self.leader == member_id => {
                self.phase = Phase::Stable;
                for (id, user_data) in plan {
                    self.members.entry(id).and_modify(|member| member.assignment = user_data);
                }
            }
            Phase::Completing | Phase::Stable => {}
        }
        self.members.entry(member_id.to_owned()).and_modify(|member| member.syncing = Some(to));
        if self.phase == Phase::Stable { self.answer_syncs(now_ms) } else { vec![] }
    }

    pub(super) fn answer_syncs(&mut self, now_ms: i64) -> Replies {
        let mut replies = Replies::new();
        for member in self.members.values_mut() {
            if let Some(to) = member.syncing.take() {
                member.expires_ms = now_ms + member.session_ms;
                replies.push((to, GroupResponse::Synced { error: 0, user_data: member.assignment.clone() }));
            }
        }
        replies
    }
}

fn refuse_join(error: i16, member_id: String) -> GroupResponse {
    GroupResponse::Joined { error, generation: -1, leader: String::new(), member_id, members: vec![] }
}
