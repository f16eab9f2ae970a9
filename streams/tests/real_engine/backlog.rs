//! A task knows whether it has a backlog; one that is closed while it restores lets go of its files.

use crate::applications::{assert_counted, counting};
use crate::feed::Feed;
use crate::fixture::*;
use comanda_servers::{Servers, unique_name};
use comanda_streams::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const RECORDS: u64 = 20_000;

/// Counts records; at the first punctuation without backlog it notes how many there were.
struct Watcher {
    seen: u64,
    seen_when_caught_up: Arc<AtomicU64>,
}

impl Processor<String, String, String, String> for Watcher {
    fn process(
        &mut self,
        ctx: &mut ProcessorContext<'_, String, String>,
        record: Record<String, String>,
    ) -> Result<(), StreamsError> {
        self.seen += 1;
        ctx.forward(record)
    }

    fn punctuate(
        &mut self,
        ctx: &mut ProcessorContext<'_, String, String>,
        _: &Schedule,
        _: i64,
    ) -> Result<(), StreamsError> {
        if ctx.is_caught_up() {
            let _ = self.seen_when_caught_up.compare_exchange(0, self.seen, Ordering::Relaxed, Ordering::Relaxed);
        }
        Ok(())
    }
}

#[test]
fn a_task_is_caught_up_only_when_its_whole_backlog_is_processed() {
    let kafka = cluster(Servers::kafka());
    let [application_id, input, output] = ["backlog", "backlog-in", "backlog-out"].map(unique_name);
    create_topics(&*kafka, &[&input, &output], 1);
    let mut feed = Feed::new(&*kafka, &input);
    for number in 0..RECORDS {
        feed.raw(Some(0), Some(number.to_string().as_bytes()), Some(b"v"));
    }
    feed.flush();
    let seen_when_caught_up: Arc<AtomicU64> = Arc::default();
    let (text, noted) = (Serdes::string, seen_when_caught_up.clone());
    let builder = StreamsBuilder::new();
    builder
        .stream(&input, Consumed::with(text(), text()))
        .process("watch", &[], move |init| {
            init.schedule(1, PunctuationType::WallClockTime);
            Ok(Watcher { seen: 0, seen_when_caught_up: noted.clone() })
        })
        .to(&output, Produced::with(text(), text()));
    let scratch = tempfile::tempdir().unwrap();
    let streams = run(builder.build().unwrap(), config(&application_id, scratch.path()), &kafka);
    wait_until("it is caught up", || seen_when_caught_up.load(Ordering::Relaxed) > 0);
    streams.close();
    assert_eq!(seen_when_caught_up.load(Ordering::Relaxed), RECORDS);
}

#[test]
fn closed_while_it_restores_it_can_be_started_again_at_once() {
    let kafka = cluster(Servers::kafka());
    let [application_id, input, output] = ["restoring", "restoring-in", "restoring-out"].map(unique_name);
    create_topics(&*kafka, &[&input, &output], PARTITIONS);
    let mut feed = Feed::new(&*kafka, &input);
    (0..RECORDS).for_each(|number| feed.send(&format!("key-{number}"), "v"));
    feed.flush();
    let start = |scratch: &tempfile::TempDir| {
        let config = config(&application_id, scratch.path());
        let mut streams = KafkaStreams::new(counting(&input, &output), config, kafka.clone()).unwrap();
        streams.start().unwrap();
        streams
    };
    let [scratch, empty] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let streams = start(&scratch);
    assert_counted(&*kafka, &output, &feed.expected);
    streams.close();
    // With all of the state to restore, closed at different moments of it.
    for pause_ms in [100, 300, 600] {
        let streams = start(&empty);
        std::thread::sleep(Duration::from_millis(pause_ms));
        assert_eq!(streams.close(), KafkaStreamsState::NotRunning);
    }
    let streams = start(&empty);
    feed.send("key-1", "v");
    feed.flush();
    assert_counted(&*kafka, &output, &feed.expected);
    streams.close();
}
