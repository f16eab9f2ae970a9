//! What goes wrong between steps.

use super::World;
use crate::faults::Faults;

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
        let instance = &self.instances[any];
        if self.once_in(|faults| faults.kill_one_in) {
            self.note("instance killed between steps");
            self.kill(instance);
        }
        let stops = self.once_in(|faults| faults.stop_one_in);
        if let Some(thread) = instance.life.borrow_mut().thread.as_mut().filter(|_| stops) {
            self.note("instance stopped");
            thread.stop();
        }
        if self.once_in(|faults| faults.freeze_one_in) {
            self.note("instance frozen");
            let mut cluster = self.cluster();
            let longest_ms = cluster.faults.longest_freeze_ms;
            instance.life.borrow_mut().frozen_until_ms = cluster.now_ms + cluster.dice.ms(longest_ms);
        }
        if self.once_in(|faults| faults.fence_one_in) {
            let mut cluster = self.cluster();
            let ids: Vec<String> = cluster.transactional_ids.keys().cloned().collect();
            if !ids.is_empty() {
                let id = &ids[cluster.dice.below(ids.len() as u64) as usize];
                cluster.note("producer fenced by somebody else");
                cluster.fence(id);
            }
        }
        if self.once_in(|faults| faults.evict_one_in) {
            self.cluster().evict_any();
        }
        if self.once_in(|faults| faults.coordinator_away_one_in) {
            self.note("coordinator away");
            let mut cluster = self.cluster();
            let for_ms = cluster.dice.ms(3_000);
            cluster.send_coordinators_away(for_ms);
        }
        if self.once_in(|faults| faults.compact_one_in) {
            self.cluster().compact_any();
        }
    }
}
