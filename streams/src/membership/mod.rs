//! Who runs which task: the member's side of Kafka's classic group protocol, and the leader's placement of tasks.
//!
//! Pure code: no clock, thread, randomness or IO. Answers of the coordinator and the time go in, requests and orders to
//! the stream thread come out; the thread moves the bytes with a [`GroupTransport`](crate::broker::GroupTransport).
//!
//! - [`Subscription`] and [`Assignment`]: what members tell the leader and what it tells them, as bytes in `userData`.
//! - [`Member`]: one thread's membership, with the rules that carry exactly-once.
//! - [`assign`]: the leader's decision, a function of the subscriptions.
//!
//! # How a stream thread uses it
//! 1. `init_transactions` under its slot's transactional id, then [`Member::new`].
//! 2. In every step: answers of the transport to [`Member::on_response`], then [`Member::poll`]; before that
//!    [`Member::set_local`] when standbys or the state on the disk have changed. Every call may give [`Action`]s.
//! 3. [`Action::Assigned`]: [`Member::applied`] first. Tasks that are gone: last commit, close, [`Member::revoked`]. Tasks
//!    that are new: fence [`Assignment::fence`], fetch offsets, [`Member::opened`].
//! 4. [`Action::PrepareRejoin`]: commit, then [`Member::ready_to_join`]. [`Action::Lost`]: abort, close everything, then
//!    [`Member::closed`]. [`Action::RunLeader`]: topics, end offsets, [`assign`], then [`Member::leader_assignment`].
//! 5. Commit only while [`Member::may_commit`], with [`Member::identity`]; `ErrorKind::MemberFenced` goes to
//!    [`Member::fenced`].

mod assignment;
mod assignor;
mod codec;
#[cfg(test)]
mod dice;
mod member;
mod owners;
mod process_id;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod simulation;
mod subscription;

pub use assignment::{Assignment, EndpointTasks};
pub use assignor::{AssignorConfig, GroupMember, Plan, Round, TaskSpec, assign};
pub use codec::CodecError;
pub use member::{Action, CommitOutcome, LeaderError, LocalState, LossReason, Member, MemberConfig, NotNow, State};
pub use owners::OwnerMap;
pub use process_id::ProcessId;
pub use subscription::{CAUGHT_UP, Profile, Subscription};
