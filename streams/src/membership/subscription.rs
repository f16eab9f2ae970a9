//! What a member tells the leader when it joins.

use super::codec::{CodecError, Reader, Writer};
use super::{OwnerMap, ProcessId};
use crate::task_id::TaskId;
use std::collections::{BTreeMap, BTreeSet};

/// In place of an offset sum: the task runs here and its state is as new as can be.
pub const CAUGHT_UP: i64 = -2;

/// The part of a subscription that stays the same while a thread lives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// The state directory this thread works in; threads of one process share it.
    pub process_id: ProcessId,
    /// `host:port` where interactive queries are answered, if they are.
    pub endpoint: Option<String>,
    /// Of the thread slot; stable across restarts. The thread must have called `init_transactions` under it **before it
    /// joins**: that fences its own earlier life, so nobody else needs to.
    pub transactional_id: String,
    /// The application's version, for people.
    pub version: String,
    /// Fingerprint of the topology. The leader gives tasks only to members that run its own.
    pub topology: u64,
}

/// A member's `userData` in JoinGroup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subscription {
    /// Who this is.
    pub profile: Profile,
    /// The member is about to stop in good order: it wants to be given nothing.
    pub stopping: bool,
    /// Active tasks the member has not let go of, and whether it has opened each: earlier owners fenced, offsets
    /// fetched.
    pub owned: BTreeMap<TaskId, bool>,
    /// Standby and warm-up tasks the member keeps.
    pub standbys: BTreeSet<TaskId>,
    /// Tasks whose state is on the disk of this process → sum of their change-log offsets, or [`CAUGHT_UP`].
    pub offset_sums: BTreeMap<TaskId, i64>,
    /// The newest map of owners the member has seen.
    pub owners: OwnerMap,
    /// Differs from join to join: the coordinator starts no rebalance for a follower that repeats its subscription.
    pub nonce: u32,
}

const WHAT: &str = "the subscription of a group member";

impl Subscription {
    /// As bytes for `userData`.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.fixed(&self.profile.process_id.0);
        writer.optional_text(self.profile.endpoint.as_deref());
        writer.text(&self.profile.transactional_id);
        writer.text(&self.profile.version);
        writer.fixed(&self.profile.topology.to_be_bytes());
        writer.flag(self.stopping);
        writer.uint(self.owned.len() as u64);
        for (task, opened) in &self.owned {
            writer.task(*task);
            writer.flag(*opened);
        }
        writer.tasks(self.standbys.iter());
        writer.uint(self.offset_sums.len() as u64);
        for (task, sum) in &self.offset_sums {
            writer.task(*task);
            writer.int(*sum);
        }
        self.owners.write(&mut writer);
        writer.uint(u64::from(self.nonce));
        writer.finish()
    }

    /// Reads `userData`; errors say what is wrong with it.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let mut reader = Reader::new(WHAT, bytes)?;
        let profile = Profile {
            process_id: ProcessId(reader.fixed()?),
            endpoint: reader.optional_text()?,
            transactional_id: reader.text()?,
            version: reader.text()?,
            topology: u64::from_be_bytes(reader.fixed()?),
        };
        let subscription = Self {
            profile,
            stopping: reader.flag()?,
            owned: reader.by_task(Reader::flag)?.into_iter().collect(),
            standbys: reader.tasks()?,
            offset_sums: reader.by_task(Reader::int)?.into_iter().collect(),
            owners: OwnerMap::read(&mut reader)?,
            nonce: reader.uint()? as u32,
        };
        reader.finish()?;
        Ok(subscription)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn full() -> Subscription {
        let owners =
            [(TaskId::new(0, 0), vec!["app-1".into(), "app-0".into()]), (TaskId::new(1, 7), vec!["app-0".into()])];
        Subscription {
            profile: Profile {
                process_id: ProcessId(*b"0123456789abcdef"),
                endpoint: Some("10.0.0.1:8080".into()),
                transactional_id: "orders-7-1".into(),
                version: "1.2.3".into(),
                topology: 0xdead_beef_0bad_cafe,
            },
            stopping: true,
            owned: [(TaskId::new(0, 0), true), (TaskId::new(300, 70_000), false)].into(),
            standbys: [TaskId::new(0, 1)].into(),
            offset_sums: [(TaskId::new(0, 0), CAUGHT_UP), (TaskId::new(0, 1), 1 << 40)].into(),
            owners: OwnerMap { generation: 9, ids: owners.into() },
            nonce: 77,
        }
    }

    #[test]
    fn a_subscription_reads_back_what_was_written() {
        for subscription in [full(), Subscription::default()] {
            assert_eq!(Subscription::decode(&subscription.encode()).unwrap(), subscription);
        }
    }

    #[test]
    fn a_subscription_cut_anywhere_is_refused() {
        let bytes = full().encode();
        for length in 0..bytes.len() {
            assert!(Subscription::decode(&bytes[..length]).is_err(), "cut at {length}");
        }
    }

    #[test]
    fn a_foreign_client_is_named_as_the_likely_cause_of_an_empty_subscription() {
        let error = Subscription::decode(&[]).unwrap_err();
        assert!(error.to_string().contains("a client that is not Comanda"), "{error}");
    }

    proptest! {
        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Subscription::decode(&bytes);
            let _ = Subscription::decode(&[&[1, 0][..], &bytes].concat());
        }

        #[test]
        fn a_flipped_bit_is_refused_or_changes_the_value(at in 0usize..100, bit in 0u8..8) {
            let mut bytes = full().encode();
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            if at != 1 { // the minor version alone may differ unnoticed
                prop_assert_ne!(Subscription::decode(&bytes).ok(), Some(full()));
            }
        }
    }
}
