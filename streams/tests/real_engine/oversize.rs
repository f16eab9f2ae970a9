//! Records that some topic does not take, for their size or for what they are: they cost themselves, not the application.

use crate::feed::Feed;
use crate::fixture::*;
use comanda_kafka::{KafkaBroker, KafkaSettings};
use comanda_servers::{Servers, unique_name};
use comanda_streams::broker::{Broker, NewTopic, RawRecord};
use comanda_streams::*;
use std::sync::Arc;

/// Bytes beyond the producers' usual limit of 1,000,000; with its headers a letter is still below the brokers' 1,048,588.
const LARGE: usize = 1_020_000;
/// What a broker takes only just: with its headers the dead letter is too large for it.
const LARGEST: usize = 1_048_420;

struct World {
    kafka: Arc<KafkaBroker>,
    application_id: String,
    input: String,
    output: String,
}

impl World {
    fn new() -> Self {
        let kafka = cluster(Servers::kafka());
        let [application_id, input, output] = ["oversize", "oversize-in", "oversize-out"].map(unique_name);
        create_topics(&*kafka, &[&input, &output], 1);
        Self { kafka, application_id, input, output }
    }

    /// Sends values under one key from a client that takes them all.
    fn feed(&self, values: &[&[u8]]) {
        let settings = KafkaSettings::new(Servers::kafka()).with("producer.message.max.bytes", "2000000");
        let mut feed = Feed::new(&KafkaBroker::new(settings).unwrap(), &self.input);
        for value in values {
            feed.raw(Some(0), Some(b"k"), Some(value));
            feed.flush();
        }
    }

    /// Numbers go through; what is none cannot be decoded.
    fn numbers(&self) -> Topology {
        let builder = StreamsBuilder::new();
        let (text, number) = (Serdes::string, Serdes::integer);
        builder
            .stream(&self.input, Consumed::with(text(), number()))
            .map_values(|_, value: Option<i32>| value)
            .to(&self.output, Produced::with(text(), number()));
        builder.build().unwrap()
    }

    fn letters(&self, letters: usize) -> Vec<RawRecord> {
        let topic = format!("{}.dead-letter", self.input);
        let all = read_until(&*self.kafka, &topic, "the dead letters are there", |all| count(all) >= letters);
        all.into_values().flatten().collect()
    }

    fn outputs(&self, outputs: usize) -> Vec<Vec<u8>> {
        let enough = "the good ones are through";
        let all = read_until(&*self.kafka, &self.output, enough, |all| count(all) >= outputs);
        all.into_values().flatten().map(|record| record.value.unwrap().to_vec()).collect()
    }
}

fn header<'r>(record: &'r RawRecord, name: &str) -> Option<&'r str> {
    record.headers.last(&format!("__streams.errors.{name}")).map(|text| std::str::from_utf8(text).unwrap())
}

#[test]
fn a_bad_record_larger_than_clients_send_by_default_becomes_a_dead_letter() {
    let world = World::new();
    let scratch = tempfile::tempdir().unwrap();
    let streams = run(world.numbers(), config(&world.application_id, scratch.path()), &world.kafka);
    let [one, two] = [1i32, 2].map(i32::to_be_bytes);
    let garbage = vec![b'?'; LARGE];
    world.feed(&[&one, &garbage, &two]);
    assert_eq!(world.outputs(2), [one.to_vec(), two.to_vec()]);
    let letters = world.letters(1);
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].value.as_deref(), Some(&*garbage));
    assert_eq!((streams.error(), streams.close()), (None, KafkaStreamsState::NotRunning));
}

#[test]
fn a_dead_letter_that_the_broker_refuses_comes_without_its_value() {
    let world = World::new();
    let scratch = tempfile::tempdir().unwrap();
    let streams = run(world.numbers(), config(&world.application_id, scratch.path()), &world.kafka);
    let [one, two] = [1i32, 2].map(i32::to_be_bytes);
    let garbage = vec![b'?'; LARGEST];
    world.feed(&[&one, &garbage, &two]);
    assert_eq!(world.outputs(2), [one.to_vec(), two.to_vec()]);
    let letters = world.letters(1);
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].key.as_deref(), letters[0].value.as_deref()), (Some(&b"k"[..]), None));
    assert_eq!(header(&letters[0], "value.size"), Some(&*LARGEST.to_string()));
    assert!(header(&letters[0], "value.omitted").is_some_and(|why| why.contains("too large")), "{letters:?}");
    assert_eq!((streams.error(), streams.close()), (None, KafkaStreamsState::NotRunning));
}

#[test]
fn an_output_that_its_topic_refuses_as_invalid_costs_its_input_only() {
    for guarantee in [ProcessingGuarantee::ExactlyOnceV2, ProcessingGuarantee::AtLeastOnce] {
        let mut world = World::new();
        world.output = unique_name("compacted-out");
        let configs = vec![("cleanup.policy".to_owned(), "compact".to_owned())];
        let new = NewTopic { name: world.output.clone(), partitions: 1, replication: 1, configs };
        world.kafka.admin().unwrap().create_topics(&[new]).unwrap();
        let builder = StreamsBuilder::new();
        let (text, number) = (Serdes::string, Serdes::integer);
        builder
            .stream(&world.input, Consumed::with(text(), number()))
            // A compacted topic takes no record without a key.
            .map(|key: Option<String>, value: Option<i32>| (key.filter(|_| value != Some(666)), value))
            .to(&world.output, Produced::with(text(), number()));
        let scratch = tempfile::tempdir().unwrap();
        let config = StreamsConfig { processing_guarantee: guarantee, ..config(&world.application_id, scratch.path()) };
        let streams = run(builder.build().unwrap(), config, &world.kafka);
        let [one, bad, two] = [1i32, 666, 2].map(i32::to_be_bytes);
        world.feed(&[&one, &bad, &two]);
        let letters = world.letters(1);
        assert_eq!(letters.iter().map(|letter| letter.value.as_deref()).collect::<Vec<_>>(), [Some(&bad[..])]);
        assert!(header(&letters[0], "message").is_some_and(|why| why.contains("invalid")), "{letters:?}");
        let outputs = world.outputs(2);
        match guarantee {
            ProcessingGuarantee::ExactlyOnceV2 => assert_eq!(outputs, [one.to_vec(), two.to_vec()]),
            ProcessingGuarantee::AtLeastOnce => assert!(!outputs.contains(&bad.to_vec()), "{outputs:?}"),
        }
        assert_eq!((streams.error(), streams.close()), (None, KafkaStreamsState::NotRunning));
    }
}
