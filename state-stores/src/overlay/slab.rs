//! Where slots lie: in chunks, so that growing copies nothing and leaves no room of half the size behind.

use super::slot::Slot;

/// Slots a chunk: some 25 kB, which no allocator takes for large.
const CHUNK_SLOTS: usize = 256;

/// Slots by their numbers; a number given back is given out again.
#[derive(Default)]
pub(super) struct Slab {
    chunks: Vec<Vec<Option<Slot>>>,
    free: Vec<u32>,
}

impl Slab {
    /// Numbers given out so far, those given back included.
    pub fn len(&self) -> usize {
        self.chunks.last().map_or(0, |last| (self.chunks.len() - 1) * CHUNK_SLOTS + last.len())
    }

    /// The slot of that number, if it is in use.
    #[inline]
    pub fn get(&self, number: u32) -> Option<&Slot> {
        let number = number as usize;
        self.chunks.get(number / CHUNK_SLOTS)?.get(number % CHUNK_SLOTS)?.as_ref()
    }

    /// The slot of that number, if it is in use.
    #[inline]
    pub fn get_mut(&mut self, number: u32) -> Option<&mut Slot> {
        let number = number as usize;
        self.chunks.get_mut(number / CHUNK_SLOTS)?.get_mut(number % CHUNK_SLOTS)?.as_mut()
    }

    /// Stores a slot under a number of its own.
    pub fn add(&mut self, slot: Slot) -> u32 {
        if let Some(number) = self.free.pop() {
            self.chunks[number as usize / CHUNK_SLOTS][number as usize % CHUNK_SLOTS] = Some(slot);
            return number;
        }
        let number = u32::try_from(self.len()).expect("layers are bounded in bytes, far below 2^32 slots");
        match self.chunks.last_mut().filter(|last| last.len() < CHUNK_SLOTS) {
            Some(last) => last.push(Some(slot)),
            None => {
                let mut chunk = Vec::with_capacity(CHUNK_SLOTS);
                chunk.push(Some(slot));
                self.chunks.push(chunk);
            }
        }
        number
    }

    /// Takes a slot out.
    pub fn remove(&mut self, number: u32) -> Option<Slot> {
        let place = self.chunks.get_mut(number as usize / CHUNK_SLOTS)?.get_mut(number as usize % CHUNK_SLOTS)?;
        let slot = place.take()?;
        self.free.push(number);
        Some(slot)
    }

    /// Takes all of them out.
    pub fn clear(&mut self) {
        self.chunks.clear();
        self.free.clear();
    }
}
