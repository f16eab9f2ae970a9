//! What the leader tells a member.

use super::OwnerMap;
use super::codec::{CodecError, Reader, Writer};
use crate::task_id::TaskId;
use std::collections::{BTreeMap, BTreeSet};

/// The tasks that one endpoint can answer queries for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndpointTasks {
    /// Active there (or still there, while they move).
    pub active: BTreeSet<TaskId>,
    /// Standbys: stale by their lag.
    pub standbys: BTreeSet<TaskId>,
}

/// A member's `userData` in SyncGroup.
///
/// # Contract
/// A task that the member owns and that is not in `active` is to be let go: commit it for the last time **under the
/// generation of this assignment** (nobody else has it in this generation), close it, then
/// [`Member::revoked`](super::Member::revoked).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assignment {
    /// Whom it was made for. A static member that comes back is given what was made for its former life (KIP-345).
    pub member_id: String,
    /// The topology it was made for.
    pub topology: u64,
    /// Others wait for tasks that the member had: it is to rejoin as soon as it has let go of them.
    pub taken: bool,
    /// Tasks to run.
    pub active: BTreeSet<TaskId>,
    /// Tasks to keep a copy of.
    pub standbys: BTreeSet<TaskId>,
    /// Tasks to build a copy of because they shall move here.
    pub warmups: BTreeSet<TaskId>,
    /// Task in `active` → transactional ids of dead owners, to be fenced before its offsets are fetched.
    pub fence: BTreeMap<TaskId, Vec<String>>,
    /// Endpoint → tasks, of the whole group.
    pub endpoints: BTreeMap<String, EndpointTasks>,
    /// Whose transactions may be open, of the whole group.
    pub owners: OwnerMap,
    /// Tasks wait for warm-ups: rejoin after the probing interval, or as soon as a warm-up here has caught up.
    pub probe: bool,
    /// The leader could not assign (a source topic is missing, partition counts differ): every member reports this.
    pub error: Option<String>,
}

const WHAT: &str = "the assignment from the group's leader";

impl Assignment {
    /// An assignment of nothing for `member_id`, saying why.
    pub fn failed(member_id: impl Into<String>, error: impl Into<String>) -> Self {
        Self { member_id: member_id.into(), error: Some(error.into()), ..Self::default() }
    }

    /// As bytes for `userData`.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.text(&self.member_id);
        writer.fixed(&self.topology.to_be_bytes());
        writer.flag(self.taken);
        writer.tasks(self.active.iter());
        writer.tasks(self.standbys.iter());
        writer.tasks(self.warmups.iter());
        OwnerMap { generation: 0, ids: self.fence.clone() }.write(&mut writer);
        writer.uint(self.endpoints.len() as u64);
        for (endpoint, tasks) in &self.endpoints {
            writer.text(endpoint);
            writer.tasks(tasks.active.iter());
            writer.tasks(tasks.standbys.iter());
        }
        self.owners.write(&mut writer);
        writer.flag(self.probe);
        writer.optional_text(self.error.as_deref());
        writer.finish()
    }

    /// Reads `userData`; errors say what is wrong with it.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let mut reader = Reader::new(WHAT, bytes)?;
        let assignment = Self {
            member_id: reader.text()?,
            topology: u64::from_be_bytes(reader.fixed()?),
            taken: reader.flag()?,
            active: reader.tasks()?,
            standbys: reader.tasks()?,
            warmups: reader.tasks()?,
            fence: OwnerMap::read(&mut reader)?.ids,
            endpoints: reader.list(read_endpoint)?.into_iter().collect(),
            owners: OwnerMap::read(&mut reader)?,
            probe: reader.flag()?,
            error: reader.optional_text()?,
        };
        reader.finish()?;
        Ok(assignment)
    }
}

fn read_endpoint(reader: &mut Reader<'_>) -> Result<(String, EndpointTasks), CodecError> {
    Ok((reader.text()?, EndpointTasks { active: reader.tasks()?, standbys: reader.tasks()? }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn full() -> Assignment {
        let task = |partition| TaskId::new(1, partition);
        Assignment {
            member_id: "m1".into(),
            topology: 0xdead_beef_0bad_cafe,
            taken: true,
            active: [task(0), task(4)].into(),
            standbys: [task(1)].into(),
            warmups: [task(2)].into(),
            fence: [(task(4), vec!["orders-dead-1".into()])].into(),
            endpoints: [
                ("a:1".into(), EndpointTasks { active: [task(0), task(4)].into(), standbys: [task(1)].into() }),
                ("b:1".into(), EndpointTasks::default()),
            ]
            .into(),
            owners: OwnerMap { generation: 3, ids: [(task(4), vec!["a".into(), "orders-dead-1".into()])].into() },
            probe: true,
            error: Some("source topic `order.commands` is missing".into()),
        }
    }

    #[test]
    fn an_assignment_reads_back_what_was_written() {
        for assignment in [full(), Assignment::default(), Assignment::failed("m1", "why")] {
            assert_eq!(Assignment::decode(&assignment.encode()).unwrap(), assignment);
        }
    }

    #[test]
    fn an_assignment_cut_anywhere_is_refused() {
        let bytes = full().encode();
        for length in 0..bytes.len() {
            assert!(Assignment::decode(&bytes[..length]).is_err(), "cut at {length}");
        }
    }

    #[test]
    fn a_task_without_past_owners_costs_two_bytes() {
        let tasks =
            |count| Assignment { active: (0..count).map(|p| TaskId::new(0, p)).collect(), ..Default::default() };
        assert_eq!(tasks(100).encode().len() - tasks(0).encode().len(), 200);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Assignment::decode(&[&[1, 0][..], &bytes].concat());
        }
    }
}
