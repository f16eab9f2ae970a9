//! How far a state reaches: what it stands for in Kafka, saved in the same batch as the state itself.

use std::collections::BTreeMap;
use std::sync::Arc;

/// The positions that a task's state stands for.
///
/// What is committed is merged into what was known: only what changed need be given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Positions {
    /// Store → next change-log offset to restore.
    pub changelogs: BTreeMap<Arc<str>, i64>,
    /// (Topic, partition) → next input offset to process.
    pub inputs: BTreeMap<(Arc<str>, i32), i64>,
    /// What else the engine wants to travel with a commit (partition times, operators' times, topic ids); not
    /// interpreted here. `None`: as before.
    pub engine: Option<Arc<[u8]>>,
}

impl Positions {
    /// The same, with an input position.
    pub fn with_input(mut self, topic: &str, partition: i32, next_offset: i64) -> Self {
        self.inputs.insert((topic.into(), partition), next_offset);
        self
    }

    /// The same, with a store's change-log position.
    pub fn with_changelog(mut self, store: &str, next_offset: i64) -> Self {
        self.changelogs.insert(store.into(), next_offset);
        self
    }

    /// The same, with the engine's own bytes.
    pub fn with_engine(mut self, bytes: &[u8]) -> Self {
        self.engine = Some(bytes.into());
        self
    }

    /// Takes over all that `newer` says.
    pub fn merge(&mut self, newer: &Positions) {
        // Looked up first: in the steady state no key is new and none is cloned.
        for (store, offset) in &newer.changelogs {
            match self.changelogs.get_mut(store) {
                Some(known) => *known = *offset,
                None => drop(self.changelogs.insert(Arc::clone(store), *offset)),
            }
        }
        for (partition, offset) in &newer.inputs {
            match self.inputs.get_mut(partition) {
                Some(known) => *known = *offset,
                None => drop(self.inputs.insert(partition.clone(), *offset)),
            }
        }
        if newer.engine.is_some() {
            self.engine.clone_from(&newer.engine);
        }
    }
}

/// What a backend's metadata table holds: positions, and of each store its layout and times.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SavedState {
    pub positions: Positions,
    pub stores: BTreeMap<Arc<str>, SavedStore>,
}

/// Which change log a store's state is of, and when the two were last known to agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangelogOrigin {
    /// Topic id (KIP-516): a topic that was deleted and made again has another one.
    pub topic_id: [u8; 16],
    /// Wall clock when the state last had all of the log, or when its restore from the log's beginning began: Kafka
    /// keeps the tombstones that either has yet to read for `delete.retention.ms` from then on.
    pub current_ms: i64,
}

/// A store's own times, as saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SavedStore {
    /// What the stored bytes mean (kind and segment length): state of another layout cannot be read.
    pub layout: Arc<str>,
    /// Highest time put; `i64::MIN` if none.
    pub observed_ms: i64,
    /// Last sequence number given to a duplicate.
    pub sequence: u32,
    /// `None` without a change log, and until its restore has begun.
    pub origin: Option<ChangelogOrigin>,
}

/// Key of the saved state in the metadata table.
pub(crate) const SAVED_STATE_KEY: &[u8] = b"state";

/// First byte of the saved state; another one means an unreadable format.
const FORMAT: u8 = 2;

impl SavedState {
    /// Counts and lengths as 4-byte, offsets and times as 8-byte integers, big-endian.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![FORMAT];
        put_len(&mut out, self.positions.changelogs.len());
        for (store, offset) in &self.positions.changelogs {
            put_bytes(&mut out, store.as_bytes());
            out.extend(offset.to_be_bytes());
        }
        put_len(&mut out, self.positions.inputs.len());
        for ((topic, partition), offset) in &self.positions.inputs {
            put_bytes(&mut out, topic.as_bytes());
            out.extend(partition.to_be_bytes());
            out.extend(offset.to_be_bytes());
        }
        out.push(self.positions.engine.is_some().into());
        put_bytes(&mut out, self.positions.engine.as_deref().unwrap_or_default());
        put_len(&mut out, self.stores.len());
        for (name, store) in &self.stores {
            put_bytes(&mut out, name.as_bytes());
            put_bytes(&mut out, store.layout.as_bytes());
            out.extend(store.observed_ms.to_be_bytes());
            out.extend(store.sequence.to_be_bytes());
            out.push(store.origin.is_some().into());
            if let Some(origin) = store.origin {
                out.extend(origin.topic_id);
                out.extend(origin.current_ms.to_be_bytes());
            }
        }
        out
    }

    /// `None` if the bytes are not what [`SavedState::encode`] makes.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut input = Input(bytes);
        let mut state = SavedState::default();
        if input.array::<1>()? != [FORMAT] {
            return None;
        }
        for _ in 0..input.length()? {
            let store = input.text()?;
            state.positions.changelogs.insert(store, input.long()?);
        }
        for _ in 0..input.length()? {
            let partition = (input.text()?, i32::from_be_bytes(input.array()?));
            state.positions.inputs.insert(partition, input.long()?);
        }
        let has_engine = input.array::<1>()? == [1];
        let engine = input.bytes()?;
        state.positions.engine = has_engine.then(|| engine.into());
        for _ in 0..input.length()? {
            let (name, layout) = (input.text()?, input.text()?);
            let (observed_ms, sequence) = (input.long()?, u32::from_be_bytes(input.array()?));
            let origin = if input.array::<1>()? == [1] { Some(input.origin()?) } else { None };
            state.stores.insert(name, SavedStore { layout, observed_ms, sequence, origin });
        }
        input.0.is_empty().then_some(state)
    }
}

fn put_len(out: &mut Vec<u8>, length: usize) {
    let length = u32::try_from(length).expect("names, partitions and metadata stay far below 4 GiB");
    out.extend(length.to_be_bytes());
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_len(out, bytes.len());
    out.extend_from_slice(bytes);
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    fn length(&mut self) -> Option<usize> {
        usize::try_from(u32::from_be_bytes(self.array()?)).ok()
    }

    fn long(&mut self) -> Option<i64> {
        Some(i64::from_be_bytes(self.array()?))
    }

    fn origin(&mut self) -> Option<ChangelogOrigin> {
        Some(ChangelogOrigin { topic_id: self.array()?, current_ms: self.long()? })
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.length()?;
        let (head, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(head)
    }

    fn text(&mut self) -> Option<Arc<str>> {
        Some(std::str::from_utf8(self.bytes()?).ok()?.into())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_saved_state_comes_back_as_it_was() {
        let origin = Some(ChangelogOrigin { topic_id: [7; 16], current_ms: 12 });
        let saved = SavedStore { layout: "window/60000".into(), observed_ms: -1, sequence: 9, origin };
        let state = SavedState {
            positions: Positions::default().with_changelog("s", 5).with_input("t", 3, 7).with_engine(b""),
            stores: BTreeMap::from([("s".into(), saved)]),
        };
        assert_eq!(SavedState::decode(&state.encode()).unwrap(), state);
    }

    #[test]
    fn a_cut_or_foreign_state_is_not_read() {
        let bytes = SavedState::default().encode();
        assert_eq!(SavedState::decode(&bytes[..bytes.len() - 1]), None);
        assert_eq!(SavedState::decode(b"\x07"), None);
    }

    #[test]
    fn merging_keeps_what_the_newer_does_not_mention() {
        let mut known = Positions::default().with_input("a", 0, 1).with_input("b", 0, 1).with_engine(b"x");
        known.merge(&Positions::default().with_input("a", 0, 2));
        assert_eq!(known, Positions::default().with_input("a", 0, 2).with_input("b", 0, 1).with_engine(b"x"));
    }
}
