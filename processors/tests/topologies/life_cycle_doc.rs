//! The pictures in the documentation are the tables in the code.

use comanda_processors::{order, payment};
use std::path::Path;

#[track_caller]
fn is_shown(page: &str, picture: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(page);
    let picture = format!("```mermaid\n{picture}```");
    assert!(std::fs::read_to_string(path).unwrap().contains(&picture), "docs/{page} should show\n{picture}");
}

#[test]
fn the_picture_of_the_life_of_an_order_is_the_table() {
    is_shown("order-life-cycle.md", &order::mermaid());
}

#[test]
fn the_picture_of_the_life_of_a_payment_is_the_table() {
    is_shown("payments.md", &payment::mermaid());
}
