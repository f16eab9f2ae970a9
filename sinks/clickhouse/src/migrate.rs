//! Numbered migrations: each is applied once, in order, and never edited afterwards.

use crate::client::ClickHouse;
use crate::error::SinkError;
use serde_json::Value as Json;
use std::collections::HashMap;

macro_rules! migration {
    ($name:literal) => {
        ($name, include_str!(concat!("../migrations/", $name)))
    };
}

/// File name and text, in order. Every statement ends with `;` at a line's end and may be carried out again: a
/// migration that broke off is repeated whole.
const MIGRATIONS: &[(&str, &str)] = &[
    migration!("0001_order_events.sql"),
    migration!("0002_order_views.sql"),
    migration!("0003_payment_events.sql"),
    migration!("0004_delivery_events.sql"),
    migration!("0005_etas.sql"),
    migration!("0006_popular_items.sql"),
    migration!("0007_delivery_metrics.sql"),
    migration!("0008_payment_ledger.sql"),
];

const BOOK: &str = "CREATE TABLE IF NOT EXISTS schema_migrations
(
    name       String,
    checksum   String,
    applied_at DateTime DEFAULT now()
)
ENGINE = MergeTree ORDER BY name";

/// Makes the database and applies what is missing; gives the names of what it applied.
///
/// # Errors
/// ClickHouse's words, or [`SinkError::MigrationChanged`].
pub fn migrate(client: &ClickHouse) -> Result<Vec<&'static str>, SinkError> {
    client.execute_outside(&format!("CREATE DATABASE IF NOT EXISTS `{}`", client.database()))?;
    client.execute(BOOK)?;
    let applied = applied(client)?;
    let mut new = Vec::new();
    for (name, sql) in MIGRATIONS {
        let checksum = checksum(sql);
        match applied.get(*name) {
            Some(known) if *known == checksum => {}
            Some(_) => return Err(SinkError::MigrationChanged { name: (*name).to_owned() }),
            None => {
                apply(client, name, sql, &checksum)?;
                new.push(*name);
            }
        }
    }
    Ok(new)
}

fn applied(client: &ClickHouse) -> Result<HashMap<String, String>, SinkError> {
    let rows = client.query("SELECT name, checksum FROM schema_migrations")?;
    let text = |json: &Json| json.as_str().unwrap_or_default().to_owned();
    Ok(rows.iter().filter_map(|row| Some((text(row.first()?), text(row.get(1)?)))).collect())
}

fn apply(client: &ClickHouse, name: &str, sql: &str, checksum: &str) -> Result<(), SinkError> {
    tracing::info!(name, "migrating ClickHouse");
    for statement in statements(sql) {
        client.execute(statement)?;
    }
    client.execute(&format!(
        "INSERT INTO schema_migrations (name, checksum) SETTINGS async_insert = 0 VALUES ('{name}', '{checksum}')"
    ))
}

fn statements(sql: &str) -> impl Iterator<Item = &str> {
    sql.split(";\n").map(str::trim).filter(|statement| !statement.is_empty())
}

/// FNV-1a, 64 bits: tells an edit, not an attack.
fn checksum(sql: &str) -> String {
    let hash = sql
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_numbered_without_a_gap() {
        for (index, (name, _)) in MIGRATIONS.iter().enumerate() {
            assert!(name.starts_with(&format!("{:04}_", index + 1)), "{name}");
        }
    }

    #[test]
    fn every_statement_may_be_carried_out_again() {
        for (name, sql) in MIGRATIONS {
            for statement in statements(sql) {
                assert!(statement.contains("IF NOT EXISTS"), "{name}: {statement}");
            }
        }
    }
}
