//! Stripe's own Python SDK: it works against the stand-in, believes its webhooks, and signs what we believe.

use crate::fixture::*;
use comanda_providers::stripe::{sign, verify};
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs a program under `deploy/local/requirements.txt`'s Python; what it prints.
fn python(script: &str, arguments: &[&str]) -> String {
    let path =
        Path::new("tests/stripe").join(script).canonicalize().expect("cargo starts tests in their package's folder");
    let mut python = Command::new(comanda_home().join("venv/bin/python"));
    python.arg(path).args(arguments);
    let output = python.output().unwrap_or_else(|error| panic!("{python:?}: {error}: has setup.sh run?"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Where `deploy/local/setup.sh` puts what it installs.
fn comanda_home() -> PathBuf {
    let home = || Path::new(&env::var_os("HOME").expect("HOME or COMANDA_HOME is set")).join(".cache/comanda");
    env::var_os("COMANDA_HOME").map_or_else(home, PathBuf::from)
}

#[test]
fn stripe_s_sdk_works_against_the_stand_in() {
    let desk = Desk::new();
    let said = python("use_sdk.py", &[&desk.stand_in.base(), "sk_test_stand_in"]);
    assert_eq!(said, "requires_capture succeeded succeeded 1 amount_too_large 2");
    assert_eq!(desk.stand_in.balance(), TOTAL - 1_000_000);
}

#[test]
fn stripe_s_sdk_believes_the_stand_in_s_webhooks_and_ours() {
    let desk = Desk::new();
    desk.authorized(1);
    let webhook = desk.stand_in.take_webhooks().remove(0);
    let secret = "whsec_stand_in";
    let said = python("verify_webhook.py", &[&webhook.body, &webhook.signature, secret]);
    assert_eq!(said, "payment_intent.amount_capturable_updated");
    let ours = sign(webhook.body.as_bytes(), secret, now_s());
    assert_eq!(python("verify_webhook.py", &[&webhook.body, &ours, secret]), said);
}

#[test]
fn what_stripe_s_sdk_signs_is_believed() {
    let body = r#"{"id":"evt_1","object":"event"}"#;
    let now_s = now_s();
    let signature = python("sign_webhook.py", &[body, "whsec_stand_in", &now_s.to_string()]);
    assert_eq!(verify(&signature, body.as_bytes(), "whsec_stand_in", now_s), Ok(()));
    assert!(verify(&signature, b"{}", "whsec_stand_in", now_s).is_err());
}
