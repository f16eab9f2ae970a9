//! What goes wrong.

use super::network::broken;
use super::thread::Thread;
use super::{SLOTS, World};

impl World {
    pub(super) fn disturb(&mut self) {
        let slot = self.dice.below(self.slots.len() as u64) as usize;
        match self.dice.below(200) {
            0 => self.kill(slot),
            1 => self.stop(slot),
            2..8 => self.start(slot),
            8 => self.slots[slot].stalled_until_ms = self.now_ms + self.dice.below(15_000) as i64,
            9 => self.arrive(slot, self.slots[slot].request, broken()),
            10 if self.dice.once_in(4) => {
                self.coordinator_away_until_ms = self.now_ms + self.dice.below(3_000) as i64;
            }
            11 if self.dice.once_in(4) => self.restart_process(slot / usize::from(SLOTS)),
            _ => {}
        }
    }

    /// Nothing is said to anybody; open transactions stay open.
    pub(super) fn kill(&mut self, slot: usize) {
        self.slots[slot].thread = None;
        self.slots[slot].request += 1;
    }

    pub(super) fn restart_process(&mut self, process: usize) {
        let slots = process * usize::from(SLOTS)..(process + 1) * usize::from(SLOTS);
        slots.clone().for_each(|slot| self.kill(slot));
        slots.for_each(|slot| self.start(slot));
    }

    /// Its last request goes out; nobody waits for the answer.
    pub(super) fn stop(&mut self, slot: usize) {
        self.with_thread(slot, |thread, now_ms, around| {
            if let Some(thread) = thread {
                thread.leave(now_ms, around);
            }
        });
        self.post(slot);
        self.kill(slot);
    }

    pub(super) fn start(&mut self, slot: usize) {
        let (process, number) = (slot as u8 / SLOTS, slot as u8 % SLOTS);
        self.slots[slot].request += 1;
        let is_static = process < self.static_processes;
        self.with_thread(slot, |thread, _, around| {
            thread.get_or_insert_with(|| Thread::start(process, number, is_static, around));
        });
    }
}
