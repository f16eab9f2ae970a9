//! The sink as a member of a classic consumer group: a task per Kafka partition, placed by the engine's assignor.

use crate::error::SinkError;
use comanda_streams::TaskId;
use comanda_streams::broker::{Admin, GroupIdentity, GroupTransport, MemberAssignment, OffsetToCommit, TopicPartition};
use comanda_streams::membership::{
    Action, AssignorConfig, CommitOutcome, GroupMember, LeaderError, LocalState, LossReason, Member, MemberConfig,
    NotNow, ProcessId, Profile, Round, Subscription, TaskSpec, assign,
};
use std::collections::{BTreeSet, VecDeque};
use std::hash::Hasher;

/// Others wait so long for a member to rejoin: an insert under way does not have to end before that.
const REBALANCE_TIMEOUT_MS: i32 = 30_000;

/// What the loop has to act on.
#[derive(Debug)]
pub(crate) enum GroupEvent {
    /// These are the partitions from now on, after [`Group::applied`].
    Assigned(BTreeSet<TaskId>),
    /// Commit what is done, then [`Group::ready_to_join`].
    PrepareRejoin,
    /// All partitions are lost; drop them, then [`Group::closed`].
    Lost(LossReason),
    Committed(CommitOutcome),
    Left,
}

/// One member's connection and state.
pub(crate) struct Group {
    member: Member,
    transport: Box<dyn GroupTransport>,
    /// In the order that numbers the tasks' sub-topologies.
    topics: Vec<String>,
    topology: u64,
    events: VecDeque<GroupEvent>,
}

/// Who joins.
pub(crate) struct Joining<'a> {
    pub group_id: &'a str,
    pub instance_id: Option<String>,
    pub session_timeout_ms: i32,
    /// Names this process among the members.
    pub client: uuid::Uuid,
    pub topics: Vec<String>,
}

impl Group {
    /// Joins at the first [`Group::step`].
    pub fn new(joining: Joining, transport: Box<dyn GroupTransport>) -> Self {
        let topology = fingerprint(&joining.topics);
        let profile = Profile {
            process_id: ProcessId(*joining.client.as_bytes()),
            endpoint: None,
            transactional_id: joining.client.to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            topology,
        };
        let config = MemberConfig {
            group_id: joining.group_id.to_owned(),
            session_timeout_ms: joining.session_timeout_ms,
            heartbeat_interval_ms: joining.session_timeout_ms / 4,
            rebalance_timeout_ms: REBALANCE_TIMEOUT_MS,
            probing_interval_ms: i64::from(i32::MAX), // nothing to warm up
            instance_id: joining.instance_id,
            topics: joining.topics.clone(),
            profile,
        };
        Self {
            member: Member::new(config, LocalState::default()),
            transport,
            topics: joining.topics,
            topology,
            events: VecDeque::new(),
        }
    }

    /// Takes answers, sends what is due.
    pub fn step(&mut self, now_ms: i64, admin: &mut dyn Admin) {
        while let Some(response) = self.transport.poll() {
            let actions = self.member.on_response(now_ms, response);
            self.act(now_ms, admin, actions);
        }
        let actions = self.member.poll(now_ms);
        self.act(now_ms, admin, actions);
    }

    /// What has to be acted on next.
    pub fn next_event(&mut self) -> Option<GroupEvent> {
        self.events.pop_front()
    }

    fn act(&mut self, now_ms: i64, admin: &mut dyn Admin, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::RunLeader { generation, members } => {
                    let result = self.lead(generation, members, admin);
                    let actions = self.member.leader_assignment(now_ms, generation, result);
                    self.act(now_ms, admin, actions);
                }
                Action::Assigned { assignment, .. } => {
                    if let Some(reason) = &assignment.error {
                        tracing::error!(reason, "the group's leader could not assign partitions");
                    }
                    self.events.push_back(GroupEvent::Assigned(assignment.active));
                }
                other => self.act_without_leading(other),
            }
        }
    }

    /// For the calls that cannot make this member the leader.
    fn act_simply(&mut self, actions: Vec<Action>) {
        actions.into_iter().for_each(|action| self.act_without_leading(action));
    }

    fn act_without_leading(&mut self, action: Action) {
        match action {
            Action::Send(request) => self.transport.send(request),
            Action::PrepareRejoin => self.events.push_back(GroupEvent::PrepareRejoin),
            Action::Lost { reason } => self.events.push_back(GroupEvent::Lost(reason)),
            Action::Committed(outcome) => self.events.push_back(GroupEvent::Committed(outcome)),
            Action::Left => self.events.push_back(GroupEvent::Left),
            Action::RunLeader { .. } | Action::Assigned { .. } => {
                unreachable!("only an answer of the coordinator brings these")
            }
        }
    }

    fn lead(
        &self,
        generation: i32,
        members: Vec<(String, Subscription)>,
        admin: &mut dyn Admin,
    ) -> Result<Vec<MemberAssignment>, LeaderError> {
        let names: Vec<&str> = self.topics.iter().map(String::as_str).collect();
        let found = admin.describe_topics(&names).map_err(|error| LeaderError::Retry(error.to_string()))?;
        let mut tasks = Vec::new();
        for (number, topic) in (0..).zip(found) {
            // A topic that is gone has no partitions to give; those who read it say so.
            let partitions = topic.map_or(0, |topic| topic.partitions);
            tasks.extend((0..partitions).map(|partition| TaskSpec {
                id: TaskId::new(number, partition),
                stateful: false,
                end_offset_sum: 0,
            }));
        }
        let member = |(member_id, subscription)| GroupMember { member_id, subscription };
        let members: Vec<GroupMember> = members.into_iter().map(member).collect();
        let round = Round { generation, topology: self.topology };
        let plan = assign(&members, &tasks, &AssignorConfig::default(), round);
        Ok(plan.encode(|task| self.partition_of(task).into_iter().collect()))
    }

    /// The partition that a task stands for.
    pub fn partition_of(&self, task: TaskId) -> Option<TopicPartition> {
        let topic = self.topics.get(task.sub_topology as usize)?;
        Some(TopicPartition::new(topic.as_str(), task.partition))
    }

    /// The assignment of the last [`GroupEvent::Assigned`] counts from here.
    pub fn applied(&mut self) {
        let actions = self.member.applied();
        self.act_simply(actions);
    }

    /// The offsets of `task` are fetched.
    pub fn opened(&mut self, task: TaskId) {
        self.member.opened(task);
    }

    /// `tasks` are let go of.
    pub fn revoked(&mut self, tasks: &[TaskId]) {
        let actions = self.member.revoked(tasks);
        self.act_simply(actions);
    }

    /// What could be committed is.
    pub fn ready_to_join(&mut self, now_ms: i64) {
        let actions = self.member.ready_to_join(now_ms);
        self.act_simply(actions);
    }

    /// Everything is dropped.
    pub fn closed(&mut self, now_ms: i64) {
        let actions = self.member.closed(now_ms);
        self.act_simply(actions);
    }

    /// A commit in a transaction was refused because this member is not current any more.
    pub fn fenced(&mut self, now_ms: i64, code: Option<i16>) {
        let actions = self.member.fenced(now_ms, code);
        self.act_simply(actions);
    }

    /// Leaves for good; [`GroupEvent::Left`] follows.
    pub fn leave(&mut self, now_ms: i64) {
        let actions = self.member.leave(now_ms);
        self.act_simply(actions);
    }

    /// Whether a commit may be started.
    pub fn may_commit(&self) -> bool {
        self.member.may_commit()
    }

    /// The pair for a commit in a transaction.
    pub fn identity(&self) -> Option<GroupIdentity> {
        self.member.identity()
    }

    /// Commits as a member; [`GroupEvent::Committed`] follows.
    pub fn commit(&mut self, now_ms: i64, offsets: Vec<OffsetToCommit>) -> Result<(), NotNow> {
        let actions = self.member.commit_offsets(now_ms, offsets)?;
        self.act_simply(actions);
        Ok(())
    }
}

/// Members that deliver other topics number their tasks otherwise: the leader gives tasks to its own kind only.
fn fingerprint(topics: &[String]) -> u64 {
    let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
    topics.iter().for_each(|topic| {
        hasher.write(topic.as_bytes());
        hasher.write(&[0]);
    });
    hasher.finish()
}

/// FNV-1a: the same in every build, unlike the standard library's hasher.
struct Fnv(u64);

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The error that a final loss ends the sink with.
pub(crate) fn final_loss(group_id: &str, reason: &LossReason) -> Option<SinkError> {
    reason.is_final().then(|| SinkError::Group { group: group_id.to_owned(), reason: reason.to_string() })
}
