//! Where a member stands, and from where to where it may go.

/// State of a [`Member`](super::Member).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not in the group, nothing owned.
    Unjoined,
    /// JoinGroup is sent or about to be; tasks go on, commits wait.
    Joining,
    /// In the new generation; the leader assigns, everybody waits in SyncGroup. Commits wait.
    Syncing,
    /// Assigned; heartbeats.
    Stable,
    /// A new join is due; the thread commits under the old generation first. Heartbeats go on.
    Rejoining,
    /// The tasks are lost; the thread aborts and closes them.
    Losing,
    /// LeaveGroup is sent or about to be.
    Leaving,
    /// Out of the group for good.
    Left,
}

/// The only ways. `Leaving` and `Left` can be reached from everywhere.
const TRANSITIONS: &[(State, State)] = &[
    (State::Unjoined, State::Joining),  // poll
    (State::Joining, State::Syncing),   // joined
    (State::Joining, State::Unjoined),  // the coordinator forgot a member that owns nothing
    (State::Joining, State::Losing),    // the coordinator forgot this member, or its session ran out
    (State::Syncing, State::Stable),    // assigned
    (State::Syncing, State::Joining),   // another rebalance, a coordinator that moves, a leader that could not assign
    (State::Syncing, State::Unjoined),  // as from Joining
    (State::Syncing, State::Losing),    // as from Joining
    (State::Stable, State::Rejoining),  // rebalance announced, tasks let go, probing
    (State::Stable, State::Losing),     // fenced or session ran out
    (State::Rejoining, State::Joining), // the thread has committed
    (State::Rejoining, State::Losing),  // as from Stable
    (State::Unjoined, State::Losing),   // refused for good
    (State::Losing, State::Unjoined),   // the thread has closed its tasks
];

impl State {
    pub(super) fn may_become(self, next: State) -> bool {
        self != State::Left && (matches!(next, State::Left | State::Leaving) || TRANSITIONS.contains(&(self, next)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_are_adopted_only_through_a_join_and_a_sync() {
        let into = |state| TRANSITIONS.iter().filter(|way| way.1 == state).map(|way| way.0).collect::<Vec<_>>();
        assert_eq!(into(State::Stable), [State::Syncing]);
        assert_eq!(into(State::Syncing), [State::Joining]);
    }

    #[test]
    fn nothing_follows_after_left() {
        assert!(!State::Left.may_become(State::Unjoined));
        assert!(!State::Left.may_become(State::Leaving));
    }
}
