//! The transaction coordinator (KIP-98, client protocol v1): epochs, fencing, decisions, and markers that land when
//! they land.

use super::Cluster;
use super::log::{Fate, Txn};
use comanda_streams::TRANSACTION_TIMEOUT_MS;
use comanda_streams::broker::{BrokerError, ErrorKind, GroupIdentity, OffsetAndMetadata, RawRecord, TopicPartition};
use std::collections::BTreeSet;

/// Counts the lives of a transactional id.
pub(crate) type Epoch = i32;

/// How often the coordinator looks for transactions that have timed out
/// (`transaction.abort.timed.out.transaction.cleanup.interval.ms`).
const SWEEP_MS: i64 = 10_000;

const INVALID_PRODUCER_EPOCH: i16 = 47;

/// A transactional id as its coordinator knows it.
#[derive(Default)]
pub(crate) struct TransactionalId {
    epoch: Epoch,
    state: State,
}

#[derive(Default)]
enum State {
    #[default]
    Idle,
    Ongoing {
        txn: Txn,
        places: BTreeSet<Place>,
        since_ms: i64,
    },
    /// Decided; markers are still to be written, each at its time.
    Completing {
        txn: Txn,
        places: Vec<(i64, Place)>,
    },
}

/// Where a marker goes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Log(TopicPartition),
    Offsets(String),
}

impl Cluster {
    /// InitProducerId: fences all earlier producers of this id, ends what they left open, and waits for the markers.
    pub fn init(&mut self, id: &str) -> Epoch {
        if !self.transactional_ids.contains_key(id) {
            self.transactional_ids.insert(id.to_owned(), TransactionalId::default());
        }
        self.fence(id);
        self.land_all(id);
        self.transactional_ids[id].epoch
    }

    /// A higher epoch, and the open transaction is decided against.
    pub fn fence(&mut self, id: &str) {
        let Some(known) = self.transactional_ids.get_mut(id) else { return };
        known.epoch += 1;
        if matches!(known.state, State::Ongoing { .. }) {
            self.decide(id, Fate::Aborted);
        }
    }

    fn check(&mut self, id: &str, epoch: Epoch, attempt: &str) -> Result<&mut TransactionalId, BrokerError> {
        let known = self.transactional_ids.get_mut(id).filter(|known| known.epoch == epoch);
        known.ok_or_else(|| {
            let reason = "there is a newer producer with this transactional id";
            BrokerError::new(ErrorKind::ProducerFenced, format!("{attempt} of {id}"), reason)
                .with_code(INVALID_PRODUCER_EPOCH)
        })
    }

    /// AddPartitionsToTxn or AddOffsetsToTxn: the transaction begins with the first of them. Waits for the markers of the
    /// transaction before (CONCURRENT_TRANSACTIONS).
    fn join(&mut self, id: &str, epoch: Epoch, place: Place, attempt: &str) -> Result<Txn, BrokerError> {
        self.check(id, epoch, attempt)?;
        self.land_all(id);
        let (next, now_ms) = (self.fates.len(), self.now_ms);
        let known = self.check(id, epoch, attempt)?;
        if let State::Ongoing { txn, places, .. } = &mut known.state {
            places.insert(place);
            return Ok(*txn);
        }
        known.state = State::Ongoing { txn: next, places: BTreeSet::from([place]), since_ms: now_ms };
        self.fates.push(Fate::Open);
        Ok(next)
    }

    /// Produce; returns the offset after the record.
    pub fn append(
        &mut self,
        id: &str,
        epoch: Epoch,
        partition: &TopicPartition,
        record: RawRecord,
    ) -> Result<i64, BrokerError> {
        self.log(partition)?;
        let txn = self.join(id, epoch, Place::Log(partition.clone()), "send")?;
        Ok(self.log_mut(partition)?.append(Some(txn), record) + 1)
    }

    /// AddOffsetsToTxn, then TxnOffsetCommit, which the group's coordinator fences by member and generation (KIP-447).
    pub fn send_offsets(
        &mut self,
        id: &str,
        epoch: Epoch,
        offsets: &[(TopicPartition, OffsetAndMetadata)],
        group: &GroupIdentity,
    ) -> Result<(), BrokerError> {
        let txn = self.join(id, epoch, Place::Offsets(group.group_id.clone()), "send_offsets")?;
        if group.member_id.is_empty() || group.generation < 0 {
            self.violations.push(format!("offsets of no member: {group:?}"));
        }
        let coordinator = self.coordinators.entry(group.group_id.clone()).or_default();
        if let Err(code) = coordinator.validate(&group.member_id, group.generation) {
            let attempt = format!("send_offsets as {} in generation {}", group.member_id, group.generation);
            let reason = "the group goes on without this member";
            return Err(BrokerError::new(ErrorKind::MemberFenced, attempt, reason).with_code(code));
        }
        self.check_ownership(&group.group_id, &group.member_id, offsets);
        self.offsets.entry(group.group_id.clone()).or_default().add_pending(txn, offsets);
        Ok(())
    }

    /// EndTxn. Ending what never began, or is decided alike already, does nothing.
    pub fn end(&mut self, id: &str, epoch: Epoch, fate: Fate, attempt: &str) -> Result<(), BrokerError> {
        let known = self.check(id, epoch, attempt)?;
        if matches!(known.state, State::Ongoing { .. }) {
            self.decide(id, fate);
        }
        Ok(())
    }

    /// A commit whose request arrives later, if the transaction is still the same by then.
    pub fn end_later(&mut self, id: &str, epoch: Epoch, delay_ms: i64) {
        if let Some(TransactionalId { state: State::Ongoing { txn, .. }, .. }) = self.transactional_ids.get(id) {
            self.late_commits.push((self.now_ms + delay_ms, id.to_owned(), epoch, *txn));
        }
    }

    fn decide(&mut self, id: &str, fate: Fate) {
        let late = self.dice.once_in(self.faults.late_markers_one_in);
        let (latest_ms, now_ms) = (self.faults.latest_marker_ms, self.now_ms);
        let Some(known) = self.transactional_ids.get_mut(id) else { return };
        let State::Ongoing { txn, places, .. } = std::mem::take(&mut known.state) else { return };
        self.fates[txn] = fate;
        let dice = &mut self.dice;
        let due = |place| (now_ms + if late { dice.ms(latest_ms + 1) } else { 0 }, place);
        known.state = State::Completing { txn, places: places.into_iter().map(due).collect() };
        if late {
            self.note("late markers");
        }
        self.land(id, now_ms);
    }

    /// Writes the markers that are due.
    fn land(&mut self, id: &str, until_ms: i64) {
        let Some(known) = self.transactional_ids.get_mut(id) else { return };
        let State::Completing { txn, places } = &mut known.state else { return };
        let txn = *txn;
        let (due, rest): (Vec<_>, Vec<_>) = std::mem::take(places).into_iter().partition(|(at, _)| *at <= until_ms);
        if rest.is_empty() {
            known.state = State::Idle;
        } else {
            *places = rest;
        }
        for (_, place) in due {
            match place {
                Place::Log(partition) => {
                    if let Some(log) = self.logs.get_mut(&partition) {
                        log.mark(txn);
                    }
                }
                Place::Offsets(group) => self.settle_offsets(&group, txn),
            }
        }
    }

    fn land_all(&mut self, id: &str) {
        self.land(id, i64::MAX);
    }

    fn settle_offsets(&mut self, group: &str, txn: Txn) {
        let committed = self.fates[txn] == Fate::Committed;
        let went_back = self.offsets.entry(group.to_owned()).or_default().settle(txn, committed);
        self.violations.extend(went_back);
    }

    /// Late commits, due markers, and transactions that have been open for too long.
    pub(super) fn advance_transactions(&mut self) {
        let now_ms = self.now_ms;
        let (due, rest): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.late_commits).into_iter().partition(|(at, ..)| *at <= now_ms);
        self.late_commits = rest;
        for (_, id, epoch, txn) in due {
            let known = &self.transactional_ids[&id];
            let same = matches!(known.state, State::Ongoing { txn: open, .. } if open == txn);
            if same && known.epoch == epoch {
                self.note("commit done after its outcome was given up");
                self.decide(&id, Fate::Committed);
            }
        }
        let ids: Vec<String> = self.transactional_ids.keys().cloned().collect();
        let sweeps = now_ms >= self.next_sweep_ms;
        for id in ids {
            self.land(&id, now_ms);
            if sweeps {
                self.time_out(&id);
            }
        }
        if sweeps {
            self.next_sweep_ms = now_ms + SWEEP_MS;
        }
    }

    fn time_out(&mut self, id: &str) {
        let known = &self.transactional_ids[id];
        let State::Ongoing { since_ms, .. } = known.state else { return };
        if self.now_ms - since_ms >= TRANSACTION_TIMEOUT_MS {
            self.note("transaction timed out");
            self.fence(id);
        }
    }
}
