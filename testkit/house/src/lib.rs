//! The rules of the house that a machine can check: which crate may use which, and how files look.
//!
//! Each rule is a function from what it looks at to the violations it found, one sentence each; the tests
//! apply them to this checkout.

pub mod arrows;
pub mod tidy;

use std::env;
use std::path::PathBuf;

/// The root of the checkout in which the tests run. Not compiled in: checkouts share one target directory.
///
/// # Panics
/// If no parent of the working directory holds the workspace.
pub fn repository() -> PathBuf {
    let working_dir = env::current_dir().expect("cargo starts tests in their package's folder");
    working_dir
        .ancestors()
        .find(|folder| folder.join("Cargo.lock").is_file() && folder.join("testkit").is_dir())
        .unwrap_or_else(|| panic!("no checkout of Comanda around {}", working_dir.display()))
        .to_owned()
}
