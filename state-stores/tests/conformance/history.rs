//! A random history: what is done to stores and model alike, and what must hold after each act.

use crate::model::{Logged, Model, ModelStore};
use crate::reads::{KEYS, TIME_STEP_MS, TIMES, assert_same_answers};
use crate::subject::{Disk, Live, View};
use comanda_state_stores::keys::window_key;
use comanda_state_stores::{
    ChangelogRecord, Positions, StoreKind, StoreSpec, StoresView, TaskStores, ValueAndTimestamp,
};
use proptest::prelude::*;
use std::convert::Infallible;
use std::sync::Arc;

/// What may happen.
#[derive(Clone, Debug)]
pub enum Act {
    /// Writes `value` to the store numbered `store` (modulo their count).
    Write {
        store: usize,
        key: usize,
        value: Option<u8>,
        time: i64,
        length: i64,
        if_absent: bool,
    },
    Drain,
    Commit,
    Abort,
    /// Kafka has committed, but nobody was told: the task drops what it wrote and restores it.
    OutcomeUnknown,
    Apply,
    Flush,
    Publish,
    Close,
    Crash {
        keep_percent: usize,
    },
    Wipe,
    WipeStore {
        store: usize,
    },
}

pub fn acts(most: usize) -> impl Strategy<Value = Vec<Act>> {
    let write =
        (0..64usize, 0..KEYS.len(), prop::option::weighted(0.75, any::<u8>()), 0..TIMES, 0..3i64, any::<bool>());
    let write = write.prop_map(|(store, key, value, time, length, if_absent)| Act::Write {
        store,
        key,
        value,
        time,
        length,
        if_absent,
    });
    let act = prop_oneof![
        60 => write,
        4 => Just(Act::Drain),
        10 => Just(Act::Commit),
        4 => Just(Act::Abort),
        2 => Just(Act::OutcomeUnknown),
        4 => Just(Act::Apply),
        2 => Just(Act::Flush),
        6 => Just(Act::Publish),
        1 => Just(Act::Close),
        2 => (0..=100usize).prop_map(|keep_percent| Act::Crash { keep_percent }),
        1 => (0..64usize).prop_map(|store| Act::WipeStore { store }),
    ];
    let end = prop_oneof![4 => Just(None), 1 => Just(Some(Act::Wipe))];
    (prop::collection::vec(act, 1..most), end).prop_map(|(mut acts, end)| {
        acts.extend(end);
        acts
    })
}

/// Each kind, on disk and in memory, with the parameters that change what is seen.
fn specs() -> Vec<StoreSpec> {
    const RETENTION_MS: i64 = 40;
    const SEGMENT_MS: i64 = 15;
    let kinds = |suffix: &str| {
        let name = |kind: &str| format!("{kind}.{suffix}");
        vec![
            StoreSpec::key_value(&name("plain")),
            StoreSpec::key_value(&name("timestamped")).timestamped(),
            StoreSpec::window(&name("window"), RETENTION_MS, 10).segment_ms(SEGMENT_MS),
            StoreSpec::window(&name("window-tick"), RETENTION_MS, 10).segment_ms(SEGMENT_MS).one_tick_more(),
            StoreSpec::window(&name("duplicates"), RETENTION_MS, 10).segment_ms(SEGMENT_MS).retain_duplicates(),
            StoreSpec::session(&name("session"), RETENTION_MS).segment_ms(SEGMENT_MS),
            StoreSpec::session(&name("session-tick"), RETENTION_MS).segment_ms(SEGMENT_MS).one_tick_more(),
            StoreSpec::versioned(&name("versioned"), RETENTION_MS).segment_ms(SEGMENT_MS),
            StoreSpec::ttl(&name("ttl"), RETENTION_MS),
        ]
    };
    let mut specs = kinds("disk");
    specs.extend(kinds("memory").into_iter().map(StoreSpec::in_memory));
    specs.push(StoreSpec::key_value("unlogged").unlogged());
    specs
}

/// A commit: the state then, and the end of each store's change log.
#[derive(Clone)]
struct Committed {
    model: Model,
    log_ends: Vec<i64>,
}

struct History {
    disk: Disk,
    specs: Vec<StoreSpec>,
    stores: TaskStores,
    now: Model,
    /// What the change logs in Kafka amount to.
    kafka: Model,
    /// Per store, since the last drain.
    undrained: Vec<Vec<Logged>>,
    /// Per store, drained in this transaction.
    pending: Vec<Vec<Logged>>,
    /// Per store, in Kafka.
    logs: Vec<Vec<Logged>>,
    /// By number; number 0 is the beginning.
    commits: Vec<Committed>,
    applied: usize,
    flushed: usize,
    held: Option<(Arc<StoresView>, Model)>,
    writes: i64,
}

pub fn run(disk: Disk, acts: &[Act]) {
    let specs = specs();
    let model = Model { stores: specs.iter().map(ModelStore::new).collect() };
    let none = vec![Vec::new(); specs.len()];
    let mut history = History {
        stores: disk.open(&specs),
        disk,
        now: model.clone(),
        kafka: model.clone(),
        undrained: none.clone(),
        pending: none.clone(),
        logs: none,
        commits: vec![Committed { model, log_ends: vec![0; specs.len()] }],
        applied: 0,
        flushed: 0,
        held: None,
        writes: 0,
        specs,
    };
    for act in acts {
        history.act(act);
    }
    history.compare("at the end");
    history.act(&Act::Crash { keep_percent: 50 });
    history.act(&Act::Commit);
    history.act(&Act::Publish);
}

/// Offsets have gaps, as transaction markers leave them.
fn offset(record: usize) -> i64 {
    2 * record as i64 + 1
}

fn log_end(log: &[Logged]) -> i64 {
    offset(log.len()) - 1
}

impl History {
    fn act(&mut self, act: &Act) {
        match act {
            Act::Write { store, .. } => self.write(store % self.specs.len(), act),
            Act::Drain => self.drain(),
            Act::Commit => self.commit(),
            Act::Abort => self.abort(),
            Act::OutcomeUnknown => self.outcome_unknown(),
            Act::Apply => self.apply(),
            Act::Flush => {
                self.stores.flush().unwrap();
                self.flushed = self.applied;
                self.compare("after a flush");
            }
            Act::Publish => self.publish(),
            Act::Close => self.close(),
            Act::Crash { keep_percent } => self.crash(*keep_percent),
            Act::Wipe => {
                self.stores.with_storage(|storage| storage.wipe()).unwrap();
                self.now = self.commits[0].model.clone();
                assert_eq!(self.stores.positions(), Positions::default());
                self.restart();
            }
            Act::WipeStore { store } => self.wipe_store(store % self.specs.len()),
        }
    }

    fn last(&self) -> &Committed {
        self.commits.last().unwrap()
    }

    fn compare(&self, when: &str) {
        assert_same_answers(&self.specs, &Live(&self.stores, &self.specs), &self.now, when);
    }

    fn write(&mut self, index: usize, act: &Act) {
        let Act::Write { key, value, time, length, if_absent, .. } = act else {
            return;
        };
        let key = KEYS[*key];
        let time = time * TIME_STEP_MS;
        self.writes += 1;
        let record_ms = 10 * self.writes + 7;
        self.stores.set_record_timestamp(record_ms);
        let spec = self.specs[index].clone();
        let value = value.map(|value| [value, self.writes as u8]);
        let stored = value.map(|value| match spec.timestamped {
            true => ValueAndTimestamp { timestamp_ms: self.writes, value: &value }.encode().to_vec(),
            false => value.to_vec(),
        });
        let stored = stored.as_deref();
        let logged_at = if spec.timestamped && value.is_some() { self.writes } else { record_ms };
        let model = &mut self.now.stores[index];
        let written: Option<(Vec<u8>, i64)> = match &spec.kind {
            StoreKind::KeyValue => {
                let store = self.stores.key_value(&spec.name).unwrap();
                let refused = match stored {
                    Some(stored) if *if_absent => store.put_if_absent(key, stored).unwrap().is_some(),
                    Some(stored) => {
                        store.put(key, stored);
                        false
                    }
                    None => {
                        store.delete(key);
                        false
                    }
                };
                if !refused {
                    model.put(key, stored);
                }
                (!refused).then(|| (key.to_vec(), logged_at))
            }
            StoreKind::Ttl { .. } => return self.write_ttl(index, key, value.as_ref().map(<[u8; 2]>::as_slice), act),
            StoreKind::Window(_) => {
                let accepted = self.stores.window(&spec.name).unwrap().put(key, stored, time);
                let (expected, written) = model.window_put(key, stored, time);
                assert_eq!(accepted, expected, "{}: put at {time}", spec.name);
                written.map(|key| (key, logged_at))
            }
            StoreKind::Session(_) => {
                let store = self.stores.session(&spec.name).unwrap();
                let end = time + length * TIME_STEP_MS;
                let accepted = match stored {
                    Some(stored) => store.put(key, time, end, stored),
                    None => store.remove(key, time, end),
                };
                let (expected, written) = model.session_put(key, (time, end), stored);
                assert_eq!(accepted, expected, "{}: put of {time} to {end}", spec.name);
                written.map(|key| (key, logged_at))
            }
            StoreKind::Versioned(_) => {
                let validity = self.stores.versioned(&spec.name).unwrap().put(key, stored, time).unwrap();
                let expected = model.versioned_put(key, stored, time);
                assert_eq!(validity, expected, "{}: put at {time}", spec.name);
                (validity != comanda_state_stores::Validity::NotPut).then(|| (key.to_vec(), time))
            }
        };
        if let Some((key, at_ms)) = written.filter(|_| spec.logged) {
            self.undrained[index].push((key, value.map(|value| value.to_vec()), at_ms));
        }
    }

    /// A record makes stream time go on, expired rows go, and a row is put that is of then or earlier.
    fn write_ttl(&mut self, index: usize, key: &[u8], value: Option<&[u8]>, act: &Act) {
        const EARLIER_MS: i64 = 25;
        let Act::Write { time, length, if_absent, .. } = act else { return };
        let (stream_ms, record_ms) = (time * TIME_STEP_MS, 10 * self.writes + 7);
        self.observe(stream_ms);
        let (name, model) = (self.specs[index].name.clone(), &mut self.now.stores[index]);
        let (store, timestamp_ms) = (self.stores.ttl(&name).unwrap(), stream_ms - length * EARLIER_MS);
        let mut logged = vec![];
        if *if_absent {
            let gone = model.delete_expired();
            assert!(store.delete_expired(1_000).unwrap() >= gone.len());
            logged.extend(gone.into_iter().map(|key| (key, None, record_ms)));
        }
        match value {
            Some(value) => {
                let accepted = store.put(key, value, timestamp_ms).unwrap();
                let stored = ValueAndTimestamp { timestamp_ms, value }.encode();
                assert_eq!(accepted, model.ttl_put(key, &stored, timestamp_ms), "{name}: put of {timestamp_ms}");
                logged.extend(accepted.then(|| (key.to_vec(), Some(value.to_vec()), timestamp_ms)));
            }
            None => {
                store.delete(key).unwrap();
                model.put(key, None);
                logged.push((key.to_vec(), None, record_ms));
            }
        }
        self.undrained[index].extend(logged);
    }

    /// Stream time, which all TTL stores share.
    fn observe(&mut self, stream_ms: i64) {
        self.stores.observe_stream_time(stream_ms);
        self.now.stores.iter_mut().for_each(|store| store.observe_stream_time(stream_ms));
    }

    fn drain(&mut self) {
        let mut drained = vec![Vec::new(); self.specs.len()];
        let mut last_store = 0;
        let result: Result<(), Infallible> = self.stores.drain_uncommitted(|store, key, value, timestamp_ms| {
            assert!(store >= last_store, "stores out of order");
            last_store = store;
            drained[store].push((key.to_vec(), value.map(<[u8]>::to_vec), timestamp_ms));
            Ok(())
        });
        let Ok(()) = result;
        for (index, spec) in self.specs.iter().enumerate() {
            let writes = std::mem::take(&mut self.undrained[index]);
            let expected = if spec.keeps_every_write() { writes } else { last_per_key(writes) };
            assert_eq!(drained[index], expected, "{}: change log", spec.name);
            self.pending[index].extend(expected);
        }
    }

    fn commit(&mut self) {
        self.drain();
        for (log, pending) in self.logs.iter_mut().zip(&mut self.pending) {
            log.append(pending);
        }
        self.kafka = self.now.clone();
        let log_ends: Vec<i64> = self.logs.iter().map(|log| log_end(log)).collect();
        self.commits.push(Committed { model: self.now.clone(), log_ends });
        let positions = self.positions_of(self.commits.len() - 1);
        self.stores.commit(&positions);
        assert_eq!(self.stores.committed_positions(), positions);
        assert_eq!(self.stores.uncommitted_bytes(), 0);
        self.compare("after a commit");
    }

    /// The positions that commit stands for.
    fn positions_of(&self, number: usize) -> Positions {
        let mut positions = Positions::default().with_input("in", 0, number as i64);
        positions = positions.with_engine(number.to_string().as_bytes());
        for (spec, end) in self.specs.iter().zip(&self.commits[number].log_ends).filter(|(spec, _)| spec.logged) {
            positions = positions.with_changelog(&spec.name, *end);
        }
        positions
    }

    fn abort(&mut self) {
        self.stores.abort();
        self.now = self.last().model.clone();
        self.pending.iter_mut().chain(&mut self.undrained).for_each(Vec::clear);
        assert_eq!(self.stores.uncommitted_bytes(), 0);
        self.compare("after an abort");
    }

    fn outcome_unknown(&mut self) {
        self.drain();
        for (log, pending) in self.logs.iter_mut().zip(&mut self.pending) {
            log.append(pending);
        }
        self.kafka = self.now.clone();
        self.abort();
        self.restart();
    }

    fn apply(&mut self) {
        self.stores.apply().unwrap();
        self.applied = self.commits.len() - 1;
        assert_eq!(self.stores.committed_bytes(), 0);
        self.compare("after an apply");
    }

    /// The view must show the last commit, and one held from before its own.
    fn publish(&mut self) {
        self.stores.publish().unwrap();
        let view = self.stores.views().load().unwrap();
        let model = self.last().model.clone();
        assert_eq!(view.positions(), &self.stores.committed_positions());
        assert_same_answers(&self.specs, &View(&view, &self.specs), &model, "in a view");
        self.compare("after publishing");
        if let Some((old, model)) = self.held.replace((view, model)) {
            assert_same_answers(&self.specs, &View(&old, &self.specs), &model, "in a view held");
        }
    }

    fn close(&mut self) {
        // Views hold the database open.
        self.held = None;
        let nothing = TaskStores::new(crate::subject::nothing());
        drop(std::mem::replace(&mut self.stores, nothing));
        self.stores = self.disk.open(&self.specs);
        self.reopened();
    }

    fn crash(&mut self, keep_percent: usize) {
        let nothing = TaskStores::new(crate::subject::nothing());
        let stores = std::mem::replace(&mut self.stores, nothing);
        self.disk.crash(stores, keep_percent);
        self.held = None;
        self.stores = self.disk.open(&self.specs);
        self.reopened();
    }

    /// The state is that of one commit, at least the last flushed and at most the last applied one.
    fn reopened(&mut self) {
        let found = self.stores.positions();
        let number = found.inputs.get(&("in".into(), 0)).map_or(0, |number| *number as usize);
        match self.disk {
            Disk::None => assert_eq!(number, 0),
            _ => assert!(self.flushed <= number && number <= self.applied, "{number} kept"),
        }
        let on_disk = |spec: &StoreSpec| spec.persistent && number > 0;
        let mut expected = self.positions_of(number);
        expected.changelogs.retain(|name, _| self.specs.iter().any(|spec| spec.name == *name && on_disk(spec)));
        if number == 0 {
            expected = Positions::default();
        }
        assert_eq!(found, expected);
        self.now = self.commits[number].model.clone();
        for (store, spec) in self.now.stores.iter_mut().zip(&self.specs).filter(|(_, spec)| !on_disk(spec)) {
            *store = ModelStore::new(spec);
        }
        self.compare("after reopening");
        self.restart();
    }

    /// Restores what Kafka has beyond the local state, and goes on from there with a commit of its own.
    fn restart(&mut self) {
        self.pending.iter_mut().chain(&mut self.undrained).for_each(Vec::clear);
        for index in 0..self.specs.len() {
            self.restore(index);
        }
        self.compare("after restoring");
        self.flushed = 0;
        self.commit();
        self.apply();
        self.stores.flush().unwrap();
        self.flushed = self.applied;
    }

    fn restore(&mut self, index: usize) {
        let spec = &self.specs[index];
        if !spec.logged {
            return;
        }
        let from = self.stores.committed_positions().changelogs.get(&spec.name).copied().unwrap_or(0);
        let log = &self.logs[index];
        let records: Vec<_> = log.iter().enumerate().filter(|(record, _)| offset(*record) >= from).collect();
        let records: Vec<ChangelogRecord<'_>> = records
            .into_iter()
            .map(|(record, (key, value, timestamp_ms))| ChangelogRecord {
                key,
                value: value.as_deref(),
                timestamp_ms: *timestamp_ms,
                offset: offset(record),
            })
            .collect();
        // In two parts, as a restore that was interrupted.
        let (first, second) = records.split_at(records.len() / 2);
        let middle = first.last().map_or(from, |record| record.offset + 1);
        self.stores.with_storage(|storage| {
            storage.restore(index, first.iter().copied(), middle).unwrap();
            storage.restore(index, second.iter().copied(), log_end(log)).unwrap();
        });
        assert_eq!(self.stores.positions().changelogs.get(&spec.name), Some(&log_end(log)));
        self.now.stores[index] = self.kafka.stores[index].clone();
        // The group's committed offsets have it.
        self.observe(self.kafka.stores[index].stream_time_ms());
    }

    fn wipe_store(&mut self, index: usize) {
        self.abort();
        self.stores.with_storage(|storage| storage.wipe_store(index)).unwrap();
        self.applied = self.commits.len() - 1;
        self.now.stores[index] = ModelStore::new(&self.specs[index]);
        assert_eq!(self.stores.positions().changelogs.get(&self.specs[index].name), None);
        self.compare("after wiping a store");
        self.restart();
    }
}

/// Each key once, in the order of the last write to it.
fn last_per_key(writes: Vec<Logged>) -> Vec<Logged> {
    let mut kept: Vec<Logged> = Vec::new();
    for write in writes {
        kept.retain(|(key, ..)| *key != write.0);
        kept.push(write);
    }
    kept
}

/// A window's stored key may be of the length of another user key's: the keys chosen make that happen.
#[test]
fn the_keys_of_the_suite_collide_with_stored_keys() {
    let stored = window_key(b"a", 5, 0);
    assert!(stored.starts_with(KEYS[2]));
}
