//! What goes wrong in a run, and how often: each seed draws its own mixture.

use crate::applications::Promise;
use crate::dice::Dice;

/// Rates of faults; "one in 0" never happens.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// One broker call in so many is the last of its instance: before it takes effect, or right after.
    pub crash_one_in: u64,
    /// One broker call in so many lasts long, before or after it takes effect: others go on meanwhile.
    pub stall_one_in: u64,
    /// The longest such stall.
    pub longest_stall_ms: i64,
    /// One broker call in so many fails, with or without having taken effect.
    pub fail_one_in: u64,
    /// One commit in so many gets no answer: done, not done, or done some time later.
    pub unknown_commit_one_in: u64,
    /// One transaction in so many has its markers written late, each at its own time.
    pub late_markers_one_in: u64,
    /// How late at most.
    pub latest_marker_ms: i64,
    /// One group message in so many is lost.
    pub lose_message_one_in: u64,
    /// Once in so many moments an instance is killed between two steps.
    pub kill_one_in: u64,
    /// Once in so many moments an instance is told to stop.
    pub stop_one_in: u64,
    /// Once in so many moments an instance is not run for a while.
    pub freeze_one_in: u64,
    /// The longest such while.
    pub longest_freeze_ms: i64,
    /// Once in so many moments somebody else takes over an instance's transactional id.
    pub fence_one_in: u64,
    /// Once in so many moments the coordinator forgets a member.
    pub evict_one_in: u64,
    /// Once in so many moments the coordinator is away for a while.
    pub coordinator_away_one_in: u64,
    /// Once in so many moments the coordinators move to another broker, which knows what was stored.
    pub coordinator_moves_one_in: u64,
    /// Once in so many moments rebalances begin one after the other for a while.
    pub storm_one_in: u64,
    /// Once in so many moments an instance's wall clock leaps, or goes back a little.
    pub clock_leap_one_in: u64,
    /// One input in so many cannot be read.
    pub spoil_one_in: u64,
    /// Once in so many moments a compacted topic is cleaned.
    pub compact_one_in: u64,
    /// Once in so many moments inputs that are read are deleted.
    pub trim_one_in: u64,
    /// Once in so many moments without an instance of an application inputs are deleted that it has not read.
    pub expire_one_in: u64,
    /// Once in so many such moments a change log is made again from a copy.
    pub remake_one_in: u64,
}

impl Faults {
    /// A mixture: most seeds have many kinds, some only a few.
    pub(crate) fn draw(dice: &mut Dice, promise: Promise) -> Self {
        let mut rate = |rates: &[u64]| if dice.once_in(3) { 0 } else { dice.pick(rates) };
        let mut faults = Self {
            crash_one_in: rate(&[80, 300, 1_000]),
            stall_one_in: rate(&[60, 200, 800]),
            longest_stall_ms: 0,
            fail_one_in: rate(&[15, 60, 300]),
            unknown_commit_one_in: rate(&[3, 15, 60]),
            late_markers_one_in: rate(&[1, 3, 10]),
            latest_marker_ms: 0,
            lose_message_one_in: rate(&[20, 60, 200]),
            kill_one_in: rate(&[150, 500]),
            stop_one_in: rate(&[60, 200, 600]),
            freeze_one_in: rate(&[100, 400]),
            longest_freeze_ms: 0,
            fence_one_in: rate(&[300, 1_000]),
            evict_one_in: rate(&[60, 200, 600]),
            coordinator_away_one_in: rate(&[600, 1_500]),
            coordinator_moves_one_in: rate(&[400, 1_200]),
            storm_one_in: rate(&[500, 1_500]),
            clock_leap_one_in: rate(&[200, 800]),
            spoil_one_in: rate(&[8, 60, 200]),
            compact_one_in: rate(&[50, 200]),
            trim_one_in: rate(&[50, 200]),
            expire_one_in: rate(&[30, 200]),
            remake_one_in: rate(&[30, 200]),
        };
        faults.longest_stall_ms = dice.pick(&[50, 1_000, 12_000]);
        faults.latest_marker_ms = dice.pick(&[100, 1_000, 4_000]);
        faults.longest_freeze_ms = dice.pick(&[1_000, 15_000]);
        if promise == Promise::AtLeastOnce { faults.without_zombies() } else { faults }
    }

    /// Without those by which a task gets a second owner while the first still believes in it.
    fn without_zombies(self) -> Self {
        Self {
            stall_one_in: 0,
            lose_message_one_in: 0,
            freeze_one_in: 0,
            evict_one_in: 0,
            coordinator_away_one_in: 0,
            coordinator_moves_one_in: 0,
            ..self
        }
    }

    /// Nothing goes wrong.
    pub fn none() -> Self {
        Self::default()
    }
}
