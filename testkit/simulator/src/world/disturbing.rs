//! What goes wrong between steps.

use super::World;
use super::instance::Instance;
use crate::faults::Faults;

/// How long a rebalance storm lasts at most, and how often within it a group is disturbed.
const LONGEST_STORM_MS: i64 = 6_000;
const STORM_ONE_IN: u64 = 4;
/// How long a coordinator is away at most.
const LONGEST_COORDINATOR_AWAY_MS: i64 = 3_000;
/// A clock that goes back does so by no more: what follows the wall clock waits for so long.
const LONGEST_BACK_MS: i64 = 1_500;
/// Leaps of clocks that go forward; the last is longer than tombstones are kept.
const LEAPS_MS: [i64; 3] = [2_000, 3_600_000, 30 * 3_600_000];

impl World {
    fn once_in(&self, rate: impl Fn(&Faults) -> u64) -> bool {
        let mut cluster = self.cluster();
        let one_in = rate(&cluster.faults);
        cluster.dice.once_in(one_in)
    }

    fn note(&self, fault: &'static str) {
        self.cluster().note(fault);
    }

    /// What goes wrong between steps.
    pub(super) fn disturb(&self) {
        let any = self.cluster().dice.below(self.instances.len() as u64) as usize;
        self.disturb_instance(&self.instances[any]);
        self.disturb_groups();
        self.disturb_topics();
        if self.once_in(|faults| faults.fence_one_in) {
            let mut cluster = self.cluster();
            let ids: Vec<String> = cluster.transactional_ids.keys().cloned().collect();
            if !ids.is_empty() {
                let id = &ids[cluster.dice.below(ids.len() as u64) as usize];
                cluster.note("producer fenced by somebody else");
                cluster.fence(id);
            }
        }
    }

    fn disturb_instance(&self, instance: &Instance) {
        if self.once_in(|faults| faults.kill_one_in) {
            self.note("instance killed between steps");
            self.kill(instance);
        }
        if self.once_in(|faults| faults.stop_one_in) {
            self.note("instance stopped");
            instance.stop();
        }
        if self.once_in(|faults| faults.freeze_one_in) {
            self.note("instance frozen");
            let mut cluster = self.cluster();
            let longest_ms = cluster.faults.longest_freeze_ms;
            instance.life.borrow_mut().frozen_until_ms = cluster.now_ms + cluster.dice.ms(longest_ms);
        }
        if self.once_in(|faults| faults.clock_leap_one_in) {
            let mut cluster = self.cluster();
            let back = cluster.dice.once_in(2);
            let leap_ms = if back { -cluster.dice.ms(LONGEST_BACK_MS) } else { cluster.dice.pick(&LEAPS_MS) };
            cluster.note(if back { "clock goes back" } else { "clock leaps" });
            instance.life.borrow_mut().clock_ahead_ms += leap_ms;
        }
    }

    fn disturb_groups(&self) {
        if self.once_in(|faults| faults.evict_one_in) {
            self.cluster().evict_any();
        }
        if self.once_in(|faults| faults.coordinator_away_one_in) {
            self.note("coordinator away");
            let mut cluster = self.cluster();
            let for_ms = cluster.dice.ms(LONGEST_COORDINATOR_AWAY_MS);
            cluster.send_coordinators_away(for_ms);
        }
        if self.once_in(|faults| faults.coordinator_moves_one_in) {
            self.note("coordinator moves");
            let mut cluster = self.cluster();
            let for_ms = cluster.dice.ms(LONGEST_COORDINATOR_AWAY_MS);
            cluster.move_coordinators(for_ms);
        }
        if self.once_in(|faults| faults.storm_one_in) {
            self.note("rebalance storm");
            let mut cluster = self.cluster();
            cluster.storm_until_ms = cluster.now_ms + cluster.dice.ms(LONGEST_STORM_MS);
        }
        let mut cluster = self.cluster();
        if cluster.now_ms < cluster.storm_until_ms && cluster.dice.once_in(STORM_ONE_IN) {
            cluster.rebalance_all();
        }
    }

    fn disturb_topics(&self) {
        if self.once_in(|faults| faults.compact_one_in) {
            self.cluster().compact_any();
        }
        let any = self.cluster().dice.below(self.deployments.len() as u64) as usize;
        let deployment = &self.deployments[any];
        let inputs = deployment.fed_inputs(&self.cluster());
        if self.once_in(|faults| faults.trim_one_in) {
            self.cluster().trim_any(deployment.id, inputs.clone());
        }
        let is_away = self.instances.iter().all(|i| i.deployment != any || i.life.borrow().process.is_none());
        if is_away && deployment.is_exactly_once() && self.once_in(|faults| faults.expire_one_in) {
            self.cluster().expire_any(deployment.id, inputs);
        }
        if is_away && self.once_in(|faults| faults.remake_one_in) {
            self.cluster().remake_any(deployment.id);
        }
    }
}
