//! What a task does at its edges: order, times and state that cannot be read.
#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use comanda_state_stores::{Persistence, TaskStorage, TaskStores, Views};
use comanda_streams::broker::{Headers, RawRecord};
use comanda_streams::task::{OutputTopic, RecordCollector, Task, TaskSetup};
use comanda_streams::*;
use comanda_streams_test::TopologyTestDriver;
use std::cell::RefCell;
use std::rc::Rc;

/// What was sent: topic, time, whether it has a value.
#[derive(Default)]
struct Sent {
    topics: Vec<String>,
    records: Vec<(String, i64, bool)>,
}

impl RecordCollector for Sent {
    fn topic(&mut self, name: &str) -> Result<OutputTopic, StreamsError> {
        self.topics.push(name.to_owned());
        Ok(OutputTopic(self.topics.len() as u32 - 1))
    }

    fn send(
        &mut self,
        topic: OutputTopic,
        _: Option<i32>,
        timestamp: i64,
        _: Option<&[u8]>,
        value: Option<&[u8]>,
        _: &Headers,
    ) -> Result<(), StreamsError> {
        self.records.push((self.topics[topic.0 as usize].clone(), timestamp, value.is_some()));
        Ok(())
    }
}

fn task(topology: &Topology, config: &StreamsConfig) -> (Task, Rc<RefCell<Sent>>) {
    let sent = Rc::new(RefCell::new(Sent::default()));
    let storage = TaskStorage::open(&topology.task_stores(&[0], config), Persistence::Memory).unwrap();
    let setup = TaskSetup {
        id: TaskId { sub_topology: 0, partition: 0 },
        topology,
        sub_topologies: &[0],
        config,
        stores: TaskStores::new(storage),
        globals: Views::default(),
        async_clients: &AsyncClients::default(),
        collector: sent.clone(),
        now_ms: 0,
    };
    (Task::new(setup).unwrap(), sent)
}

fn record(offset: i64, timestamp: i64, key: &'static str, value: &'static str) -> RawRecord {
    let bytes = |text: &'static str| Some(Bytes::from_static(text.as_bytes()));
    RawRecord { offset, timestamp, key: bytes(key), value: bytes(value), headers: Headers::EMPTY }
}

/// The last value of each key; `gone` deletes it.
fn last_values(stored: Serde<String>) -> Topology {
    let text = Serdes::string;
    let builder = StreamsBuilder::new();
    builder
        .stream("in", Consumed::with(text(), text()))
        .group_by_key(Grouped::with(text(), text()))
        .aggregate(
            || None,
            |_, value: Option<String>, _| value.filter(|value| value != "gone"),
            Materialized::with(text(), stored).named("last"),
        )
        .to_stream()
        .to("out", Produced::with(text(), text()));
    builder.build().unwrap()
}

#[test]
fn state_that_cannot_be_read_stops_the_application_and_spares_the_input() {
    let unreadable: fn(&str, &[u8]) -> Result<String, SerdeError> = |_, _| Err(SerdeError::invalid("of old"));
    let topology = last_values(Serde::new(Text, Unreadable(unreadable)));
    let config = StreamsConfig { statestore_cache_max_bytes: 0, ..StreamsConfig::new("test", "") };
    let mut driver = TopologyTestDriver::with_config(&topology, config, 0).unwrap();
    let input = driver.input_topic("in", Serdes::string(), Serdes::string());
    input.pipe(&mut driver, "a", "1", 0).unwrap();
    let error = input.pipe(&mut driver, "a", "2", 1).unwrap_err();
    assert!(matches!(&error, StreamsError::Fatal(text) if text.contains("test-last-changelog")), "{error}");
    assert!(driver.take_output("in.dead-letter").is_empty());
}

struct Text;

impl Serializer<String> for Text {
    fn serialize(&self, _: &str, value: &String, out: &mut Vec<u8>) -> Result<(), SerdeError> {
        out.extend_from_slice(value.as_bytes());
        Ok(())
    }
}

struct Unreadable(fn(&str, &[u8]) -> Result<String, SerdeError>);

impl Deserializer<String> for Unreadable {
    fn deserialize(&self, topic: &str, bytes: &[u8]) -> Result<String, SerdeError> {
        (self.0)(topic, bytes)
    }
}

#[test]
fn a_cached_delete_reaches_the_change_log_with_its_own_time() {
    let (mut task, sent) = task(&last_values(Serdes::string()), &StreamsConfig::new("test", ""));
    task.add_record(0, record(0, 5, "a", "1"));
    assert!(task.process(0).unwrap());
    task.prepare_commit().unwrap();
    task.committed(&[]);
    sent.borrow_mut().records.clear();
    task.add_record(0, record(1, 10, "a", "gone"));
    task.add_record(0, record(2, 20, "b", "2"));
    assert!(task.process(0).unwrap() && task.process(0).unwrap());
    task.punctuate_wall_clock(1_000_000_000_000).unwrap();
    task.prepare_commit().unwrap();
    let log = "test-last-changelog";
    let logged: Vec<_> = sent.borrow().records.iter().filter(|sent| sent.0 == log).cloned().collect();
    assert_eq!(logged, [(log.to_owned(), 10, false), (log.to_owned(), 20, true)]);
}

#[test]
fn an_empty_input_that_may_have_more_is_waited_for_whatever_the_idle_time() {
    let text = Serdes::string;
    let builder = StreamsBuilder::new();
    builder.stream_of(&["left", "right"], Consumed::with(text(), text())).to("out", Produced::with(text(), text()));
    let config = StreamsConfig { max_task_idle_ms: 10, ..StreamsConfig::new("test", "") };
    let (mut task, _) = task(&builder.build().unwrap(), &config);
    task.add_record(0, record(0, 5, "a", "1"));
    assert!(!task.process(0).unwrap() && !task.process(1_000).unwrap());
    task.set_end(1, 0);
    assert!(!task.process(2_000).unwrap() && !task.process(2_009).unwrap());
    assert!(task.process(2_010).unwrap());
}

#[test]
fn the_first_record_leaves_no_time_behind_when_it_fails() {
    let text = Serdes::string;
    let builder = StreamsBuilder::new();
    builder
        .stream("in", Consumed::with(text(), text()))
        .to("out", Produced::with(text(), Serde::new(Failing, Failing)));
    let (mut task, _) = task(&builder.build().unwrap(), &StreamsConfig::new("test", ""));
    let before = task.committable_offsets(|_| 0);
    task.add_record(0, record(0, 5, "a", "1"));
    assert!(matches!(task.process(0), Err(StreamsError::Aborted(_))));
    task.abort();
    assert_eq!(task.committable_offsets(|_| 0), before);
}

struct Failing;

impl Serializer<String> for Failing {
    fn serialize(&self, _: &str, _: &String, _: &mut Vec<u8>) -> Result<(), SerdeError> {
        Err(SerdeError::invalid("no schema fits"))
    }
}

impl Deserializer<String> for Failing {
    fn deserialize(&self, _: &str, _: &[u8]) -> Result<String, SerdeError> {
        Err(SerdeError::invalid("never written"))
    }
}

/// Kafka Streams tells the formats of a buffer's values apart by this header.
#[test]
fn a_suppression_s_change_log_says_in_which_format_it_is() {
    let (text, kept) = (Serdes::string, BufferConfig::unbounded());
    let builder = StreamsBuilder::new();
    builder
        .table("in", Consumed::with(text(), text()), None)
        .suppress(Suppressed::until_time_limit(10, text(), text(), kept).with_name("held"))
        .to_stream()
        .to("out", Produced::with(text(), text()));
    let mut driver = TopologyTestDriver::new(&builder.build().unwrap()).unwrap();
    let input = driver.input_topic("in", text(), text());
    input.pipe(&mut driver, "a", "1", 0).unwrap();
    input.pipe(&mut driver, "b", "2", 10).unwrap();
    let log = driver.take_output("test-held-store-changelog").into_iter();
    let log: Vec<_> =
        log.map(|r| (r.key.unwrap(), r.value.is_some(), r.headers.last("v").map(<[u8]>::to_vec))).collect();
    let (a, b) = (Bytes::from_static(b"a"), Bytes::from_static(b"b"));
    assert_eq!(log, [(a.clone(), true, Some(vec![3])), (b, true, Some(vec![3])), (a, false, None)]);
}
