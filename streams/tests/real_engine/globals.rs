//! Global tables: whole in every instance before any task runs, kept over restarts, read anew when their topic is another.

use crate::feed::Feed;
use crate::fixture::*;
use comanda_kafka::KafkaBroker;
use comanda_servers::{Kind, OwnServer, Servers, unique_name};
use comanda_streams::broker::{Broker, Isolation, OffsetSpec, TopicPartition};
use comanda_streams::*;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Orders, each with the name of the restaurant that its value tells.
fn named(orders: &str, menus: &str, output: &str) -> Topology {
    let text = Serdes::string;
    let builder = StreamsBuilder::new();
    let valid = Consumed::with(text(), text()).with_validation(|_, menu: Option<&String>| match menu {
        Some(menu) if menu.is_empty() => Err("name: is empty".to_owned()),
        _ => Ok(()),
    });
    let menus = builder.global_table(menus, valid, Some(Materialized::with(text(), text()).named("menus")));
    builder
        .stream(orders, Consumed::with(text(), text()))
        .left_join_global_table(
            &menus,
            |_, restaurant| Some(restaurant.clone()),
            |_, restaurant, menu| Some(format!("{restaurant}: {}", menu.unwrap_or_else(|| "?".to_owned()))),
        )
        .to(output, Produced::with(text(), text()));
    builder.build().unwrap()
}

/// What each order got, by key.
fn outcome(kafka: &dyn Broker, output: &str, orders: usize) -> BTreeMap<String, String> {
    last_by_key(&read_until(kafka, output, "the orders are through", |all| count(all) == orders))
}

fn write(kafka: &dyn Broker, topic: &str, rows: &[(&str, Option<&str>)]) {
    let mut feed = Feed::new(kafka, topic);
    for (key, value) in rows {
        let partition = partitioner::partition_for_key(key.as_bytes(), PARTITIONS);
        feed.raw(Some(partition), Some(key.as_bytes()), value.map(str::as_bytes));
    }
    feed.flush();
}

fn delete_all(kafka: &dyn Broker, topic: &str) {
    let partitions: Vec<_> = (0..PARTITIONS).map(|number| TopicPartition::new(topic, number)).collect();
    let mut admin = kafka.admin().unwrap();
    let ends = admin.list_offsets(&partitions, OffsetSpec::Latest, Isolation::ReadUncommitted).unwrap();
    admin.delete_records(&partitions.into_iter().zip(ends).collect::<Vec<_>>()).unwrap();
}

fn start(kafka: &Arc<KafkaBroker>, names: &[String; 4], directory: &Path) -> KafkaStreams {
    let [application_id, orders, menus, output] = names;
    run(named(orders, menus, output), config(application_id, directory), kafka)
}

#[test]
fn every_instance_has_all_of_a_global_table_before_its_first_record_and_keeps_up_with_it() {
    let kafka = cluster(Servers::kafka());
    let names = ["named", "named-orders", "named-menus", "named-out"].map(unique_name);
    let [_, orders, menus, output] = &names;
    create_topics(&*kafka, &[orders, menus, output], PARTITIONS);
    // Orders and rows are there before anybody reads; rows lie in all partitions.
    let restaurants: Vec<String> = (0..40).map(|number| format!("r{number}")).collect();
    let rows: Vec<(&str, Option<&str>)> = restaurants.iter().map(|r| (r.as_str(), Some("Fogón"))).collect();
    write(&*kafka, menus, &rows);
    write(&*kafka, menus, &[("r0", Some("")), ("r1", None)]);
    let first: Vec<(String, &String)> = restaurants.iter().map(|r| (format!("first-{r}"), r)).collect();
    write(&*kafka, orders, &first.iter().map(|(k, r)| (k.as_str(), Some(r.as_str()))).collect::<Vec<_>>());

    let directories = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let instances = directories.each_ref().map(|directory| start(&kafka, &names, directory.path()));
    let outcome_of = |restaurant: &str| match restaurant {
        "r1" => "r1: ?".to_owned(),
        // The row that broke the contract's rule was left out.
        other => format!("{other}: Fogón"),
    };
    let expected: BTreeMap<String, String> = first.iter().map(|(key, r)| (key.clone(), outcome_of(r))).collect();
    assert_eq!(outcome(&*kafka, output, 40), expected);

    write(&*kafka, menus, &[("r1", Some("Brasa"))]);
    // Nothing ties the table to the stream: the row is seen soon, not at once.
    let mut asked = 0;
    wait_until("all instances have the new row", || {
        let batch: Vec<String> = (0..8).map(|number| format!("ask-{asked}-{number}")).collect();
        write(&*kafka, orders, &batch.iter().map(|key| (key.as_str(), Some("r1"))).collect::<Vec<_>>());
        asked += 1;
        let answers = outcome(&*kafka, output, 40 + asked * 8);
        batch.iter().all(|key| answers[key] == "r1: Brasa")
    });
    for instance in instances {
        assert_eq!((instance.error(), instance.close()), (None, KafkaStreamsState::NotRunning));
    }
}

#[test]
fn a_restart_goes_on_with_the_table_and_a_topic_made_again_is_read_anew() {
    let server = OwnServer::start(Kind::Kafka);
    let kafka = cluster(server.address());
    let names = ["kept", "kept-orders", "kept-menus", "kept-out"].map(unique_name);
    let [_, orders, menus, output] = &names;
    create_topics(&*kafka, &[orders, menus, output], PARTITIONS);
    let directory = tempfile::tempdir().unwrap();
    write(&*kafka, menus, &[("r0", Some("Fogón")), ("r1", Some("Brasa"))]);
    assert_eq!(start(&kafka, &names, directory.path()).close(), KafkaStreamsState::NotRunning);

    // What was read before is on the disk only; what came meanwhile is read.
    delete_all(&*kafka, menus);
    write(&*kafka, menus, &[("r1", Some("Leña"))]);
    write(&*kafka, orders, &[("a", Some("r0")), ("b", Some("r1"))]);
    let streams = start(&kafka, &names, directory.path());
    let expected = |rows: &[(&str, &str)]| rows.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
    let mut all: BTreeMap<String, String> = expected(&[("a", "r0: Fogón"), ("b", "r1: Leña")]);
    assert_eq!(outcome(&*kafka, output, 2), all);
    assert_eq!(streams.close(), KafkaStreamsState::NotRunning);

    let tool = ["org.apache.kafka.tools.TopicCommand", "--bootstrap-server", server.address(), "--topic", menus];
    server.kafka_tool(&[&tool[..], &["--delete"]].concat());
    server.kafka_tool(&[&tool[..], &["--create", "--partitions", &PARTITIONS.to_string()]].concat());
    write(&*kafka, menus, &[("r1", Some("Horno"))]);
    write(&*kafka, orders, &[("c", Some("r0")), ("d", Some("r1"))]);
    let streams = start(&kafka, &names, directory.path());
    all.extend::<BTreeMap<_, _>>(expected(&[("c", "r0: ?"), ("d", "r1: Horno")]));
    assert_eq!(outcome(&*kafka, output, 4), all);
    assert_eq!((streams.error(), streams.close()), (None, KafkaStreamsState::NotRunning));
}
