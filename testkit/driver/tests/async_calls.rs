//! Asynchronous calls as a topology sees them: begun after the commit, in order per key, answered between records.
#![allow(clippy::unwrap_used)]

use comanda_streams::*;
use comanda_streams_test::{ScriptedClient, TopologyTestDriver};

/// Charges per order, answered by a script.
struct Run {
    driver: TopologyTestDriver,
    client: ScriptedClient,
}

struct Refusing;

impl FixedKeyProcessor<String, String, String> for Refusing {
    fn process(
        &mut self,
        _ctx: &mut FixedKeyProcessorContext<'_, '_, String, String>,
        record: FixedKeyRecord<String, String>,
    ) -> Result<(), StreamsError> {
        match record.value.as_deref() {
            Some("refused") => Err(StreamsError::SkipRecord("refused".to_owned())),
            _ => Ok(()),
        }
    }
}

impl Run {
    fn new(set: impl Fn(AsyncCalls<String, String, String>) -> AsyncCalls<String, String, String>) -> Self {
        let text = Serdes::string;
        let calls = AsyncCalls::new("charge", |k: &String, v: &String| format!("{k}-{v}"), text(), text(), text());
        let builder = StreamsBuilder::new();
        let charges = builder.stream("in", Consumed::with(text(), text()));
        charges
            .call_async(set(calls))
            .map_values(|_, result: Option<AsyncResult<String, String>>| result.map(|result| told(&result)))
            .to("out", Produced::with(text(), text()));
        charges.process_values("refusing", &[], |_| Ok(Refusing));
        let client = ScriptedClient::default();
        let clients = AsyncClients::default().with("charge", std::sync::Arc::new(client.clone()));
        let config = StreamsConfig::new("test", "");
        let driver = TopologyTestDriver::with_async_clients(&builder.build().unwrap(), config, 0, &clients).unwrap();
        Self { driver, client }
    }

    fn pipe(&mut self, key: &str, value: &str) {
        let input = self.driver.input_topic("in", Serdes::string(), Serdes::string());
        input.pipe(&mut self.driver, key, value, 1_000).unwrap();
    }

    /// The idempotency keys of the calls under way, with their attempts.
    fn open(&self) -> Vec<String> {
        self.client.open_calls().into_iter().map(|call| format!("{}#{}", call.idempotency_key, call.attempt)).collect()
    }

    fn answer(&mut self, outcome_of: impl Fn(&AsyncCall) -> Option<AsyncOutcome>) {
        self.client.answer(outcome_of);
        self.driver.advance_wall_clock_time(0).unwrap();
    }

    fn out(&mut self) -> Vec<String> {
        let output = self.driver.output_topic("out", Serdes::string(), Serdes::string());
        let records = output.read(&mut self.driver).unwrap().into_iter();
        records
            .map(|r: Record<String, String>| format!("{} {}@{}", r.key.unwrap(), r.value.unwrap(), r.timestamp))
            .collect()
    }
}

fn told(result: &AsyncResult<String, String>) -> String {
    match &result.response {
        Ok(response) => format!("{}: {response} after {}", result.request, result.attempts),
        Err(reason) => format!("{}: no, {reason}, after {}", result.request, result.attempts),
    }
}

fn done(call: &AsyncCall) -> Option<AsyncOutcome> {
    Some(AsyncOutcome::Done(call.request.clone()))
}

fn busy(retry: bool) -> Option<AsyncOutcome> {
    Some(AsyncOutcome::Failed { reason: "busy".to_owned(), retry })
}

#[test]
fn calls_of_a_key_follow_each_other_while_those_of_others_run() {
    let mut run = Run::new(|calls| calls);
    [("a", "1"), ("a", "2"), ("b", "1")].iter().for_each(|(key, value)| run.pipe(key, value));
    assert_eq!(run.open(), ["a-1#1", "b-1#1"]);
    run.answer(|call| (call.idempotency_key == "b-1").then(|| done(call)).flatten());
    assert_eq!((run.open(), run.out()), (vec!["a-1#1".to_owned()], vec!["b 1: 1 after 1@1000".to_owned()]));
    run.answer(done);
    assert_eq!((run.open(), run.out()), (vec!["a-2#1".to_owned()], vec!["a 1: 1 after 1@1000".to_owned()]));
    run.answer(done);
    assert_eq!((run.open(), run.out()), (vec![], vec!["a 2: 2 after 1@1000".to_owned()]));
}

#[test]
fn no_more_calls_are_under_way_than_are_let_in_and_the_others_wait_in_order() {
    let mut run = Run::new(|calls| calls.with_max_in_flight(3));
    (0..10).for_each(|n| run.pipe(&format!("k{n}"), "x"));
    let mut seen = vec![];
    while !run.open().is_empty() {
        assert!(run.open().len() <= 3, "{:?}", run.open());
        seen.extend(run.open());
        run.answer(done);
    }
    let expected: Vec<String> = (0..10).map(|n| format!("k{n}-x#1")).collect();
    assert_eq!(seen, expected);
    assert_eq!(run.out().len(), 10);
}

#[test]
fn a_record_that_is_refused_after_its_call_was_accepted_has_called_nobody() {
    let mut run = Run::new(|calls| calls);
    run.pipe("a", "refused");
    run.pipe("a", "1");
    assert_eq!(run.open(), ["a-1#1"]);
    assert_eq!(run.driver.take_output("in.dead-letter").len(), 1);
}

#[test]
fn a_failed_call_is_made_again_after_its_pause_and_its_key_waits() {
    let mut run = Run::new(|calls| calls.with_retry(RetryPolicy { attempts: 3, first_ms: 100, longest_ms: 1_000 }));
    [("a", "1"), ("a", "2")].iter().for_each(|(key, value)| run.pipe(key, value));
    run.answer(|_| busy(true));
    run.driver.advance_wall_clock_time(49).unwrap();
    assert_eq!(run.open(), Vec::<String>::new(), "no pause is shorter than its half");
    run.driver.advance_wall_clock_time(51).unwrap();
    assert_eq!(run.open(), ["a-1#2"]);
    run.answer(|_| busy(true));
    run.driver.advance_wall_clock_time(200).unwrap();
    assert_eq!(run.open(), ["a-1#3"]);
    run.answer(|_| busy(true));
    assert_eq!((run.open(), run.out()), (vec!["a-2#1".to_owned()], vec!["a 1: no, busy, after 3@1000".to_owned()]));
}

#[test]
fn what_must_not_be_tried_again_is_passed_on_and_what_was_given_up_is_tried_again() {
    let mut run = Run::new(|calls| calls);
    [("a", "1"), ("b", "1")].iter().for_each(|(key, value)| run.pipe(key, value));
    run.answer(|call| (call.idempotency_key == "a-1").then(|| busy(false)).flatten());
    assert_eq!(run.out(), ["a 1: no, busy, after 1@1000"]);
    run.client.give_up();
    run.driver.advance_wall_clock_time(0).unwrap();
    run.driver.advance_wall_clock_time(200).unwrap();
    assert_eq!(run.open(), ["b-1#2"]);
}

/// The pause was made by an owner of the task whose clock was hours ahead.
#[test]
fn a_clock_that_goes_back_makes_no_call_wait_longer_than_the_longest_pause() {
    let mut run = Run::new(|calls| calls);
    run.driver.advance_wall_clock_time(10_000_000).unwrap();
    run.pipe("a", "1");
    run.answer(|_| busy(true));
    run.driver.advance_wall_clock_time(-9_000_000).unwrap();
    assert_eq!(run.open(), ["a-1#2"]);
}

#[test]
fn calls_without_a_client_are_refused_by_name() {
    let text = Serdes::string;
    let builder = StreamsBuilder::new();
    let calls = AsyncCalls::new("charge", |_, v: &String| v.clone(), text(), text(), text());
    builder.stream("in", Consumed::with(text(), text())).call_async(calls);
    let error = TopologyTestDriver::new(&builder.build().unwrap()).err().unwrap().to_string();
    assert!(error.contains("`charge`"), "{error}");
}
