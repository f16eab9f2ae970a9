//! What goes wrong in a run, and how often: each seed draws its own mixture.

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
    /// Once in so many moments a compacted topic is cleaned.
    pub compact_one_in: u64,
}

impl Faults {
    /// A mixture: most seeds have many kinds, some only a few.
    pub fn draw(dice: &mut Dice) -> Self {
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
            compact_one_in: rate(&[50, 200]),
        };
        faults.longest_stall_ms = dice.pick(&[50, 1_000, 12_000]);
        faults.latest_marker_ms = dice.pick(&[100, 1_000, 4_000]);
        faults.longest_freeze_ms = dice.pick(&[1_000, 15_000]);
        faults
    }

    /// Nothing goes wrong.
    pub fn none() -> Self {
        Self::default()
    }
}
