//! The broker goes away and comes back: everything goes on by itself.

use crate::applications::{assert_counted, assert_counted_at_least, assert_state, counting};
use crate::feed::{Sequence, SteadyFeed};
use crate::fixture::*;
use comanda_kafka::KafkaBroker;
use comanda_servers::{Kind, OwnServer, unique_name};
use comanda_streams::{KafkaStreams, KafkaStreamsState, ProcessingGuarantee, StreamsConfig};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const OUTAGE: Duration = Duration::from_secs(30);
/// Longer than a commit interval and the commit's markers take.
const QUIET: Duration = Duration::from_secs(2);

/// Ends the broker when no commit is under way: a sole broker that starts again skips the markers that it still owed
/// (ADR 7). Input goes on at once.
fn end_between_commits(feed: &SteadyFeed, end: impl FnOnce()) {
    feed.pause();
    std::thread::sleep(QUIET);
    end();
    feed.resume();
}

struct Application {
    id: String,
    output: String,
    streams: KafkaStreams,
}

fn start(kafka: &Arc<KafkaBroker>, input: &str, scratch: &Path, guarantee: ProcessingGuarantee) -> Application {
    let [id, output] = ["outage", "outage-out"].map(unique_name);
    create_topics(&**kafka, &[&output], PARTITIONS);
    let config = StreamsConfig { processing_guarantee: guarantee, ..config(&id, scratch) };
    let streams = run(counting(input, &output), config, kafka);
    Application { id, output, streams }
}

/// The broker has kept each record of the input once and in order.
fn assert_input(kafka: &KafkaBroker, input: &str, expected: &Sequence) {
    let keys = |partition: i32| expected[&partition].iter().map(|(key, _)| key.clone()).collect::<Vec<_>>();
    for (partition, records) in read_all(kafka, input) {
        let found: Vec<String> = records.iter().map(|record| text(&record.key)).collect();
        assert!(found == keys(partition), "partition {partition} of the input is not what was sent");
    }
}

#[test]
fn after_an_outage_and_a_crash_of_the_broker_counting_goes_on_by_itself() {
    let server = OwnServer::start(Kind::Kafka);
    let kafka = cluster(server.address());
    let input = unique_name("outage-in");
    create_topics(&*kafka, &[&input], PARTITIONS);
    let scratch = tempfile::tempdir().unwrap();
    let exactly = start(&kafka, &input, scratch.path(), ProcessingGuarantee::ExactlyOnceV2);
    let at_least = start(&kafka, &input, scratch.path(), ProcessingGuarantee::AtLeastOnce);
    let feed = SteadyFeed::start(kafka.clone(), &input, 1_000, 300);
    let counted = |records: usize| {
        read_until(&*kafka, &exactly.output, "some is counted", |all| count(all) >= records);
    };
    counted(2_000);
    end_between_commits(&feed, || server.stop());
    std::thread::sleep(OUTAGE);
    server.start_again();
    counted(4_000);
    end_between_commits(&feed, || server.kill());
    server.start_again();
    counted(6_000);
    let expected = feed.stop();
    assert_input(&kafka, &input, &expected);
    assert_counted(&*kafka, &exactly.output, &expected);
    assert_state(&*kafka, &exactly.id, &expected);
    assert_counted_at_least(&*kafka, &at_least.output, &expected);
    assert_eq!((exactly.streams.error(), at_least.streams.error()), (None, None));

    assert_eq!(at_least.streams.close(), KafkaStreamsState::NotRunning);
    server.stop();
    let closing_at = Instant::now();
    assert_eq!(exactly.streams.close(), KafkaStreamsState::NotRunning);
    println!("closed without its broker after {:?}", closing_at.elapsed());
}

#[test]
fn undisturbed_at_least_once_counts_everything_once_over_a_stop_and_a_start() {
    let kafka = cluster(comanda_servers::Servers::kafka());
    let [id, input, output] = ["at-least", "at-least-in", "at-least-out"].map(unique_name);
    create_topics(&*kafka, &[&input, &output], PARTITIONS);
    let scratch = tempfile::tempdir().unwrap();
    let feed = SteadyFeed::start(kafka.clone(), &input, 500, 500);
    for records in [1_500, 3_000] {
        let guarantee = ProcessingGuarantee::AtLeastOnce;
        let config = StreamsConfig { processing_guarantee: guarantee, ..config(&id, scratch.path()) };
        let streams = run(counting(&input, &output), config, &kafka);
        read_until(&*kafka, &output, "some is counted", |all| count(all) >= records);
        assert_eq!(streams.close(), KafkaStreamsState::NotRunning);
    }
    let expected = feed.stop();
    let config =
        StreamsConfig { processing_guarantee: ProcessingGuarantee::AtLeastOnce, ..config(&id, scratch.path()) };
    let streams = run(counting(&input, &output), config, &kafka);
    assert_counted(&*kafka, &output, &expected);
    // Without transactions the change log follows the output at the next commit.
    assert_eq!(streams.close(), KafkaStreamsState::NotRunning);
    assert_state(&*kafka, &id, &expected);
}
