//! The store of accepted calls: per key a queue, and over all keys the heads of the queues in the order they are due.
//!
//! Only a head may be called, so that finding what to do means reading a few rows, however many wait behind them.
//!
//! | Row | Key | Value |
//! |---|---|---|
//! | counter | `0` | number of the next call |
//! | head | `1 ‖ due ‖ number ‖ key` | attempts |
//! | entry | `2 ‖ length of key ‖ key ‖ number` | time, headers, idempotency key, request |
//!
//! Without transactions a crash may leave any beginning of what a commit writes to the change log. So a head comes before
//! its entry, and a key's next head before the former one goes: what is left over is a head without an entry, which is
//! passed over, or a second head, but never an entry that no head leads to.

use crate::broker::Headers;
use crate::error::StreamsError;
use crate::stores::fields::{put_headers, put_sized, take_headers, take_long, take_sized};
use comanda_state_stores::{Direction, KeyValueStore as ByteStore};
use std::sync::Arc;

const COUNTER: [u8; 1] = [0];
const HEAD: u8 = 1;
const ENTRY: u8 = 2;

/// Due at once, before all that was put off.
const AT_ONCE_MS: i64 = 0;

/// The call of a key that is next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub due_ms: i64,
    pub number: u64,
    /// Attempts that have failed.
    pub attempts: u32,
    pub key: Vec<u8>,
}

/// An accepted call.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    /// Of the record that asked for it.
    pub timestamp: i64,
    pub headers: Headers,
    pub idempotency_key: String,
    pub request: Vec<u8>,
}

/// One task's instance. Writes belong to the running transaction.
pub(super) struct PendingCalls {
    pub bytes: ByteStore,
    pub changelog: Arc<str>,
}

impl PendingCalls {
    /// Takes a call in, behind those of its key.
    pub fn accept(&self, key: &[u8], entry: &Entry) -> Result<(), StreamsError> {
        let counter = self.bytes.get(&COUNTER)?;
        let number = counter.map_or(Ok(0), |stored| self.number(&stored))?;
        self.bytes.put(&COUNTER, &(number + 1).to_be_bytes());
        if self.next_of(key, None)?.is_none() {
            self.put_head(&Head { due_ms: AT_ONCE_MS, number, attempts: 0, key: key.to_vec() });
        }
        self.bytes.put(&entry_key(key, number), &entry.encode());
        Ok(())
    }

    /// Heads that are due from `from_ms` to `to_ms` exclusive, in that order, then in the order in which they were accepted.
    pub fn heads(
        &self,
        from_ms: i64,
        to_ms: i64,
    ) -> Result<impl Iterator<Item = Result<Head, StreamsError>>, StreamsError> {
        let (from, to) = (head_key(from_ms, 0, &[]), head_key(to_ms, 0, &[]));
        let rows = self.bytes.range(Some(&from), Some(&to), Direction::Forward)?;
        Ok(rows.map(|row| {
            let (key, value) = row?;
            decode_head(&key, &value).ok_or_else(|| self.unreadable())
        }))
    }

    /// What a head stands for.
    pub fn entry(&self, head: &Head) -> Result<Option<Entry>, StreamsError> {
        let stored = self.bytes.get(&entry_key(&head.key, head.number))?;
        stored.map(|stored| Entry::decode(&stored).ok_or_else(|| self.unreadable())).transpose()
    }

    /// Another attempt has failed: the next is due at `due_ms`, and its key waits for it.
    pub fn put_off(&self, head: &Head, due_ms: i64) {
        self.put_head(&Head { due_ms, attempts: head.attempts.saturating_add(1), ..head.clone() });
        self.bytes.delete(&head_key(head.due_ms, head.number, &head.key));
    }

    /// Ends a call; the next one of its key becomes a head.
    pub fn remove(&self, head: &Head) -> Result<(), StreamsError> {
        if let Some(number) = self.next_of(&head.key, Some(head.number))? {
            self.put_head(&Head { due_ms: AT_ONCE_MS, number, attempts: 0, key: head.key.clone() });
        }
        self.bytes.delete(&head_key(head.due_ms, head.number, &head.key));
        self.bytes.delete(&entry_key(&head.key, head.number));
        Ok(())
    }

    fn put_head(&self, head: &Head) {
        self.bytes.put(&head_key(head.due_ms, head.number, &head.key), &head.attempts.to_be_bytes());
    }

    /// The first call of a key that is still there, except one.
    fn next_of(&self, key: &[u8], except: Option<u64>) -> Result<Option<u64>, StreamsError> {
        let prefix = entry_prefix(key);
        for row in self.bytes.prefix(&prefix, Direction::Forward)? {
            let (stored, _) = row?;
            let number = self.number(&stored[prefix.len()..])?;
            if Some(number) != except {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }

    fn number(&self, stored: &[u8]) -> Result<u64, StreamsError> {
        stored.try_into().map(u64::from_be_bytes).map_err(|_| self.unreadable())
    }

    fn unreadable(&self) -> StreamsError {
        StreamsError::Fatal(format!("the pending calls behind `{}` cannot be read", self.changelog))
    }
}

/// The key is part of it, or a number given twice (a counter that was lost with the end of a change log) would make one
/// head replace another.
fn head_key(due_ms: i64, number: u64, of: &[u8]) -> Vec<u8> {
    let mut key = vec![HEAD];
    key.extend_from_slice(&due_ms.to_be_bytes());
    key.extend_from_slice(&number.to_be_bytes());
    key.extend_from_slice(of);
    key
}

fn decode_head(key: &[u8], value: &[u8]) -> Option<Head> {
    let (due_ms, rest) = key.strip_prefix(&[HEAD])?.split_first_chunk()?;
    let (number, of) = rest.split_first_chunk()?;
    Some(Head {
        due_ms: i64::from_be_bytes(*due_ms),
        number: u64::from_be_bytes(*number),
        attempts: u32::from_be_bytes(value.try_into().ok()?),
        key: of.to_vec(),
    })
}

/// The length comes first, or a key's calls would lie among those of longer keys.
fn entry_prefix(key: &[u8]) -> Vec<u8> {
    let mut prefix = vec![ENTRY];
    put_sized(&mut prefix, Some(key));
    prefix
}

fn entry_key(key: &[u8], number: u64) -> Vec<u8> {
    let mut stored = entry_prefix(key);
    stored.extend_from_slice(&number.to_be_bytes());
    stored
}

impl Entry {
    fn encode(&self) -> Vec<u8> {
        let mut out = vec![];
        out.extend_from_slice(&self.timestamp.to_be_bytes());
        put_headers(&mut out, &self.headers);
        put_sized(&mut out, Some(self.idempotency_key.as_bytes()));
        put_sized(&mut out, Some(&self.request));
        out
    }

    fn decode(mut stored: &[u8]) -> Option<Self> {
        let rest = &mut stored;
        let (timestamp, headers) = (take_long(rest)?, take_headers(rest)?);
        let idempotency_key = std::str::from_utf8(take_sized(rest)??).ok()?.to_owned();
        let request = take_sized(rest)??.to_vec();
        rest.is_empty().then_some(Self { timestamp, headers, idempotency_key, request })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use comanda_state_stores::{Persistence, SharedBytes, StoreSpec, TaskStorage, TaskStores};

    fn pending() -> PendingCalls {
        let storage = TaskStorage::open(&[StoreSpec::key_value("calls")], Persistence::Memory).unwrap();
        PendingCalls { bytes: TaskStores::new(storage).key_value("calls").unwrap(), changelog: "calls".into() }
    }

    fn entry(idempotency_key: &str) -> Entry {
        let headers = Headers::new(vec![("h".into(), None)]);
        Entry { timestamp: 7, headers, idempotency_key: idempotency_key.to_owned(), request: vec![1, 2] }
    }

    fn heads(pending: &PendingCalls, to_ms: i64) -> Vec<Head> {
        pending.heads(0, to_ms + 1).unwrap().map(Result::unwrap).collect()
    }

    fn due(pending: &PendingCalls, to_ms: i64) -> Vec<String> {
        heads(pending, to_ms).iter().map(|head| pending.entry(head).unwrap().unwrap().idempotency_key).collect()
    }

    #[test]
    fn of_each_key_only_the_first_call_is_due_whatever_the_keys_look_like() {
        let pending = pending();
        for (key, call) in [("a", "a1"), ("ab", "ab1"), ("a", "a2"), ("", "1"), ("", "2"), ("ab", "ab2")] {
            pending.accept(key.as_bytes(), &entry(call)).unwrap();
        }
        assert_eq!(due(&pending, 0), ["a1", "ab1", "1"]);
        assert_eq!(pending.entry(&heads(&pending, 0)[1]).unwrap(), Some(entry("ab1")));
    }

    #[test]
    fn a_call_put_off_holds_its_key_back_until_it_is_due() {
        let pending = pending();
        for call in ["a1", "a2"] {
            pending.accept(b"a", &entry(call)).unwrap();
        }
        pending.put_off(&heads(&pending, 0)[0], 50);
        assert_eq!((due(&pending, 49), due(&pending, 50)), (vec![], vec!["a1".to_owned()]));
        assert_eq!(heads(&pending, 50)[0].attempts, 1);
        pending.remove(&heads(&pending, 50)[0]).unwrap();
        assert_eq!(due(&pending, 0), ["a2"]);
        pending.remove(&heads(&pending, 0)[0]).unwrap();
        let rows: Vec<_> = pending.bytes.all(Direction::Forward).unwrap().map(|row| row.unwrap().0).collect();
        assert_eq!(rows, [SharedBytes::from(COUNTER.as_slice())], "only the counter stays");
    }
}
