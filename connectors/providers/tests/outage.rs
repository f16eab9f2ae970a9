//! A provider that is down or slow: calls wait in the engine's store, the breaker spares the provider, no more calls than
//! threads are made at a time, all are answered in the end.
#![allow(clippy::unwrap_used)]

use comanda_providers::{BreakerSettings, Provider, ThreadedClient};
use comanda_streams::*;
use comanda_streams_test::TopologyTestDriver;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const CHARGES: usize = 60;
const OPEN_MS: i64 = 100;
const PROBES: usize = 2;
const LEAST_CALLS: usize = 4;
const THREADS: usize = 3;

#[derive(Clone, Default)]
struct Bank(Arc<(AtomicBool, Mutex<Vec<(String, bool)>>)>);

impl Provider for Bank {
    fn call(&self, call: &AsyncCall) -> AsyncOutcome {
        let is_up = self.0.0.load(Ordering::Relaxed);
        self.0.1.lock().unwrap().push((call.idempotency_key.clone(), is_up));
        match is_up {
            true => AsyncOutcome::Done(call.request.clone()),
            false => AsyncOutcome::Failed { reason: "down".to_owned(), retry: true },
        }
    }
}

fn driver(client: ThreadedClient) -> TopologyTestDriver {
    let text = Serdes::string;
    let builder = StreamsBuilder::new();
    let retry = RetryPolicy { attempts: u32::MAX, first_ms: 5, longest_ms: 20 };
    let calls = AsyncCalls::new("bank", |key: &String, _: &String| key.clone(), text(), text(), text());
    builder
        .stream("in", Consumed::with(text(), text()))
        .call_async(calls.with_retry(retry).with_max_in_flight(10))
        .map_values(|_, result: Option<AsyncResult<String, String>>| result.and_then(|result| result.response.ok()))
        .to("out", Produced::with(text(), text()));
    let clients = AsyncClients::default().with("bank", Arc::new(client));
    let config = StreamsConfig::new("test", "");
    TopologyTestDriver::with_async_clients(&builder.build().unwrap(), config, 0, &clients).unwrap()
}

fn pass(driver: &mut TopologyTestDriver) {
    std::thread::sleep(Duration::from_millis(2));
    driver.advance_wall_clock_time(5).unwrap();
}

#[test]
fn calls_wait_while_the_provider_is_down_and_all_are_made_when_it_is_back() {
    let bank = Bank::default();
    let breaker = BreakerSettings { open_ms: OPEN_MS, probes: PROBES, least_calls: LEAST_CALLS, ..Default::default() };
    let mut driver = driver(ThreadedClient::new(bank.clone(), THREADS, breaker).unwrap());
    let input = driver.input_topic("in", Serdes::string(), Serdes::string());
    let down_since = Instant::now();
    (0..CHARGES).for_each(|n| input.pipe(&mut driver, format!("charge-{n}"), "10", 0).unwrap());
    (0..100).for_each(|_| pass(&mut driver));
    let down_ms = down_since.elapsed().as_millis() as usize;
    let made = bank.0.1.lock().unwrap().len();
    // Those that open it, those under way then, and a round of probes each time it is half open.
    let most = LEAST_CALLS + 2 * THREADS + PROBES * (1 + down_ms / OPEN_MS as usize);
    assert!(made >= LEAST_CALLS && made <= most, "{made} calls in {down_ms} ms, at most {most}");

    bank.0.0.store(true, Ordering::Relaxed);
    let output = driver.output_topic("out", Serdes::string(), Serdes::string());
    let (mut answered, up_since) = (BTreeMap::new(), Instant::now());
    while answered.len() < CHARGES && up_since.elapsed() < Duration::from_secs(30) {
        pass(&mut driver);
        for (key, value) in output.read_key_values(&mut driver).unwrap() {
            assert_eq!(answered.insert(key.unwrap(), value), None);
        }
    }
    assert_eq!(answered.len(), CHARGES);
    let done = bank.0.1.lock().unwrap().iter().filter(|(_, is_up)| *is_up).count();
    assert_eq!(done, CHARGES, "each once");
}

/// Each call takes 5 ms; how many there are now, and the most there were.
#[derive(Clone, Default)]
struct SlowBank(Arc<(AtomicUsize, AtomicUsize)>);

impl Provider for SlowBank {
    fn call(&self, call: &AsyncCall) -> AsyncOutcome {
        let now = self.0.0.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.1.fetch_max(now, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(5));
        self.0.0.fetch_sub(1, Ordering::SeqCst);
        AsyncOutcome::Done(call.request.clone())
    }
}

#[test]
fn a_slow_provider_never_has_more_calls_at_a_time_than_threads() {
    let bank = SlowBank::default();
    let mut driver = driver(ThreadedClient::new(bank.clone(), THREADS, BreakerSettings::default()).unwrap());
    let input = driver.input_topic("in", Serdes::string(), Serdes::string());
    (0..CHARGES).for_each(|n| input.pipe(&mut driver, format!("charge-{n}"), "10", 0).unwrap());
    let output = driver.output_topic("out", Serdes::string(), Serdes::string());
    let (mut answered, since) = (0, Instant::now());
    while answered < CHARGES && since.elapsed() < Duration::from_secs(30) {
        pass(&mut driver);
        answered += output.read_key_values(&mut driver).unwrap().len();
    }
    assert_eq!(answered, CHARGES);
    let most = bank.0.1.load(Ordering::SeqCst);
    assert!((2..=THREADS).contains(&most), "{most} at a time");
}
