//! Processes and threads share the tasks; whoever closes hands its tasks over, whoever is killed loses them soon.

use crate::applications::assert_counted;
use crate::child::{Home, Process};
use crate::feed::SteadyFeed;
use crate::fixture::{PARTITIONS, cluster, create_topics, wait_until};
use comanda_servers::{Servers, unique_name};
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
