//! Group messages on their way: late, lost, or left on a broken connection.

use super::Cluster;
use super::coordinator::{Coordinator, Replies};
use comanda_streams::broker::{BrokerError, ErrorKind, GroupRequest, GroupResponse, error_code};
use std::collections::{BTreeMap, VecDeque};

/// One connection of a member to its coordinator.
pub(crate) type ConnectionId = usize;

/// Where an answer goes: the connection, and the number of its request.
pub(crate) type ReplyTo = (ConnectionId, u64);

/// The longest that a message is under way.
const LONGEST_WAY_MS: i64 = 60;

enum Message {
    Request(GroupRequest),
    Answer(GroupResponse),
}

struct Connection {
    group_id: String,
    /// Number of the last request that was no heartbeat; answers to earlier ones are lost with their connection.
    number: u64,
    inbox: VecDeque<GroupResponse>,
    closed: bool,
}

/// All that is under way.
#[derive(Default)]
pub(crate) struct Network {
    connections: Vec<Connection>,
    /// By arrival, then by order of sending.
    under_way: BTreeMap<(i64, u64), (ReplyTo, Message)>,
    sent: u64,
    coordinator_away_until_ms: i64,
}

impl Cluster {
    pub fn connect(&mut self, group_id: &str) -> ConnectionId {
        let inbox = VecDeque::new();
        self.network.connections.push(Connection { group_id: group_id.to_owned(), number: 0, inbox, closed: false });
        self.network.connections.len() - 1
    }

    /// What was sent still arrives; nobody hears the answers.
    pub fn disconnect(&mut self, connection: ConnectionId) {
        self.network.connections[connection].closed = true;
    }

    pub fn request(&mut self, connection: ConnectionId, request: GroupRequest) {
        let known = &mut self.network.connections[connection];
        if !matches!(request, GroupRequest::Heartbeat { .. }) {
            known.number += 1;
        }
        let to = (connection, known.number);
        self.send(to, Message::Request(request));
    }

    pub fn response(&mut self, connection: ConnectionId) -> Option<GroupResponse> {
        self.network.connections[connection].inbox.pop_front()
    }

    /// The coordinator answers nothing but NOT_COORDINATOR for a while.
    pub fn send_coordinators_away(&mut self, for_ms: i64) {
        self.network.coordinator_away_until_ms = self.now_ms + for_ms;
    }

    /// Coordinators move to another broker, which answers after a while: what is under way to and from the old one is lost,
    /// whether it has had its effect or not.
    pub fn move_coordinators(&mut self, for_ms: i64) {
        self.send_coordinators_away(for_ms);
        let waiting: Vec<ReplyTo> = self.coordinators.values().flat_map(Coordinator::waiting).collect();
        let now_ms = self.now_ms;
        self.coordinators.values_mut().for_each(|group| group.move_away(now_ms));
        self.network.under_way.values_mut().for_each(|(_, message)| *message = Message::Answer(broken()));
        self.answer(waiting.into_iter().map(|to| (to, broken())).collect());
    }

    /// A member is forgotten without having done anything.
    pub fn evict_any(&mut self) {
        self.disturb_groups("member forgotten", |coordinator, now_ms, unlucky| coordinator.remove(now_ms, unlucky));
    }

    /// A rebalance begins without a reason.
    pub fn rebalance_all(&mut self) {
        self.disturb_groups("rebalance for no reason", |coordinator, now_ms, _| coordinator.prepare(now_ms));
    }

    fn disturb_groups(&mut self, fault: &'static str, act: impl Fn(&mut Coordinator, i64, &str) -> Replies) {
        let now_ms = self.now_ms;
        let groups: Vec<String> = self.coordinators.keys().cloned().collect();
        for group in groups {
            let Some(coordinator) = self.coordinators.get_mut(&group) else { continue };
            let members = coordinator.members();
            if !members.is_empty() {
                let unlucky = &members[self.dice.below(members.len() as u64) as usize];
                let replies = act(coordinator, now_ms, unlucky);
                self.note(fault);
                self.answer(replies);
            }
        }
    }

    /// Delivers what has arrived and lets sessions run out.
    pub(super) fn advance_groups(&mut self) {
        while let Some(first) = self.network.under_way.first_entry() {
            if first.key().0 > self.now_ms {
                break;
            }
            let (to, message) = first.remove();
            match message {
                Message::Request(request) => self.arrive(to, request),
                Message::Answer(answer) => self.hear(to, answer),
            }
        }
        let now_ms = self.now_ms;
        if now_ms >= self.network.coordinator_away_until_ms {
            let replies: Replies = self.coordinators.values_mut().flat_map(|group| group.tick(now_ms)).collect();
            self.answer(replies);
        }
    }

    fn send(&mut self, to: ReplyTo, message: Message) {
        let lost = self.dice.once_in(self.faults.lose_message_one_in);
        let delay_ms = 1 + self.dice.ms(LONGEST_WAY_MS);
        let is_heartbeat = matches!(
            message,
            Message::Request(GroupRequest::Heartbeat { .. }) | Message::Answer(GroupResponse::Heartbeat { .. })
        );
        let message = match message {
            _ if lost && is_heartbeat => {
                self.note("heartbeat lost");
                if self.dice.once_in(2) {
                    return; // never heard of again
                }
                Message::Answer(GroupResponse::Heartbeat { error: error_code::COORDINATOR_NOT_AVAILABLE })
            }
            _ if lost => {
                self.note("group message lost");
                Message::Answer(broken())
            }
            message => message,
        };
        self.network.sent += 1;
        self.network.under_way.insert((self.now_ms + delay_ms, self.network.sent), (to, message));
    }

    fn answer(&mut self, replies: Replies) {
        for (to, reply) in replies {
            self.send(to, Message::Answer(reply));
        }
    }

    fn arrive(&mut self, to: ReplyTo, request: GroupRequest) {
        if self.now_ms < self.network.coordinator_away_until_ms {
            return self.answer(vec![(to, refusal(&request))]);
        }
        let group_id = self.network.connections[to.0].group_id.clone();
        let coordinator = self.coordinators.entry(group_id.clone()).or_default();
        let member_id = member_of(&request).to_owned();
        let replies = coordinator.handle(self.now_ms, to, request);
        let to_store = std::mem::take(&mut coordinator.to_store);
        self.check_ownership(&group_id, &member_id, &to_store);
        // Outside transactions a position may go back: what was not committed is done again.
        drop(self.offsets.entry(group_id).or_default().commit(to_store));
        self.answer(replies);
    }

    /// An answer reaches its member unless the connection it belongs to is gone.
    fn hear(&mut self, (connection, number): ReplyTo, answer: GroupResponse) {
        let known = &mut self.network.connections[connection];
        let is_heartbeat = matches!(answer, GroupResponse::Heartbeat { .. });
        if known.closed || !(is_heartbeat || known.number == number) {
            return;
        }
        if matches!(answer, GroupResponse::Failed { .. }) {
            known.number += 1;
        }
        known.inbox.push_back(answer);
    }
}

fn broken() -> GroupResponse {
    GroupResponse::Failed { error: BrokerError::new(ErrorKind::Retriable, "group request", "connection reset") }
}

fn refusal(request: &GroupRequest) -> GroupResponse {
    let error = error_code::NOT_COORDINATOR;
    match request {
        GroupRequest::Join { .. } => {
            let (generation, leader, member_id, members) = (-1, String::new(), String::new(), vec![]);
            GroupResponse::Joined { error, generation, leader, member_id, members }
        }
        GroupRequest::Sync { .. } => GroupResponse::Synced { error, user_data: vec![] },
        GroupRequest::Heartbeat { .. } => GroupResponse::Heartbeat { error },
        GroupRequest::Leave { .. } => GroupResponse::Left { error },
        GroupRequest::CommitOffsets { .. } => GroupResponse::Committed { error },
    }
}

fn member_of(request: &GroupRequest) -> &str {
    match request {
        GroupRequest::Join { member_id, .. }
        | GroupRequest::Sync { member_id, .. }
        | GroupRequest::Heartbeat { member_id, .. }
        | GroupRequest::Leave { member_id, .. }
        | GroupRequest::CommitOffsets { member_id, .. } => member_id,
    }
}
