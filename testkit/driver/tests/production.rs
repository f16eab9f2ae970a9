//! Outputs that cannot be sent: the record in process takes the blame; where there is none, the handler decides.
#![allow(clippy::unwrap_used)]

use comanda_streams::*;
use comanda_streams_test::TopologyTestDriver;

struct Unwritable;

impl Serializer<String> for Unwritable {
    fn serialize(&self, _: &str, _: &String, _: &mut Vec<u8>) -> Result<(), SerdeError> {
        Err(SerdeError::invalid("no schema fits"))
    }
}

impl Deserializer<String> for Unwritable {
    fn deserialize(&self, _: &str, _: &[u8]) -> Result<String, SerdeError> {
        Err(SerdeError::invalid("never written"))
    }
}

/// Last values, cached or not, whose output cannot be encoded.
fn driver(cache_bytes: usize, production_handler: ProductionHandler) -> TopologyTestDriver {
    let text = Serdes::string;
    let builder = StreamsBuilder::new();
    builder
        .stream("in", Consumed::with(text(), text()))
        .group_by_key(Grouped::with(text(), text()))
        .reduce(|_, new| Some(new), Materialized::with(text(), text()).named("last"))
        .to_stream()
        .to("out", Produced::with(text(), Serde::new(Unwritable, Unwritable)));
    let config =
        StreamsConfig { statestore_cache_max_bytes: cache_bytes, production_handler, ..StreamsConfig::new("test", "") };
    TopologyTestDriver::with_config(&builder.build().unwrap(), config, 0).unwrap()
}

fn pipe(driver: &mut TopologyTestDriver) -> Result<(), StreamsError> {
    let input = driver.input_topic("in", Serdes::string(), Serdes::string());
    input.pipe(driver, "a", "1", 0)
}

#[test]
fn in_a_flush_it_stops_the_application_and_names_the_topic() {
    let mut driver = driver(1_000_000, ProductionHandler::Fail);
    let error = pipe(&mut driver).unwrap_err();
    let StreamsError::Fatal(text) = &error else { panic!("{error}") };
    assert!(text.contains("`out`") && text.contains("key 1 bytes") && text.contains("no schema fits"), "{text}");
}

#[test]
fn in_a_flush_it_is_dropped_and_counted_if_the_handler_says_so() {
    let mut driver = driver(1_000_000, ProductionHandler::Continue);
    pipe(&mut driver).unwrap();
    assert_eq!(driver.dropped_records(), 1);
    assert!(driver.take_output("in.dead-letter").is_empty());
}

#[test]
fn sent_by_a_record_in_process_it_costs_that_record() {
    let mut driver = driver(0, ProductionHandler::Continue);
    pipe(&mut driver).unwrap();
    assert_eq!((driver.take_output("in.dead-letter").len(), driver.dropped_records()), (1, 0));
}
