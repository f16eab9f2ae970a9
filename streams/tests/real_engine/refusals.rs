//! What stops an application says so, names what is wrong, and ends in state ERROR.

use crate::applications::{counting, windowing};
use crate::feed::Feed;
use crate::fixture::*;
use comanda_servers::{Servers, unique_name};
use comanda_streams::broker::{Broker, NewTopic};
use comanda_streams::*;

/// Runs until it is in state ERROR; the error.
fn error_of(topology: Topology, application_id: &str) -> String {
    let kafka = cluster(Servers::kafka());
    let scratch = tempfile::tempdir().unwrap();
    let mut streams = KafkaStreams::new(topology, config(application_id, scratch.path()), kafka).unwrap();
    streams.start().unwrap();
    wait_until("the application gives up", || streams.state() == KafkaStreamsState::Error);
    streams.error().unwrap()
}

#[test]
fn a_missing_source_is_named_with_its_application() {
    let kafka = cluster(Servers::kafka());
    let [application_id, input, output] = ["refused", "refused-in", "refused-out"].map(unique_name);
    create_topics(&*kafka, &[&output], 1);
    let error = error_of(counting(&input, &output), &application_id);
    assert!(error.contains(&input) && error.contains(&application_id) && error.contains("missing"), "{error}");
}

#[test]
fn an_internal_topic_of_another_width_is_named_with_both_counts() {
    let kafka = cluster(Servers::kafka());
    let [application_id, input, output] = ["refused", "refused-in", "refused-out"].map(unique_name);
    create_topics(&*kafka, &[&input, &output], PARTITIONS);
    let changelog = format!("{application_id}-counts-changelog");
    create_topics(&*kafka, &[&changelog], 3);
    let error = error_of(counting(&input, &output), &application_id);
    assert!(error.contains(&format!("`{changelog}` has 3 partitions but 4 are needed")), "{error}");
}

#[test]
fn an_internal_topic_that_would_lose_records_is_named_with_what_is_wrong() {
    let kafka = cluster(Servers::kafka());
    for (policy, retention, expected) in [
        ("delete", "-1", "cleanup.policy=delete but cleanup.policy=compact is needed"),
        ("compact,delete", "-1", "cleanup.policy=compact,delete but cleanup.policy=compact is needed"),
    ] {
        let [application_id, input, output] = ["refused", "refused-in", "refused-out"].map(unique_name);
        create_topics(&*kafka, &[&input, &output], PARTITIONS);
        let name = format!("{application_id}-counts-changelog");
        let configs = [("cleanup.policy", policy), ("retention.ms", retention)];
        let configs = configs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let new = NewTopic { name: name.clone(), partitions: PARTITIONS, replication: 1, configs };
        kafka.admin().unwrap().create_topics(&[new]).unwrap();
        let error = error_of(counting(&input, &output), &application_id);
        assert!(error.contains(&name) && error.contains(expected), "{error}");
    }
}

#[test]
fn a_repartition_topic_that_deletes_what_was_not_read_is_refused() {
    let kafka = cluster(Servers::kafka());
    let [application_id, input, output] = ["refused", "refused-in", "refused-out"].map(unique_name);
    create_topics(&*kafka, &[&input, &output], PARTITIONS);
    let configs = vec![("retention.ms".to_owned(), "60000".to_owned())];
    let name = format!("{application_id}-moved-repartition");
    let new = NewTopic { name, partitions: PARTITIONS, replication: 1, configs };
    kafka.admin().unwrap().create_topics(&[new]).unwrap();
    let error = error_of(windowing(&input, &output), &application_id);
    assert!(error.contains("moved-repartition` has retention.ms=60000 but retention.ms=-1 is needed"), "{error}");
}

#[test]
fn topics_that_are_joined_and_differ_in_width_are_both_named() {
    let kafka = cluster(Servers::kafka());
    let [application_id, left, right, output] =
        ["refused", "refused-left", "refused-right", "refused-out"].map(unique_name);
    create_topics(&*kafka, &[&left, &output], PARTITIONS);
    create_topics(&*kafka, &[&right], 3);
    let text = Serdes::string;
    let builder = StreamsBuilder::new();
    let table = builder.table(&right, Consumed::with(text(), text()), None);
    builder
        .stream(&left, Consumed::with(text(), text()))
        .join_table(&table, |_, left, right| Some(format!("{left}{right}")), Joined::with(text(), text()))
        .to(&output, Produced::with(text(), text()));
    let error = error_of(builder.build().unwrap(), &application_id);
    let both = format!("joins `{left}` with 4 partitions and `{right}` with 3");
    assert!(error.contains(&both), "{error}");
}

#[test]
fn a_processor_that_panics_stops_its_application_and_says_why() {
    let kafka = cluster(Servers::kafka());
    let [application_id, input, output] = ["refused", "refused-in", "refused-out"].map(unique_name);
    create_topics(&*kafka, &[&input, &output], 1);
    let text = Serdes::string;
    let builder = StreamsBuilder::new();
    builder
        .stream(&input, Consumed::with(text(), text()))
        .map_values(|_, value: Option<String>| -> Option<String> { panic!("no idea what to do with {value:?}") })
        .to(&output, Produced::with(text(), text()));
    let mut feed = Feed::new(&*kafka, &input);
    feed.raw(Some(0), Some(b"k"), Some(b"v"));
    feed.flush();
    let error = error_of(builder.build().unwrap(), &application_id);
    assert!(error.contains("no idea what to do with Some(\"v\")"), "{error}");
}
