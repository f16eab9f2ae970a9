//! What does not fit is refused at the start, by name; what is not there yet is waited for.

use crate::fixture::{World, wait_for, wait_until_running};
use comanda_clickhouse::{SinkStatus, migrate};

/// The error that a sink of the world ends with.
fn refusal(world: &World) -> String {
    let sink = world.start();
    wait_for("a refusal", || sink.is_finished());
    sink.stop().unwrap_err().to_string()
}

#[test]
fn a_table_changed_by_hand_is_refused_with_table_column_and_both_types() {
    let world = World::new();
    world.client().execute("ALTER TABLE order_events MODIFY COLUMN total Nullable(Float64)").unwrap();
    assert_eq!(
        refusal(&world),
        "table order_events, column total: its type Nullable(Float64) does not take the field total_centavos, which is long in centavos or null"
    );
}

#[test]
fn a_table_that_forgets_tokens_too_early_is_refused_with_the_number_needed() {
    let world = World::new();
    world
        .client()
        .execute("ALTER TABLE order_events MODIFY SETTING non_replicated_deduplication_window = 100")
        .unwrap();
    let words = refusal(&world);
    assert!(words.contains("remembers 100 inserts, 2880 are needed for 3 Kafka partitions"), "{words}");
}

#[test]
fn a_table_that_is_not_there_yet_is_waited_for() {
    let world = World::new();
    world.client().execute("DROP TABLE order_events SYNC").unwrap();
    world.client().execute("TRUNCATE TABLE schema_migrations").unwrap();
    let sink = world.start();
    wait_for(
        "a word about the table",
        || matches!(sink.status(), SinkStatus::Waiting(text) if text.contains("comanda clickhouse migrate")),
    );
    assert_eq!(migrate(&world.client()).unwrap().len(), 8);
    wait_until_running(&sink);
    sink.stop().unwrap();
}

#[test]
fn migrations_are_applied_once_and_an_edited_one_is_refused() {
    let world = World::new();
    assert!(migrate(&world.client()).unwrap().is_empty());
    let edit =
        "ALTER TABLE schema_migrations UPDATE checksum = 'x' WHERE name = '0005_etas.sql' SETTINGS mutations_sync = 1";
    world.client().execute(edit).unwrap();
    let words = migrate(&world.client()).unwrap_err().to_string();
    assert!(words.starts_with("migration 0005_etas.sql was changed"), "{words}");
}

#[test]
fn every_migrated_table_fits_its_mapping() {
    let world = World::new();
    let mappings = comanda_clickhouse::Mapping::all().unwrap();
    let topics: Vec<_> = mappings.iter().map(|mapping| mapping.topic.clone()).collect();
    assert_eq!(topics.len(), 8);
    for mapping in mappings {
        mapping.check(&world.client()).unwrap();
    }
}
