//! Charges that a provider outside of the cluster is asked for: it keeps what it has done, whoever asked and has died since.

use super::logs::REFUSED;
use super::{Input, Logs, Part, Settings, includes, same_sequence};
use crate::dice::Dice;
use comanda_streams::{
    AsyncCall, AsyncCalls, AsyncClient, AsyncOutcome, AsyncReply, AsyncResult, Consumed, FixedKeyProcessor,
    FixedKeyProcessorContext, FixedKeyRecord, Produced, RetryPolicy, Serdes, StreamsBuilder, StreamsError,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const CHARGES: &str = "charges";
const RECEIPTS: &str = "receipts";
const PROVIDER: &str = "provider";
const PARTITIONS: i32 = 2;
/// Few enough calls of each for a run, one after the other and a commit apart.
const KEYS: u64 = 150;
/// One charge in so many cannot be processed, and must never be made.
const REFUSED_ONE_IN: u64 = 20;
/// One first or second attempt in so many fails.
const FAILS_ONE_IN: u64 = 4;
const LONGEST_CALL_MS: u64 = 400;

#[derive(Default)]
pub(super) struct Calling {
    made: u64,
    provider: Provider,
}

/// Clones are the same provider.
#[derive(Clone, Default)]
struct Provider(Arc<Mutex<Books>>);

#[derive(Default)]
struct Books {
    now_ms: i64,
    /// By idempotency key, whether the caller has heard of it or not.
    done: BTreeSet<String>,
    /// Until when, who asked.
    open: Vec<(i64, AsyncCall, AsyncReply)>,
}

impl Provider {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsyncClient for Provider {
    fn call(&self, call: AsyncCall, reply: AsyncReply) {
        let mut books = self.books();
        let lasts_ms = i64::try_from(chance(&call) % LONGEST_CALL_MS).unwrap_or_default();
        let until_ms = books.now_ms + lasts_ms;
        books.open.push((until_ms, call, reply));
    }
}

impl Books {
    fn pass(&mut self, now_ms: i64) {
        self.now_ms = now_ms;
        for (until_ms, call, reply) in std::mem::take(&mut self.open) {
            if until_ms > now_ms {
                self.open.push((until_ms, call, reply));
            } else if call.attempt < 3 && (chance(&call) / LONGEST_CALL_MS).is_multiple_of(FAILS_ONE_IN) {
                reply.send(AsyncOutcome::Failed { reason: "busy".to_owned(), retry: true });
            } else {
                self.done.insert(call.idempotency_key);
                reply.send(AsyncOutcome::Done(call.request));
            }
        }
    }
}

/// What becomes of an attempt, the same in every run.
fn chance(call: &AsyncCall) -> u64 {
    let bytes = call.idempotency_key.bytes().chain(call.attempt.to_be_bytes());
    bytes.fold(7, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)) >> 8
}

/// Comes after the call is accepted: that must be undone.
struct Refusing;

impl FixedKeyProcessor<String, String, String> for Refusing {
    fn process(
        &mut self,
        _ctx: &mut FixedKeyProcessorContext<'_, '_, String, String>,
        record: FixedKeyRecord<String, String>,
    ) -> Result<(), StreamsError> {
        match record.value.is_some_and(|charge| charge.ends_with(REFUSED)) {
            true => Err(StreamsError::SkipRecord("the charge is refused".to_owned())),
            false => Ok(()),
        }
    }
}

impl Part for Calling {
    fn draw(&self, builder: &StreamsBuilder, _settings: Settings) {
        let text = Serdes::string;
        let retry = RetryPolicy { attempts: u32::MAX, first_ms: 50, longest_ms: 500 };
        let calls = AsyncCalls::new(PROVIDER, |_, charge: &String| charge.clone(), text(), text(), text());
        let charges = builder.stream(CHARGES, Consumed::with(text(), text()));
        charges
            .call_async(calls.with_retry(retry).with_max_in_flight(20))
            .map_values(|_, result: Option<AsyncResult<String, String>>| result.and_then(|result| result.response.ok()))
            .to(RECEIPTS, Produced::with(text(), text()));
        charges.process_values("refusing", &[], |_| Ok(Refusing));
    }

    fn topics(&self) -> Vec<(&'static str, i32)> {
        vec![(CHARGES, PARTITIONS), (RECEIPTS, PARTITIONS)]
    }

    fn inputs(&mut self, dice: &mut Dice, now_ms: i64) -> Vec<Input> {
        let count = 1 + dice.below(4);
        let mut one = || {
            self.made += 1;
            let refused = if dice.once_in(REFUSED_ONE_IN) { REFUSED.to_string() } else { String::new() };
            let value = Some(format!("{:06}{refused}", self.made));
            Input { topic: CHARGES, key: format!("k{}", dice.below(KEYS)), value, timestamp: now_ms }
        };
        (0..count).map(|_| one()).collect()
    }

    fn async_clients(&self) -> Vec<(&'static str, Arc<dyn AsyncClient>)> {
        vec![(PROVIDER, Arc::new(self.provider.clone()))]
    }

    fn pass(&mut self, now_ms: i64) {
        self.provider.books().pass(now_ms);
    }

    /// Each charge has its receipt, those of a key in their order; nothing else was ever charged.
    fn verify(&self, logs: &Logs<'_>, _settings: Settings) -> Result<(), String> {
        let mut charged = BTreeSet::new();
        for partition in 0..PARTITIONS {
            let (asked, answered) = (by_key(logs, CHARGES, partition), by_key(logs, RECEIPTS, partition));
            let flat = |by_key: &BTreeMap<String, Vec<String>>| -> Vec<(String, Vec<String>)> {
                by_key.iter().map(|(key, values)| (key.clone(), values.clone())).collect()
            };
            same_sequence(format!("{RECEIPTS}-{partition} by key"), &flat(&answered), &flat(&asked))?;
            charged.extend(asked.into_values().flatten());
        }
        let done = &self.provider.books().done;
        match done.difference(&charged).next() {
            Some(wrong) => Err(format!("the provider has charged {wrong}, which was never to be")),
            None => same_sequence("what the provider has done", &Vec::from_iter(done), &Vec::from_iter(&charged)),
        }
    }

    fn verify_at_least_once(&self, logs: &Logs<'_>, _stateful: bool) -> Result<(), String> {
        for partition in 0..PARTITIONS {
            let flat = |topic| by_key(logs, topic, partition).into_values().flatten();
            includes(format!("{RECEIPTS}-{partition}"), flat(RECEIPTS), flat(CHARGES))?;
        }
        Ok(())
    }
}

fn by_key(logs: &Logs<'_>, topic: &str, partition: i32) -> BTreeMap<String, Vec<String>> {
    let mut by_key: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (key, value, _) in logs.texts(topic, partition) {
        by_key.entry(key).or_default().push(value.unwrap_or_default());
    }
    by_key
}
