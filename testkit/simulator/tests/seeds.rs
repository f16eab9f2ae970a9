//! Seeded runs of the whole runtime. `SEED=17 cargo test -p comanda-simulator --test seeds -- --nocapture` replays one
//! with everything logged.
#![allow(clippy::unwrap_used)]

use comanda_simulator::{Report, run};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, mpsc};

/// Seeds of an ordinary test run; `SEEDS=5000` runs more, `FROM=1000` starts elsewhere.
const SEEDS: u64 = 2_000;

/// What must have happened somewhere in an ordinary test run, or it proves little.
const FAULTS: &[&str] = &[
    "administrative call unanswered",
    "call stalled",
    "commit done after its outcome was given up",
    "commit done, outcome unknown",
    "commit not done, outcome unknown",
    "coordinator away",
    "death after abort_transaction",
    "death after commit_transaction",
    "death after flush",
    "death after init_transactions",
    "death after send_offsets",
    "death around committed_offsets",
    "death around list_offsets",
    "death before abort_transaction",
    "death before commit_transaction",
    "death before flush",
    "death before init_transactions",
    "death before send_offsets",
    "group message lost",
    "heartbeat lost",
    "instance frozen",
    "instance killed between steps",
    "instance stopped",
    "late markers",
    "log cleaned",
    "member forgotten",
    "offsets not yet stable",
    "producer fenced by somebody else",
    "records unacknowledged",
    "transaction timed out",
];

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

fn run_all(from: u64, count: u64) -> BTreeMap<u64, Result<Report, String>> {
    let next = AtomicU64::new(from);
    let (results, inbox) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            let (next, results) = (&next, results.clone());
            scope.spawn(move || {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= from + count {
                        return;
                    }
                    let report = std::panic::catch_unwind(|| run(seed));
                    let report = report.map_err(|_| "it panics".to_owned());
                    results.send((seed, report)).unwrap();
                }
            });
        }
        drop(results);
    });
    inbox.into_iter().collect()
}

fn replay(seed: u64) {
    let filter = std::env::var("RUST_LOG").unwrap_or_else(|_| "trace".to_owned());
    let _ =
        tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().without_time().with_ansi(false).try_init();
    let report = run(seed);
    println!("{report:#?}");
    assert!(report.problems.is_empty(), "seed {seed}: {}", report.problems.join("\n"));
}

#[test]
fn whatever_happens_every_input_takes_effect_once_and_states_are_their_change_logs() {
    if let Ok(seed) = std::env::var("SEED") {
        return replay(seed.parse().unwrap());
    }
    let reports = run_all(number("FROM", 0), number("SEEDS", SEEDS));
    let mut seen = BTreeMap::new();
    let failures = Mutex::new(vec![]);
    for (seed, report) in &reports {
        let problems = match report {
            Ok(report) => {
                report.seen.iter().for_each(|(fault, times)| *seen.entry(*fault).or_insert(0) += times);
                report.problems.clone()
            }
            Err(panic) => vec![panic.clone()],
        };
        if let Some(first) = problems.first() {
            let application = report.as_ref().map_or("", |report| report.application);
            failures.lock().unwrap().push(format!(
                "seed {seed} ({application}): {first}\n  replay: SEED={seed} cargo test -p comanda-simulator --test seeds -- --nocapture"
            ));
        }
    }
    println!("faults: {seen:#?}");
    let failures = failures.into_inner().unwrap();
    let missing: Vec<_> = FAULTS.iter().filter(|fault| !seen.contains_key(*fault)).collect();
    assert!(reports.len() < SEEDS as usize || missing.is_empty(), "faults that never happened: {missing:?}");
    assert!(failures.is_empty(), "{} of {} seeds fail:\n{}", failures.len(), reports.len(), failures.join("\n"));
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in 0..20 {
        assert_eq!(run(seed).digest, run(seed).digest, "seed {seed}");
    }
}
