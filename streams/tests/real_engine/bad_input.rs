//! Records that cannot be read, are against the rules, cannot be processed or lie in the wrong partition: each goes to the
//! dead-letter topic once, the others do not notice.

use crate::feed::Feed;
use crate::fixture::*;
use comanda_kafka::KafkaBroker;
use comanda_servers::{Servers, unique_name};
use comanda_streams::broker::RawRecord;
use comanda_streams::partitioner::partition_for_key;
use comanda_streams::*;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// A value that the processor cannot cope with, after it has written and sent.
const POISON: i32 = 666;

struct Summing(Rc<KeyValueStore<String, i32>>);

impl Processor<String, i32, String, i32> for Summing {
    fn process(
        &mut self,
        ctx: &mut ProcessorContext<'_, String, i32>,
        record: Record<String, i32>,
    ) -> Result<(), StreamsError> {
        let (key, value) = (record.key.clone().unwrap(), record.value.unwrap());
        let sum = self.0.get(&key)?.unwrap_or(0) + value;
        self.0.put(&key, &sum)?;
        ctx.forward(record.with_value(Some(sum)))?;
        if value == POISON { Err(StreamsError::SkipRecord("no such dish".to_owned())) } else { Ok(()) }
    }
}

fn summing(input: &str, output: &str) -> Topology {
    let builder = StreamsBuilder::new();
    let (text, number) = (Serdes::string, Serdes::integer);
    let sums = builder.add_state_store(Stores::key_value_store("sums", text(), number()));
    let not_negative = |_: Option<&String>, value: Option<&i32>| match value {
        Some(value) if *value >= 0 => Ok(()),
        other => Err(format!("amount: {other:?} is no amount")),
    };
    builder
        .stream(input, Consumed::with(text(), number()).with_validation(not_negative).with_partition_check())
        .process("sum", &[&sums.clone()], move |init| Ok(Summing(init.open(&sums)?)))
        .to(output, Produced::with(text(), number()));
    builder.build().unwrap()
}

struct World {
    kafka: Arc<KafkaBroker>,
    application_id: String,
    input: String,
    output: String,
}

impl World {
    fn new() -> Self {
        let kafka = cluster(Servers::kafka());
        let [application_id, input, output] = ["bad", "bad-in", "bad-out"].map(unique_name);
        create_topics(&*kafka, &[&input, &output], PARTITIONS);
        Self { kafka, application_id, input, output }
    }

    /// Runs the application until so many dead letters and outputs are there; both.
    fn run(&self, letters: usize, outputs: usize) -> [BTreeMap<i32, Vec<RawRecord>>; 2] {
        let scratch = tempfile::tempdir().unwrap();
        let config = config(&self.application_id, scratch.path());
        let streams = run(summing(&self.input, &self.output), config, &self.kafka);
        let dead_letters = format!("{}.dead-letter", self.input);
        let letters =
            read_until(&*self.kafka, &dead_letters, "the dead letters are there", |all| count(all) >= letters);
        let outputs = read_until(&*self.kafka, &self.output, "the good ones are through", |all| count(all) >= outputs);
        assert_eq!((streams.error(), streams.close()), (None, KafkaStreamsState::NotRunning));
        [letters, outputs]
    }
}

fn header<'r>(record: &'r RawRecord, name: &str) -> &'r str {
    std::str::from_utf8(record.headers.last(&format!("__streams.errors.{name}")).unwrap()).unwrap()
}

#[test]
fn bad_records_go_to_the_dead_letter_topic_once_and_leave_no_trace() {
    counted::install();
    let world = World::new();
    let mut feed = Feed::new(&*world.kafka, &world.input);
    // All in one partition and, most likely, one transaction: what is aborted for one bad record takes others along.
    let key = "table-7";
    let partition = partition_for_key(key.as_bytes(), PARTITIONS);
    let value = |number: i32| number.to_be_bytes().to_vec();
    let values =
        [value(1), b"??".to_vec(), value(2), value(-5), value(3), value(POISON), value(4), value(POISON), value(5)];
    for value in &values {
        feed.raw(Some(partition), Some(key.as_bytes()), Some(value));
    }
    feed.flush();
    let [letters, outputs] = world.run(4, 5);
    let sums: Vec<i32> = outputs[&partition]
        .iter()
        .map(|r| i32::from_be_bytes(r.value.as_deref().unwrap().try_into().unwrap()))
        .collect();
    assert_eq!(sums, [1, 3, 6, 10, 15]);
    let expected = [
        ("DeserializationException", "1", "value: ", b"??".to_vec()),
        ("DeserializationException", "3", "amount: Some(-5) is no amount", value(-5)),
        ("ProcessingException", "5", "no such dish", value(POISON)),
        ("ProcessingException", "7", "no such dish", value(POISON)),
    ];
    let letters = &letters[&partition];
    assert_eq!(letters.len(), expected.len());
    for (letter, (exception, offset, reason, value)) in letters.iter().zip(expected) {
        assert_eq!((header(letter, "exception"), header(letter, "offset")), (exception, offset));
        assert_eq!((header(letter, "topic"), header(letter, "partition")), (&*world.input, &*partition.to_string()));
        assert!(header(letter, "message").contains(reason), "{letter:?}");
        assert_eq!((letter.key.as_deref(), letter.value.as_deref()), (Some(key.as_bytes()), Some(&*value)));
    }
    assert_eq!(counted::total("comanda_dead_letters_total", &world.application_id), 4);
}

#[test]
fn misrouted_records_are_dead_letters_that_name_both_partitions() {
    let world = World::new();
    let mut feed = Feed::new(&*world.kafka, &world.input);
    let key = "table-8";
    let right = partition_for_key(key.as_bytes(), PARTITIONS);
    let wrong = (right + 1) % PARTITIONS;
    let one = 1i32.to_be_bytes();
    feed.raw(Some(right), Some(key.as_bytes()), Some(&one));
    feed.raw(Some(wrong), Some(key.as_bytes()), Some(&one));
    feed.raw(Some(wrong), None, Some(&one));
    feed.raw(Some(right), Some(key.as_bytes()), Some(&one));
    feed.flush();
    let [letters, outputs] = world.run(2, 2);
    assert_eq!((count(&letters), count(&outputs)), (2, 2));
    let mut reasons: Vec<&str> = letters.values().flatten().map(|letter| header(letter, "message")).collect();
    reasons.sort();
    let misplaced = format!("misrouted: its key belongs into partition {right} of 4, it is in {wrong}");
    let keyless = format!("misrouted: without a key no partition is right, it is in {wrong} of 4");
    assert_eq!(reasons, [misplaced, keyless]);
}

/// Runs `topology` until it has written so many records; how many it dropped.
fn dropped(topology: Topology, world: &World, outputs: usize) -> u64 {
    let scratch = tempfile::tempdir().unwrap();
    let streams = run(topology, config(&world.application_id, scratch.path()), &world.kafka);
    read_until(&*world.kafka, &world.output, "the good ones are through", |all| count(all) >= outputs);
    assert_eq!((streams.error(), streams.close()), (None, KafkaStreamsState::NotRunning));
    assert_eq!(count(&read_all(&*world.kafka, &world.output)), outputs);
    counted::total("comanda_dropped_records_total", &world.application_id)
}

#[test]
fn late_records_are_dropped_and_counted() {
    counted::install();
    let world = World::new();
    let (text, number) = (Serdes::string, Serdes::long);
    let builder = StreamsBuilder::new();
    builder
        .stream(&world.input, Consumed::with(text(), text()))
        .group_by_key(Grouped::with(text(), text()))
        .windowed_by(TimeWindows::of_size_and_grace(1_000, 500))
        .count(Materialized::with(text(), number()).named("windows").with_caching_disabled())
        .to_stream()
        .map(|key: Option<Windowed<String>>, count| (key.map(|key| key.to_string()), count))
        .to(&world.output, Produced::with(text(), number()));
    let mut feed = Feed::new(&*world.kafka, &world.input);
    let start = feed.timestamp;
    // The window that begins at `start` closes at 1500: the record at 900 is in time before that and late after it.
    for after_ms in [0, 1_499, 900, 1_500, 900, 999, 1_000] {
        feed.timestamp = start + after_ms;
        feed.raw(Some(0), Some(b"table-7"), Some(b"v"));
    }
    feed.flush();
    assert_eq!(dropped(builder.build().unwrap(), &world, 5), 2);
}

#[test]
fn records_without_a_key_are_dropped_by_a_grouped_stream_and_counted() {
    counted::install();
    let world = World::new();
    let (text, number) = (Serdes::string, Serdes::long);
    let builder = StreamsBuilder::new();
    builder
        .stream(&world.input, Consumed::with(text(), text()))
        .group_by_key(Grouped::with(text(), text()))
        .count(Materialized::with(text(), number()).named("counts").with_caching_disabled())
        .to_stream()
        .to(&world.output, Produced::with(text(), number()));
    let mut feed = Feed::new(&*world.kafka, &world.input);
    for key in [Some(b"table-7"), None, Some(b"table-8"), None, None, Some(b"table-7")] {
        feed.raw(Some(0), key.map(|key| &key[..]), Some(b"v"));
    }
    feed.flush();
    assert_eq!(dropped(builder.build().unwrap(), &world, 3), 3);
}

/// Counters of this test process.
mod counted {
    use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
    use std::collections::HashMap;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::{Arc, Mutex, Once, OnceLock};

    type Counters = Mutex<HashMap<Key, Arc<AtomicU64>>>;

    fn counters() -> &'static Counters {
        static COUNTERS: OnceLock<Counters> = OnceLock::new();
        COUNTERS.get_or_init(Counters::default)
    }

    pub fn install() {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| metrics::set_global_recorder(Counting).unwrap());
    }

    /// What a counter of an application has come to, over all its tasks.
    pub fn total(name: &str, application_id: &str) -> u64 {
        let counters = counters().lock().unwrap();
        let own = counters.iter().filter(|(key, _)| {
            key.name() == name
                && key.labels().any(|label| (label.key(), label.value()) == ("application", application_id))
        });
        own.map(|(_, counter)| counter.load(Ordering::Relaxed)).sum()
    }

    struct Counting;

    impl Recorder for Counting {
        fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

        fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
            Counter::from_arc(counters().lock().unwrap().entry(key.clone()).or_default().clone())
        }

        fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
            Gauge::noop()
        }

        fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
            Histogram::noop()
        }
    }
}

struct NeverWrites;

impl Serializer<String> for NeverWrites {
    fn serialize(&self, _: &str, _: &String, _: &mut Vec<u8>) -> Result<(), SerdeError> {
        unreachable!("the output has a serde of its own")
    }
}

struct AwayThenThere {
    attempts: Arc<AtomicUsize>,
    away: Arc<AtomicBool>,
}

impl Deserializer<String> for AwayThenThere {
    fn deserialize(&self, _: &str, bytes: &[u8]) -> Result<String, SerdeError> {
        self.attempts.fetch_add(1, Ordering::Relaxed);
        match self.away.load(Ordering::Relaxed) {
            true => Err(SerdeError::unavailable("the registry is away")),
            false => Ok(String::from_utf8_lossy(bytes).into_owned()),
        }
    }
}

#[test]
fn a_record_that_waits_for_the_registry_is_looked_at_now_and_then_and_goes_on_when_it_is_there() {
    /// A step without anything to do waits 10 ms; a thread that does not wait comes to some hundred thousands.
    const MAX_ATTEMPTS: usize = 1_000;
    let world = World::new();
    let (attempts, away) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(true)));
    let deserializer = AwayThenThere { attempts: attempts.clone(), away: away.clone() };
    let builder = StreamsBuilder::new();
    builder
        .stream(&world.input, Consumed::with(Serdes::string(), Serde::new(NeverWrites, deserializer)))
        .to(&world.output, Produced::with(Serdes::string(), Serdes::string()));
    let scratch = tempfile::tempdir().unwrap();
    let streams = run(builder.build().unwrap(), config(&world.application_id, scratch.path()), &world.kafka);
    let mut feed = Feed::new(&*world.kafka, &world.input);
    feed.raw(Some(0), Some(b"k"), Some(b"v"));
    feed.flush();
    wait_until("the record waits", || attempts.load(Ordering::Relaxed) > 0);
    let before = attempts.load(Ordering::Relaxed);
    std::thread::sleep(std::time::Duration::from_secs(2));
    let tried = attempts.load(Ordering::Relaxed) - before;
    assert!(tried > 0 && tried < MAX_ATTEMPTS, "looked at {tried} times in two seconds");
    println!("looked at {tried} times in two seconds");
    away.store(false, Ordering::Relaxed);
    read_until(&*world.kafka, &world.output, "it goes on", |all| count(all) == 1);
    assert_eq!((streams.error(), streams.close()), (None, KafkaStreamsState::NotRunning));
}
