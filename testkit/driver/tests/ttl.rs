//! Stores whose rows live for a time, as processors and their change logs see them.
#![allow(clippy::unwrap_used)]

use comanda_streams::*;
use comanda_streams_test::TopologyTestDriver;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::rc::Rc;

const TTL_MS: i64 = 100;

/// Does what a record says, then tells all that it sees: `put`s take the record's time, `late`s an earlier one.
struct Positions(Rc<TtlKeyValueStore<String, String>>);

impl Processor<String, String, String, String> for Positions {
    fn process(
        &mut self,
        ctx: &mut ProcessorContext<'_, String, String>,
        record: Record<String, String>,
    ) -> Result<(), StreamsError> {
        let (key, act) = (record.key.unwrap(), record.value.unwrap());
        match act.split_once(' ').unwrap_or((&act, "")) {
            ("put", value) => drop(self.0.put(&key, &value.to_owned(), record.timestamp)?),
            ("late", by_ms) => drop(self.0.put(&key, &act, record.timestamp - by_ms.parse::<i64>().unwrap())?),
            ("delete", _) => self.0.delete(&key)?,
            ("refused", _) => {
                self.0.put(&key, &act, record.timestamp)?;
                return Err(StreamsError::SkipRecord("refused".to_owned()));
            }
            _ => {}
        }
        let rows = self.0.all()?;
        for (key, row) in &rows {
            assert_eq!(self.0.get(key)?.as_ref(), Some(row));
        }
        let seen: Vec<String> =
            rows.iter().map(|(key, row)| format!("{key}={}@{}", row.value, row.timestamp)).collect();
        ctx.forward(Record::new(key, seen.join(" "), record.timestamp))
    }
}

fn driver() -> TopologyTestDriver {
    let text = Serdes::string;
    let builder = StreamsBuilder::new();
    let store = builder.add_state_store(Stores::ttl_key_value_store("positions", TTL_MS, text(), text()));
    let open = store.clone();
    builder
        .stream("in", Consumed::with(text(), text()))
        .process("positions", &[&store], move |init| Ok(Positions(init.open(&open)?)))
        .to("out", Produced::with(text(), text()));
    TopologyTestDriver::new(&builder.build().unwrap()).unwrap()
}

/// What each record sees.
fn seen(records: &[(&str, &str, i64)]) -> Vec<String> {
    let mut driver = driver();
    pipe(&mut driver, records);
    let output = driver.output_topic("out", Serdes::string(), Serdes::string());
    output.read_values(&mut driver).unwrap().into_iter().map(Option::unwrap).collect()
}

fn pipe(driver: &mut TopologyTestDriver, records: &[(&str, &str, i64)]) {
    let input = driver.input_topic("in", Serdes::string(), Serdes::string());
    records.iter().for_each(|(key, act, time)| input.pipe(driver, *key, *act, *time).unwrap());
}

#[test]
fn a_row_is_hidden_from_the_very_record_on_that_makes_it_expire() {
    let seen = seen(&[("a", "put 1", 0), ("b", "look", 99), ("b", "look", 100), ("b", "look", 50)]);
    assert_eq!(seen, ["a=1@0", "a=1@0", "", ""]);
}

#[test]
fn a_later_put_lets_a_row_live_longer_and_an_expired_one_changes_nothing() {
    let seen = seen(&[("a", "put 1", 0), ("a", "put 2", 90), ("a", "late 100", 150), ("a", "late 99", 189)]);
    assert_eq!(seen, ["a=1@0", "a=2@90", "a=2@90", "a=late 99@90"]);
}

#[test]
fn what_a_refused_record_put_or_made_expire_is_as_it_was() {
    let seen = seen(&[("a", "put 1", 0), ("b", "refused", 500), ("c", "look", 99)]);
    // The dead letter still moves stream time: the record was taken.
    assert_eq!(seen, ["a=1@0", ""]);
}

#[test]
fn expired_rows_get_tombstones_in_bounded_steps_and_the_clock_alone_goes_on_with_them() {
    let mut driver = driver();
    let keys: Vec<String> = (0..40).map(|n| format!("k{n:02}")).collect();
    let puts: Vec<_> = keys.iter().map(|key| (key.as_str(), "put 1", 0)).collect();
    pipe(&mut driver, &puts);
    driver.take_output("test-positions-changelog");
    pipe(&mut driver, &[("z", "put 1", 1_000)]);
    let mut tombstones = vec![];
    for _ in 0..4 {
        let log = driver.take_output("test-positions-changelog");
        tombstones.push(log.iter().filter(|record| record.value.is_none()).count());
        driver.advance_wall_clock_time(1).unwrap();
    }
    assert_eq!(tombstones, [16, 16, 8, 0]);
    assert_eq!(
        driver
            .stores()
            .ttl("positions")
            .unwrap()
            .range(None, None, comanda_state_stores::Direction::Forward)
            .unwrap()
            .count(),
        1
    );
}

#[test]
fn queries_see_no_row_that_has_expired_by_the_last_commit() {
    let mut driver = driver();
    pipe(&mut driver, &[("a", "put 1", 0), ("b", "put 2", 60)]);
    driver.stores().publish().unwrap();
    let rows = |driver: &TopologyTestDriver| {
        let view = driver.stores().views().load().unwrap();
        let store = view.store("positions").unwrap();
        let all = store.range(None, None, comanda_state_stores::Direction::Forward).unwrap().count();
        (all, [b"a", b"b"].map(|key| store.get(key).unwrap().is_some()))
    };
    assert_eq!(rows(&driver), (2, [true, true]));
    pipe(&mut driver, &[("c", "look", 120)]);
    driver.stores().publish().unwrap();
    assert_eq!(rows(&driver), (1, [false, true]));
}

/// Rows and stream time, nothing more.
#[derive(Default)]
struct Naive {
    rows: BTreeMap<String, (String, i64)>,
    stream_ms: i64,
}

impl Naive {
    fn act(&mut self, key: &str, act: &str, time: i64) -> String {
        self.stream_ms = self.stream_ms.max(time);
        let mut put = |value: &str, at: i64| {
            if at + TTL_MS > self.stream_ms {
                self.rows.insert(key.to_owned(), (value.to_owned(), at));
            }
        };
        match act.split_once(' ').unwrap_or((act, "")) {
            ("put", value) => put(value, time),
            ("late", by_ms) => put(act, time - by_ms.parse::<i64>().unwrap()),
            ("delete", _) => drop(self.rows.remove(key)),
            _ => {}
        }
        self.rows.retain(|_, (_, at)| *at + TTL_MS > self.stream_ms);
        let rows = self.rows.iter().map(|(key, (value, at))| format!("{key}={value}@{at}"));
        rows.collect::<Vec<_>>().join(" ")
    }
}

fn any_act() -> impl Strategy<Value = (String, String, i64)> {
    let act = prop_oneof![
        5 => (0..100u8).prop_map(|value| format!("put {value}")),
        2 => (0..150u8).prop_map(|by_ms| format!("late {by_ms}")),
        1 => Just("delete".to_owned()),
        1 => Just("look".to_owned()),
    ];
    (0..6u8, act, -20..60i64).prop_map(|(key, act, by_ms)| (format!("k{key}"), act, by_ms))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_put_when_processors_see_what_a_naive_map_would_show(acts in prop::collection::vec(any_act(), 1..60)) {
        let (mut naive, mut time) = (Naive::default(), 200);
        let records: Vec<_> = acts.iter().map(|(key, act, by_ms)| {
            time = (time + by_ms).max(0);
            (key.as_str(), act.as_str(), time)
        }).collect();
        let expected: Vec<_> = records.iter().map(|(key, act, time)| naive.act(key, act, *time)).collect();
        prop_assert_eq!(seen(&records), expected);
    }
}
