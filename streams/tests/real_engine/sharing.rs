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
        kafka: Servers::kafka().to_owned(),
        application_id: application_id.clone(),
        input: input.clone(),
        output: output.clone(),
        state_dir: directories[process].path().to_owned(),
        threads: 2,
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
    second.close();
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
    first.close();
}
