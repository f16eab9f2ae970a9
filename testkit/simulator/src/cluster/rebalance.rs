//! Joins and syncs: the way of a group from one generation to the next.

use super::coordinator::{Coordinator, Phase, Registered, Replies};
use super::network::ReplyTo;
use comanda_streams::broker::{GroupResponse, JoinedMember, error_code};
use std::collections::BTreeMap;

impl Coordinator {
    pub(super) fn join(
        &mut self,
        now_ms: i64,
        to: ReplyTo,
        member_id: String,
        (session_ms, rebalance_ms): (i64, i64),
        user_data: Vec<u8>,
    ) -> Replies {
        if member_id.is_empty() {
            self.ids_given += 1;
            let id = format!("member-{}", self.ids_given);
            self.pending.insert(id.clone());
            return vec![(to, refuse_join(error_code::MEMBER_ID_REQUIRED, id))];
        }
        if !self.pending.remove(&member_id) && !self.members.contains_key(&member_id) {
            return vec![(to, refuse_join(error_code::UNKNOWN_MEMBER_ID, member_id))];
        }
        let leads = self.leader == member_id;
        let unchanged = self.members.get(&member_id).is_some_and(|known| known.user_data == user_data);
        let member = self.members.entry(member_id.clone()).or_default();
        *member = Registered { user_data, session_ms, rebalance_ms, joining: Some(to), ..std::mem::take(member) };
        // Who asks again without anything new is told what holds; a leader's join always starts a rebalance.
        let is_repetition = match self.phase {
            Phase::Completing => unchanged,
            Phase::Stable => unchanged && !leads,
            Phase::Empty | Phase::Preparing { .. } => false,
        };
        if is_repetition { self.answer_join(now_ms, &member_id) } else { self.prepare(now_ms) }
    }

    /// Begins a rebalance, or goes on with the one under way.
    pub(super) fn prepare(&mut self, now_ms: i64) -> Replies {
        let mut replies = Replies::new();
        if !matches!(self.phase, Phase::Preparing { .. }) {
            for member in self.members.values_mut() {
                let refused = GroupResponse::Synced { error: error_code::REBALANCE_IN_PROGRESS, user_data: vec![] };
                replies.extend(member.syncing.take().map(|to| (to, refused)));
            }
            let longest_ms = self.members.values().map(|member| member.rebalance_ms).max().unwrap_or(0);
            self.phase = Phase::Preparing { until_ms: now_ms + longest_ms };
        }
        if self.members.values().all(|member| member.joining.is_some()) {
            replies.extend(self.complete_join(now_ms));
        }
        replies
    }

    /// A new generation of those who have joined.
    pub(super) fn complete_join(&mut self, now_ms: i64) -> Replies {
        self.generation += 1;
        let Some(first) = self.members.keys().next().cloned() else {
            self.phase = Phase::Empty;
            return Replies::new();
        };
        if !self.members.contains_key(&self.leader) {
            self.leader = first;
        }
        self.phase = Phase::Completing;
        self.members.values_mut().for_each(|member| member.assignment.clear());
        self.members().iter().flat_map(|id| self.answer_join(now_ms, id)).collect()
    }

    fn answer_join(&mut self, now_ms: i64, member_id: &str) -> Replies {
        let seen = |(id, member): (&String, &Registered)| JoinedMember {
            member_id: id.clone(),
            instance_id: None,
            user_data: member.user_data.clone(),
        };
        let members = if self.leader == member_id { self.members.iter().map(seen).collect() } else { vec![] };
        let (generation, leader) = (self.generation, self.leader.clone());
        let Some(member) = self.members.get_mut(member_id) else { return vec![] };
        member.expires_ms = now_ms + member.session_ms;
        let answer = GroupResponse::Joined { error: 0, generation, leader, member_id: member_id.into(), members };
        member.joining.take().map(|to| (to, answer)).into_iter().collect()
    }

    pub(super) fn sync(
        &mut self,
        now_ms: i64,
        to: ReplyTo,
        member_id: &str,
        generation: i32,
        plan: BTreeMap<String, Vec<u8>>,
    ) -> Replies {
        let refuse = |error| vec![(to, GroupResponse::Synced { error, user_data: vec![] })];
        if let Err(error) = self.validate(member_id, generation) {
            return refuse(error);
        }
        match self.phase {
            Phase::Empty | Phase::Preparing { .. } => return refuse(error_code::REBALANCE_IN_PROGRESS),
            Phase::Completing if self.leader == member_id => {
                self.phase = Phase::Stable;
                for (id, user_data) in plan {
                    self.members.entry(id).and_modify(|member| member.assignment = user_data);
                }
                self.store();
            }
            Phase::Completing | Phase::Stable => {}
        }
        if let Some(member) = self.members.get_mut(member_id) {
            member.syncing = Some(to);
        }
        if self.phase == Phase::Stable { self.answer_syncs(now_ms) } else { vec![] }
    }

    fn answer_syncs(&mut self, now_ms: i64) -> Replies {
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
