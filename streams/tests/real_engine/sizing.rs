//! How wide internal topics are made, and how.

use crate::fixture::*;
use comanda_servers::{Servers, unique_name};
use comanda_streams::broker::Broker;
use comanda_streams::*;

const GIVEN: i32 = 4;

/// A stream through a topic of given width joins a table whose own repartition topic has none; either is drawn first.
fn joined(inputs: &[String; 2], output: &str, table_first: bool) -> Topology {
    let text = Serdes::string;
    let builder = StreamsBuilder::new();
    let stream = || {
        let moved = builder.stream(&inputs[0], Consumed::with(text(), text())).select_key(|_, value| value.cloned());
        let wide = Repartitioned::with(text(), text()).with_name("wide").with_number_of_partitions(GIVEN);
        moved.repartition(wide)
    };
    let table = || {
        builder
            .stream(&inputs[1], Consumed::with(text(), text()))
            .group_by(|_, value| value.cloned(), Grouped::with(text(), text()).with_name("grouped"))
            .reduce(|_, new| Some(new), Materialized::with(text(), text()).named("last"))
    };
    let (stream, table) = if table_first {
        let table = table();
        (stream(), table)
    } else {
        let stream = stream();
        (stream, table())
    };
    stream
        .join_table(&table, |_, left, right| Some(format!("{left}{right}")), Joined::with(text(), text()))
        .to(output, Produced::with(text(), text()));
    builder.build().unwrap()
}

#[test]
fn a_given_width_holds_for_all_that_is_joined_and_event_times_are_kept_whatever_the_order_of_drawing() {
    for table_first in [true, false] {
        let kafka = cluster(Servers::kafka());
        let [application_id, left, right, output] =
            ["sizing", "sizing-left", "sizing-right", "sizing-out"].map(unique_name);
        create_topics(&*kafka, &[&left, &right, &output], 1);
        let scratch = tempfile::tempdir().unwrap();
        let topology = joined(&[left, right], &output, table_first);
        let streams = run(topology, config(&application_id, scratch.path()), &kafka);
        let mut admin = kafka.admin().unwrap();
        let names =
            ["wide-repartition", "grouped-repartition", "last-changelog"].map(|n| format!("{application_id}-{n}"));
        let found = admin.describe_topics(&names.each_ref().map(String::as_str)).unwrap();
        let widths: Vec<i32> = found.into_iter().map(|topic| topic.unwrap().partitions).collect();
        assert_eq!(widths, [GIVEN; 3], "table first: {table_first}");
        for name in &names {
            let kind = admin.topic_config(name, "message.timestamp.type").unwrap();
            assert_eq!(kind.as_deref(), Some("CreateTime"), "{name}");
        }
        assert_eq!(streams.close(), KafkaStreamsState::NotRunning);
    }
}
