//! The picture in the documentation is the table in the code.

use comanda_processors::order::mermaid;
use std::path::Path;

#[test]
fn the_picture_of_the_life_cycle_is_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/order-life-cycle.md");
    let page = std::fs::read_to_string(path).unwrap();
    let picture = format!("```mermaid\n{}```", mermaid());
    assert!(page.contains(&picture), "docs/order-life-cycle.md should show\n{picture}");
}
