//! Asynchronous calls in the production thread, in runs that are laid out and not drawn; time is the cluster's.
#![allow(clippy::unwrap_used)]

use comanda_simulator::SimulatedBroker;
use comanda_state_stores::StoreError;
use comanda_state_stores::backend::{Backend, SimulatedDisk, SimulatedDiskBackend};
use comanda_streams::broker::{
    Broker, Consumer, ConsumerRole, Fetched, Headers, NewTopic, PartitionId, TopicPartition,
};
use comanda_streams::membership::ProcessId;
use comanda_streams::*;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const MOMENT_MS: i64 = 1;

struct FreshDisks;

impl TaskDisks for FreshDisks {
    fn open(&self, _task: TaskId) -> Result<Box<dyn Backend>, StoreError> {
        Ok(Box::new(SimulatedDiskBackend::open(&SimulatedDisk::new())))
    }

    fn destroy(&self, _task: TaskId) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Answers each call after a time that its request names in milliseconds; without one never.
#[derive(Clone, Default)]
struct Provider(Arc<Mutex<Book>>);

#[derive(Default)]
struct Book {
    now_ms: i64,
    open: Vec<(i64, AsyncCall, AsyncReply)>,
    /// Calls by idempotency key.
    calls: BTreeMap<String, u32>,
}

impl AsyncClient for Provider {
    fn call(&self, call: AsyncCall, reply: AsyncReply) {
        let mut book = self.0.lock().unwrap();
        *book.calls.entry(call.idempotency_key.clone()).or_insert(0) += 1;
        let lasts_ms: i64 = str::from_utf8(&call.request).unwrap().parse().unwrap_or(i64::MAX / 2);
        let until_ms = book.now_ms + lasts_ms;
        book.open.push((until_ms, call, reply));
    }
}

impl Provider {
    fn pass(&self, now_ms: i64) {
        let mut book = self.0.lock().unwrap();
        book.now_ms = now_ms;
        for (until_ms, call, reply) in std::mem::take(&mut book.open) {
            match until_ms <= now_ms {
                true => reply.send(AsyncOutcome::Done(call.request)),
                false => book.open.push((until_ms, call, reply)),
            }
        }
    }

    fn under_way(&self) -> usize {
        self.0.lock().unwrap().open.len()
    }

    fn answer_all(&self) {
        for (_, call, reply) in std::mem::take(&mut self.0.lock().unwrap().open) {
            reply.send(AsyncOutcome::Done(call.request));
        }
    }
}

/// An application that calls for each record of `in` and writes the answer to `out`.
struct Run {
    broker: SimulatedBroker,
    provider: Provider,
    thread: StreamThread,
    out: Box<dyn Consumer>,
    now_ms: i64,
}

impl Run {
    fn start() -> Self {
        let broker = SimulatedBroker::alone(1);
        let topic = |name: &str| NewTopic { name: name.to_owned(), partitions: 1, replication: 1, configs: vec![] };
        broker.admin().unwrap().create_topics(&[topic("in"), topic("out")]).unwrap();
        let mut out = broker.consumer(ConsumerRole::Main).unwrap();
        out.assign(PartitionId(0), &TopicPartition::new("out", 0), 0).unwrap();
        let provider = Provider::default();
        let thread = thread(&broker, &provider);
        let mut run = Self { broker, provider, thread, out, now_ms: 0 };
        run.pass(1_000);
        assert!(run.thread.is_running());
        run
    }

    /// The process is gone from one moment to the next, its disk too; another one comes up.
    fn crash(&mut self) {
        self.thread = thread(&self.broker, &self.provider);
    }

    fn pass(&mut self, for_ms: i64) {
        let until_ms = self.now_ms + for_ms;
        while self.now_ms < until_ms {
            self.now_ms += MOMENT_MS;
            self.broker.advance(MOMENT_MS);
            self.provider.pass(self.now_ms);
            self.thread.step(Now { steady_ms: self.now_ms, wall_clock_ms: self.now_ms }).unwrap();
        }
    }

    /// Until that holds; how long it took.
    fn pass_until(&mut self, longest_ms: i64, mut holds: impl FnMut(&mut Self) -> bool) -> i64 {
        let began_ms = self.now_ms;
        while !holds(self) {
            assert!(self.now_ms - began_ms < longest_ms, "not after {longest_ms} ms");
            self.pass(MOMENT_MS);
        }
        self.now_ms - began_ms
    }

    fn feed(&self, records: impl IntoIterator<Item = (String, String)>) {
        let mut producer = self.broker.producer(None).unwrap();
        let topic = producer.topic("in").unwrap();
        for (key, value) in records {
            producer.send(topic, Some(0), 1, Some(key.as_bytes()), Some(value.as_bytes()), &Headers::EMPTY).unwrap();
        }
        producer.flush().unwrap();
    }

    /// Keys of committed answers since the last time.
    fn answered(&mut self) -> Vec<String> {
        let (mut keys, mut fetched) = (vec![], vec![]);
        loop {
            self.out.poll(Duration::ZERO, 1_000, &mut fetched).unwrap();
            let before = keys.len();
            keys.extend(fetched.drain(..).filter_map(|fetched| match fetched {
                Fetched::Record(_, record) => Some(String::from_utf8(record.key?.to_vec()).unwrap()),
                _ => None,
            }));
            if keys.len() == before {
                return keys;
            }
        }
    }
}

fn thread(broker: &SimulatedBroker, provider: &Provider) -> StreamThread {
    let text = Serdes::string;
    let builder = StreamsBuilder::new();
    let calls = AsyncCalls::new("provider", |key: &String, _: &String| key.clone(), text(), text(), text());
    builder
        .stream("in", Consumed::with(text(), text()))
        .call_async(calls.with_max_in_flight(1_000))
        .map_values(|_, result: Option<AsyncResult<String, String>>| result.and_then(|result| result.response.ok()))
        .to("out", Produced::with(text(), text()));
    let instance = SimulatedInstance::new(Simulation {
        topology: builder.build().unwrap(),
        config: StreamsConfig::new("app", ""),
        broker: Arc::new(broker.clone()),
        process_id: ProcessId([1; 16]),
        offset_sums: BTreeMap::new(),
        disks: Arc::new(FreshDisks),
        async_clients: AsyncClients::default().with("provider", Arc::new(provider.clone())),
    });
    instance.thread(0).unwrap()
}

fn thousand(value: &str) -> impl Iterator<Item = (String, String)> {
    (0..1_000).map(move |n| (format!("order-{n:03}"), value.to_owned()))
}

#[test]
fn a_thousand_calls_of_20_ms_are_done_fifty_times_sooner_than_in_sequence() {
    const IN_SEQUENCE_MS: i64 = 1_000 * 20;
    let mut run = Run::start();
    run.feed(thousand("20"));
    let mut answered = vec![];
    let took_ms = run.pass_until(IN_SEQUENCE_MS, |run| {
        answered.extend(run.answered());
        answered.len() == 1_000
    });
    println!("1,000 calls of 20 ms: {took_ms} ms from the first record to the last committed answer");
    assert!(IN_SEQUENCE_MS >= 50 * took_ms, "{took_ms} ms");
}

#[test]
fn a_crash_with_a_thousand_calls_pending_loses_none_and_makes_them_again_under_the_same_keys() {
    let mut run = Run::start();
    run.feed(thousand("never"));
    run.pass_until(5_000, |run| run.provider.under_way() == 1_000);
    run.crash();
    run.pass_until(60_000, |run| run.provider.under_way() == 2_000);
    run.provider.answer_all();
    let mut answered = vec![];
    run.pass_until(5_000, |run| {
        answered.extend(run.answered());
        answered.len() >= 1_000
    });
    run.pass(1_000);
    answered.extend(run.answered());
    answered.sort();
    assert_eq!(answered, thousand("").map(|(key, _)| key).collect::<Vec<_>>());
    let calls = run.provider.0.lock().unwrap().calls.clone();
    assert!(calls.len() == 1_000 && calls.values().all(|calls| *calls == 2), "{calls:?}");
}

#[test]
fn a_call_longer_than_the_transaction_time_out_holds_nothing_up_and_is_answered() {
    let mut run = Run::start();
    run.feed([("long".to_owned(), (3 * TRANSACTION_TIMEOUT_MS).to_string())]);
    run.pass_until(1_000, |run| run.provider.under_way() == 1);
    let mut took_ms = vec![];
    for n in 0..20 {
        run.feed([(format!("short-{n}"), "20".to_owned())]);
        took_ms.push(run.pass_until(5_000, |run| !run.answered().is_empty()));
        run.pass(1_000);
    }
    assert!(took_ms.iter().all(|took_ms| *took_ms < 500), "{took_ms:?}");
    run.pass(3 * TRANSACTION_TIMEOUT_MS - 20_000);
    assert_eq!(run.answered(), ["long"]);
}
