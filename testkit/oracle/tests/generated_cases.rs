//! The generated cases: operations in combinations that nobody thought of.

mod beyond;

use comanda_oracle::{Corpus, OracleError};

/// Cases that the engine had all operations for when this was written: fewer means that the test has gone hollow.
const RUN_AT_LEAST: usize = 120;

/// Kafka Streams also counts what a processor puts into a store too late; our stores tell the processor instead.
const OTHER_DROPS: &[&str] = &["gen-0120-process", "gen-0258-process", "gen-0302-process"];

#[test]
fn every_generated_case_of_our_operations_comes_out_as_in_kafka_streams() -> Result<(), OracleError> {
    let verdicts = Corpus::generated()?.check()?;
    println!("{verdicts}");
    assert!(verdicts.different.is_empty(), "different:\n{verdicts}");
    assert!(verdicts.equal.len() >= RUN_AT_LEAST, "only {} cases ran", verdicts.equal.len());
    assert_eq!(verdicts.other_drops, OTHER_DROPS);
    Ok(())
}

#[test]
fn no_generated_case_is_skipped_whose_operations_the_engine_has() -> Result<(), OracleError> {
    beyond::check("gen", &Corpus::generated()?.check()?)
}
