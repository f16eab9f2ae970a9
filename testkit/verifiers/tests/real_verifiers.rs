//! Apache Kafka's own EosTest and SmokeTest judge the engine while an instance is killed: the short form of
//! `make prove NAME=verifiers`, each on a broker of its own, whose topics have the names that the verifiers ask for.
#![allow(clippy::unwrap_used)]

use comanda_servers::{Kind, OwnServer, unique_name};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// Two brokers, four instances and two of Kafka's programs at a time are too much for two processors.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn judge(verifier: &str) {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let broker = OwnServer::start(Kind::Kafka);
    // Cargo starts tests in their package's folder.
    let script = std::env::current_dir().unwrap().join("short.sh");
    let judged = Command::new(script)
        .arg(verifier)
        .env("VERIFIERS_BROKER", broker.address())
        .env("COMANDA_INSTANCE", unique_name("verifiers"))
        .env("EOS_PROGRAM", env!("CARGO_BIN_EXE_comanda-eos-test"))
        .env("SMOKE_PROGRAM", env!("CARGO_BIN_EXE_comanda-smoke-test"))
        .output()
        .unwrap();
    let (said, complained) = (String::from_utf8_lossy(&judged.stdout), String::from_utf8_lossy(&judged.stderr));
    assert!(judged.status.success(), "{said}{complained}");
}

#[test]
fn eos_test_finds_every_record_processed_once_after_a_kill() {
    judge("eos");
}

#[test]
fn smoke_test_finds_every_result_right_after_a_kill() {
    judge("smoke");
}
