//! One suite for every backend: random histories of writes, commits, aborts, crashes and restores, compared at each step
//! with a naive model that keeps whole copies.
#![allow(clippy::unwrap_used)]

mod history;
mod model;
mod reads;
mod subject;

use history::{Act, acts, run};
use proptest::prelude::*;
use subject::Disk;

fn check(disk: fn() -> Disk, cases: u32, acts: impl Strategy<Value = Vec<Act>>) {
    let config = ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 400, ..Default::default() };
    let mut runner = proptest::test_runner::TestRunner::new_with_rng(
        config,
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    let result = runner.run(&acts, |acts| {
        run(disk(), &acts);
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}

#[test]
fn memory_answers_like_the_model_through_any_history() {
    check(Disk::none, 60, acts(150));
}

#[test]
fn a_simulated_disk_answers_like_the_model_and_keeps_a_committed_prefix_when_it_crashes() {
    check(Disk::simulated, 60, acts(150));
}

#[test]
fn rocksdb_answers_like_the_model_and_keeps_a_committed_prefix_when_it_crashes() {
    check(Disk::rocks, 15, acts(120));
}
