//! Seeded runs of the whole runtime. `SEED=17 cargo test -p comanda-simulator --test seeds -- --nocapture` replays one
//! with everything logged.
#![allow(clippy::unwrap_used)]

use comanda_simulator::{Report, run};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;

/// Seeds of an ordinary test run; `SEEDS=5000` runs more, `FROM=1000` starts elsewhere.
const SEEDS: u64 = 10_000;

/// What must have happened somewhere in an ordinary test run, or it proves little.
const FAULTS: &[&str] = &[
    "administrative call unanswered",
    "call stalled",
    "change log made again",
    "clock goes back",
    "clock leaps",
    "commit done after its outcome was given up",
    "commit done, outcome unknown",
    "commit not done, outcome unknown",
    "coordinator away",
    "coordinator moves",
    "death after abort_transaction",
    "death after commit_transaction",
    "death after flush",
    "death after init_transactions",
    "death after send_offsets",
    "death around committed_offsets",
    "death around list_offsets",
    "death around send",
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
    "read records out of retention",
    "rebalance for no reason",
    "rebalance storm",
    "records unacknowledged",
    "transaction timed out",
    "unread records out of retention",
    "unreadable record",
];

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// Runs seeds on all processors. With `UNTIL_FAILURE=1` none is begun after one has failed.
fn run_all(from: u64, count: u64) -> BTreeMap<u64, Report> {
    let stops_early = std::env::var("UNTIL_FAILURE").is_ok();
    let (next, until) = (AtomicU64::new(from), AtomicU64::new(from + count));
    let (results, inbox) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            let (next, until, results) = (&next, &until, results.clone());
            scope.spawn(move || {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= until.load(Ordering::Relaxed) {
                        return;
                    }
                    let report = run_caught(seed);
                    if stops_early && !report.problems.is_empty() {
                        until.store(0, Ordering::Relaxed);
                    }
                    results.send((seed, report)).unwrap();
                }
            });
        }
        drop(results);
    });
    inbox.into_iter().collect()
}

fn run_caught(seed: u64) -> Report {
    std::panic::catch_unwind(|| run(seed))
        .unwrap_or_else(|_| Report { problems: vec!["it panics".to_owned()], ..Report::default() })
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
    for (fault, times) in reports.values().flat_map(|report| &report.seen) {
        *seen.entry(*fault).or_insert(0) += times;
    }
    println!("faults: {seen:#?}");
    let failing = reports.iter().filter(|(_, report)| !report.problems.is_empty());
    let failures: Vec<String> = failing.map(|(seed, report)| tell(*seed, report)).collect();
    assert!(failures.is_empty(), "{} of {} seeds fail:\n{}", failures.len(), reports.len(), failures.join("\n"));
    let missing: Vec<_> = FAULTS.iter().filter(|fault| !seen.contains_key(*fault)).collect();
    assert!(reports.len() < SEEDS as usize || missing.is_empty(), "faults that never happened: {missing:?}");
}

fn tell(seed: u64, report: &Report) -> String {
    let Report { application, problems, .. } = report;
    format!(
        "seed {seed} ({application}): {}\n  replay: SEED={seed} cargo test -p comanda-simulator --test seeds -- --nocapture",
        problems.first().map_or("", String::as_str)
    )
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in 0..20 {
        assert_eq!(run(seed).digest, run(seed).digest, "seed {seed}");
    }
}
