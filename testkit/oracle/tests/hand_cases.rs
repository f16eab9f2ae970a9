//! The hand-made cases: each pins one semantic of Kafka Streams.

mod beyond;

use comanda_oracle::{Corpus, OracleError};

/// Cases that the engine had all operations for when this was written: fewer means that the test has gone hollow.
const RUN_AT_LEAST: usize = 113;

/// Kafka Streams also counts what a processor puts into a store too late; our stores tell the processor instead.
const OTHER_DROPS: &[&str] = &["process-versioned-as-of", "process-window-store-retention-in-memory"];

#[test]
fn every_hand_made_case_of_our_operations_comes_out_as_in_kafka_streams() -> Result<(), OracleError> {
    let verdicts = Corpus::hand_made()?.check()?;
    println!("{verdicts}");
    assert!(verdicts.different.is_empty(), "different:\n{verdicts}");
    assert!(verdicts.equal.len() >= RUN_AT_LEAST, "only {} cases ran", verdicts.equal.len());
    assert_eq!(verdicts.other_drops, OTHER_DROPS);
    Ok(())
}

#[test]
fn no_hand_made_case_is_skipped_whose_operations_the_engine_has() -> Result<(), OracleError> {
    beyond::check("hand", &Corpus::hand_made()?.check()?)
}
