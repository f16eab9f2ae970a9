//! Which transactional ids may still hold an open transaction over a task's offsets.

use super::codec::{CodecError, Reader, Writer};
use crate::task_id::TaskId;
use std::collections::{BTreeMap, BTreeSet};

/// For each task the transactional id of its owner, then those of earlier owners that nobody is known to have fenced.
///
/// The leader writes it into every assignment and every member repeats the newest one it has seen in its
/// subscription: so the next leader, whoever that is, knows whom an heir must fence (a dead owner's open transaction
/// otherwise blocks the heir for up to the transaction time-out).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnerMap {
    /// The generation it was made for; 0 for none.
    pub generation: i32,
    /// Task → transactional ids, the owner's first.
    pub ids: BTreeMap<TaskId, Vec<String>>,
}

impl OwnerMap {
    /// The ids that may have a transaction open over `task`.
    pub fn ids_of(&self, task: TaskId) -> &[String] {
        self.ids.get(&task).map_or(&[], Vec::as_slice)
    }

    /// Ids are written once and then by number: they are long and few.
    pub(super) fn write(&self, writer: &mut Writer) {
        let names: BTreeSet<&str> = self.ids.values().flatten().map(String::as_str).collect();
        let number: BTreeMap<&str, u64> = names.iter().copied().zip(0..).collect();
        writer.int(self.generation.into());
        writer.uint(names.len() as u64);
        names.iter().for_each(|name| writer.text(name));
        writer.uint(self.ids.len() as u64);
        for (task, ids) in &self.ids {
            writer.task(*task);
            writer.uint(ids.len() as u64);
            ids.iter().for_each(|id| writer.uint(number[id.as_str()]));
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        let generation = reader.int()? as i32;
        let names = reader.list(Reader::text)?;
        let ids = reader.by_task(|reader| reader.list(|reader| reader.pick(&names)))?;
        Ok(Self { generation, ids: ids.into_iter().collect() })
    }
}
