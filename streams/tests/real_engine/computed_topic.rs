//! `to_dynamic`: each record goes to the topic that its own content names.

use crate::feed::Feed;
use crate::fixture::*;
use comanda_servers::{Servers, unique_name};
use comanda_streams::*;

/// Copies each record to the topic `<outputs>-<value>`.
fn by_value(input: &str, outputs: &str) -> Topology {
    let text = Serdes::string;
    let outputs = outputs.to_owned();
    let builder = StreamsBuilder::new();
    builder.stream(input, Consumed::with(text(), text())).to_dynamic(
        move |record| format!("{outputs}-{}", record.value.as_deref().unwrap_or_default()),
        Produced::with(text(), text()),
    );
    builder.build().unwrap()
}

#[test]
fn each_record_goes_to_the_topic_that_it_names_and_a_topic_that_is_missing_is_named() {
    let kafka = cluster(Servers::kafka());
    let [application_id, input, outputs] = ["computed", "computed-in", "computed-out"].map(unique_name);
    let [sweet, salty] = ["sweet", "salty"].map(|taste| format!("{outputs}-{taste}"));
    create_topics(&*kafka, &[&input, &sweet, &salty], PARTITIONS);
    let scratch = tempfile::tempdir().unwrap();
    let streams = run(by_value(&input, &outputs), config(&application_id, scratch.path()), &kafka);
    let mut feed = Feed::new(&*kafka, &input);
    for (dish, taste) in [("brevas", "sweet"), ("empanada", "salty"), ("cocadas", "sweet")] {
        feed.send(dish, taste);
    }
    feed.flush();
    for (topic, expected) in [(&sweet, vec!["brevas", "cocadas"]), (&salty, vec!["empanada"])] {
        let records = read_until(&*kafka, topic, "the dishes are sorted", |all| count(all) >= expected.len());
        let mut found: Vec<String> = records.values().flatten().map(|record| text(&record.key)).collect();
        found.sort();
        assert_eq!(found, expected);
    }

    feed.send("ajiaco", "hot");
    feed.flush();
    wait_until("the application gives up", || streams.state() == KafkaStreamsState::Error);
    let error = streams.error().unwrap();
    assert!(error.contains(&format!("{outputs}-hot")), "{error}");
}
