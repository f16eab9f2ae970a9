//! The crates of this checkout depend on each other as the table of rooms allows.
#![allow(clippy::unwrap_used)]

use cargo_metadata::MetadataCommand;
use comanda_house::{arrows, repository};

#[test]
fn every_dependency_follows_an_arrow_of_the_table() {
    let metadata = MetadataCommand::new().current_dir(repository()).no_deps().exec().unwrap();
    let house = arrows::arrows_of(&metadata);
    assert!(house.contains_key("comanda-processors"), "the workspace was read");
    let found = arrows::violations(&house);
    assert!(found.is_empty(), "{}", found.join("\n"));
}
