//! The files of this checkout keep the rules of the house.
#![allow(clippy::unwrap_used)]

use comanda_house::{repository, tidy};

#[test]
fn every_file_is_tidy() {
    let files = tidy::source_files(&repository()).unwrap();
    assert!(files.len() > 50, "the tree was read");
    let found = tidy::violations(&files);
    assert!(found.is_empty(), "{} untidy:\n{}", found.len(), found.join("\n"));
}
