//! Processes and threads share the tasks; whoever closes hands its tasks over, whoever is killed loses them soon.

use crate::applications::{assert_counted, counting};
use crate::child::{Home, Process};
use crate::feed::{Feed, SteadyFeed};
use crate::fixture::*;
use comanda_servers::{Kind, OwnServer, Servers, unique_name};
use comanda_streams::*;
use std::time::{Duration, Instant};

#[test]
fn tasks_move_when_a_process_closes_or_is_killed_and_nothing_is_lost_or_counted_twice() {
    let kafka = cluster(Servers::kafka());
    let [application_id, input, output] = ["shared", "shared-in", "shared-out"].map(unique_name);
    create_topics(&*kafka, &[&input, &output], PARTITIONS);
    let directories = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let home = |process: usize| Home {
        threads: 2,
        ..Home::new(&application_id, &input, &output, directories[process].path())
    };
    let all = PARTITIONS as usize;
    let feed = SteadyFeed::start(kafka.clone(), &input, 2_000, 500);
    let first = Process::start(&home(0), "");
    first.wait_for_tasks(all);

    let second = Process::start(&home(1), "");
    second.wait_for_tasks(all / 2);
    assert_eq!(second.restored().len(), all / 2, "two processes share the tasks evenly");
    let moved: Vec<String> = second.restored().into_keys().collect();
    let closed_at = Instant::now();
    second.terminate();
    let back = |task: &String| first.restored().get(task).is_some_and(|restored| restored.at > closed_at);
    wait_until("the closed process's tasks are back", || moved.iter().all(back));

    let mut second = Process::start(&home(1), "");
    second.wait_for_tasks(all / 2);
    // In the middle of its work.
    std::thread::sleep(Duration::from_millis(500));
    let moved: Vec<String> = second.restored().into_keys().collect();
    let killed_at = Instant::now();
    second.kill();
    let taken_over = |task: &String| first.restored().get(task).is_some_and(|restored| restored.at > killed_at);
    wait_until("the killed process's tasks are taken over", || moved.iter().all(taken_over));
    println!("taken over {:?} after kill -9, with a session of 6 s", killed_at.elapsed());

    assert_counted(&*kafka, &output, &feed.stop());
    first.terminate();
}

#[test]
fn a_process_on_sigterm_hands_its_tasks_over_at_once_and_has_nothing_to_restore_when_it_comes_back() {
    /// Longer than anything here may take: a member that did not leave would keep its tasks that long.
    const SESSION_TIMEOUT: Duration = Duration::from_secs(120);
    let kafka = cluster(Servers::kafka());
    let [application_id, input, output] = ["leaving", "leaving-in", "leaving-out"].map(unique_name);
    create_topics(&*kafka, &[&input, &output], PARTITIONS);
    let directories = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let home = |process: usize| Home {
        session_timeout_ms: SESSION_TIMEOUT.as_millis() as i32,
        ..Home::new(&application_id, &input, &output, directories[process].path())
    };
    let feed = SteadyFeed::start(kafka.clone(), &input, 1_000, 500);
    let first = Process::start(&home(0), "");
    first.wait_for_tasks(PARTITIONS as usize);
    let second = Process::start(&home(1), "");
    second.wait_for_tasks(PARTITIONS as usize / 2);
    assert_counted(&*kafka, &output, &feed.stop());

    let moved: Vec<String> = second.restored().into_keys().collect();
    let closed_at = Instant::now();
    second.terminate();
    let taken_over = |task: &String| first.restored().get(task).is_some_and(|restored| restored.at > closed_at);
    wait_until("the tasks are taken over", || moved.iter().all(taken_over));
    assert!(closed_at.elapsed() < SESSION_TIMEOUT / 2);
    first.terminate();

    let second = Process::start(&home(1), "");
    second.wait_for_tasks(PARTITIONS as usize);
    for task in moved {
        assert_eq!(second.restored()[&task].records, 0, "task {task} was closed in good order");
    }
    second.terminate();
}

#[test]
fn partitions_added_to_a_source_topic_get_tasks_without_a_restart() {
    let server = OwnServer::start(Kind::Kafka);
    let kafka = cluster(server.address());
    let [application_id, input, output] = ["wider", "wider-in", "wider-out"].map(unique_name);
    create_topics(&*kafka, &[&input, &output], 2);
    let builder = StreamsBuilder::new();
    let text = Serdes::string;
    builder.stream(&input, Consumed::with(text(), text())).to(&output, Produced::with(text(), text()));
    let scratch = tempfile::tempdir().unwrap();
    let config = StreamsConfig { metadata_max_age_ms: 500, ..config(&application_id, scratch.path()) };
    let streams = run(builder.build().unwrap(), config, &kafka);
    let tool = ["org.apache.kafka.tools.TopicCommand", "--bootstrap-server", server.address(), "--topic", &input];
    server.kafka_tool(&[&tool[..], &["--alter", "--partitions", "3"]].concat());
    // Until a client's metadata has it, a producer cannot write there.
    let mut feed = Feed::new(&*kafka, &input);
    feed.raw(Some(2), Some(b"k"), Some(b"v"));
    feed.flush();
    read_until(&*kafka, &output, "the new partition's record is through", |all| count(all) == 1);
    assert_eq!((streams.error(), streams.close()), (None, KafkaStreamsState::NotRunning));
}

#[test]
fn the_state_of_tasks_that_moved_away_is_deleted_after_the_delay_and_that_of_its_own_is_not() {
    let kafka = cluster(Servers::kafka());
    let [application_id, input, output] = ["cleaned", "cleaned-in", "cleaned-out"].map(unique_name);
    create_topics(&*kafka, &[&input, &output], PARTITIONS);
    let directories = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let start = |process: usize| {
        let config =
            StreamsConfig { state_cleanup_delay_ms: 1_500, ..config(&application_id, directories[process].path()) };
        run(counting(&input, &output), config, &kafka)
    };
    let on_disk = |process: usize| {
        let own = std::fs::read_dir(directories[process].path().join(&application_id)).unwrap();
        own.filter(|entry| entry.as_ref().unwrap().path().is_dir()).count()
    };
    let first = start(0);
    wait_until("it has all states", || on_disk(0) == PARTITIONS as usize);
    let second = start(1);
    wait_until("half of them have moved", || on_disk(0) == PARTITIONS as usize / 2);
    // Longer than the delay: what runs stays.
    std::thread::sleep(Duration::from_secs(4));
    assert_eq!([on_disk(0), on_disk(1)], [PARTITIONS as usize / 2; 2]);
    for streams in [first, second] {
        assert_eq!((streams.error(), streams.close()), (None, KafkaStreamsState::NotRunning));
    }
}
