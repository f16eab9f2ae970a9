//! A mapping checked against the live table: how each event of a topic becomes a row.

use crate::client::ClickHouse;
use crate::column::ColumnType;
use crate::decoder::Writer;
use crate::error::SinkError;
use crate::mapping::Mapping;
use crate::row_binary::{write, write_bytes, write_length};
use crate::schema::Kind;
use crate::value::Value;
use comanda_registry::SchemaId;
use comanda_streams::broker::TopicPartition;
use serde_json::Value as Json;
use std::collections::HashMap;
use std::sync::Arc;

/// A table that takes a topic's events.
#[derive(Debug)]
pub(crate) struct Table {
    pub name: String,
    pub insert_statement: String,
    /// Names and types, which stand before the rows (RowBinaryWithNamesAndTypes): ClickHouse refuses the insert if the
    /// table has changed, instead of reading nonsense.
    pub header: Vec<u8>,
    /// Inserts that the table remembers.
    pub deduplication_window: u64,
    /// The setting, with its value, by which this server drops an insert that it has had.
    pub deduplication_setting: (&'static str, &'static str),
    columns: Vec<Column>,
    month_of: String,
}

#[derive(Debug)]
struct Column {
    name: String,
    type_name: String,
    column_type: ColumnType,
    source: Source,
}

/// Where a column's value comes from.
#[derive(Debug)]
enum Source {
    Field(String),
    /// The record type's name.
    Event,
    Topic,
    Partition,
    Offset,
}

/// The columns that every table has.
const OWN_COLUMNS: [(&str, Source, Kind); 4] = [
    ("event", Source::Event, Kind::Text),
    ("_topic", Source::Topic, Kind::Text),
    ("_partition", Source::Partition, Kind::Int),
    ("_offset", Source::Offset, Kind::Long),
];

/// What a writer's schema has for each column.
#[derive(Debug)]
pub(crate) struct Layout {
    /// Per column; `None` where the event has no such field.
    steps: Vec<Option<Vec<usize>>>,
    month_steps: Vec<usize>,
}

/// Layouts of the schemas met so far.
#[derive(Debug, Default)]
pub(crate) struct Layouts(HashMap<SchemaId, Arc<Layout>>);

impl Layouts {
    /// The layout for what `writer` wrote; an error if its event cannot be in the table at all.
    pub fn of(&mut self, writer: &Writer, table: &Table) -> Result<Arc<Layout>, String> {
        if let Some(known) = self.0.get(&writer.id) {
            return Ok(known.clone());
        }
        let layout = Arc::new(table.layout(writer)?);
        self.0.insert(writer.id, layout.clone());
        Ok(layout)
    }
}

/// Where a row comes from.
pub(crate) struct Origin<'a> {
    pub partition: &'a TopicPartition,
    pub offset: i64,
}

impl Table {
    /// Asks ClickHouse for the table and holds the mapping against it.
    ///
    /// # Errors
    /// The first thing that does not fit, with table, column and both types; or that ClickHouse does not answer.
    pub fn check(client: &ClickHouse, mapping: &Mapping) -> Result<Self, SinkError> {
        let facts = client.query(&format!(
            "SELECT partition_key, engine_full FROM system.tables WHERE database = currentDatabase() AND name = '{}'",
            mapping.table
        ))?;
        let Some([partition_key, engine]) = facts.first().map(Vec::as_slice) else {
            return Err(SinkError::NoTable { table: mapping.table.clone() });
        };
        check_partition_key(mapping, text(partition_key))?;
        let described = client.query(&format!("DESCRIBE TABLE {}", mapping.table))?;
        let live: HashMap<&str, &str> = described.iter().filter_map(|row| writable(row)).collect();
        let mut table = Self::with_columns(mapping, &live)?;
        table.deduplication_window = window(text(engine));
        // Where the newer of the two settings exists, the older says nothing any more.
        let newer = client.query("SELECT name FROM system.settings WHERE name = 'deduplicate_insert'")?;
        if !newer.is_empty() {
            table.deduplication_setting = ("deduplicate_insert", "enable");
        }
        Ok(table)
    }

    fn with_columns(mapping: &Mapping, live: &HashMap<&str, &str>) -> Result<Self, SinkError> {
        let mut columns = Vec::new();
        for (name, field) in &mapping.columns {
            let kind = mapping.kind(field).ok_or_else(|| SinkError::NoField {
                table: mapping.table.clone(),
                column: name.clone(),
                topic: mapping.topic.clone(),
                field: field.clone(),
            })?;
            let source = Source::Field(field.clone());
            columns.push(column(mapping, live, name, source, &kind, field)?);
        }
        for (name, source, kind) in OWN_COLUMNS {
            columns.push(column(mapping, live, name, source, &kind, name)?);
        }
        Ok(Self::of_columns(mapping, columns))
    }

    fn of_columns(mapping: &Mapping, columns: Vec<Column>) -> Self {
        let mut header = Vec::new();
        write_length(&mut header, columns.len());
        columns.iter().for_each(|column| write_bytes(&mut header, column.name.as_bytes()));
        columns.iter().for_each(|column| write_bytes(&mut header, column.type_name.as_bytes()));
        let names: Vec<String> = columns.iter().map(|column| format!("`{}`", column.name)).collect();
        Self {
            name: mapping.table.clone(),
            insert_statement: format!(
                "INSERT INTO {} ({}) FORMAT RowBinaryWithNamesAndTypes",
                mapping.table,
                names.join(", ")
            ),
            header,
            deduplication_window: 0,
            deduplication_setting: ("insert_deduplicate", "1"),
            columns,
            month_of: mapping.month_of.clone(),
        }
    }

    fn layout(&self, writer: &Writer) -> Result<Layout, String> {
        let place = |field: &str| writer.record.place(field).map(|place| place.steps);
        let steps = self.columns.iter().map(|column| match &column.source {
            Source::Field(field) => place(field),
            _ => None,
        });
        let month_steps =
            place(&self.month_of).ok_or_else(|| format!("{} has no field {}", writer.record.name, self.month_of))?;
        Ok(Layout { steps: steps.collect(), month_steps })
    }

    /// The month that decides into which table partition the row goes, as `toYYYYMM`.
    pub fn month(&self, layout: &Layout, value: &Value) -> Result<i32, String> {
        let mut found = value;
        for step in &layout.month_steps {
            match found {
                Value::Record(fields) => found = fields.get(*step).unwrap_or(&Value::Null),
                _ => return Err(format!("column {}: is no time", self.month_of)),
            }
        }
        let mut checked = Vec::new();
        write(&mut checked, &ColumnType::DateTimeMillis, found, &[])
            .map_err(|reason| format!("column {}: {reason}", self.month_of))?;
        match found {
            Value::Integer(millis) => Ok(month(*millis)),
            _ => Err(format!("column {}: is no time", self.month_of)),
        }
    }

    /// Appends the row of one event; an error names the column, and `out` is as it was.
    pub fn write_row(
        &self,
        out: &mut Vec<u8>,
        writer: &Writer,
        layout: &Layout,
        value: &Value,
        origin: &Origin,
    ) -> Result<(), String> {
        let before = out.len();
        for (column, steps) in self.columns.iter().zip(&layout.steps) {
            let written = match (&column.source, steps) {
                (Source::Field(_), Some(steps)) => write(out, &column.column_type, value, steps),
                (Source::Field(_), None) => write(out, &column.column_type, &Value::Null, &[]),
                (own, _) => write(out, &column.column_type, &own.value(writer, origin), &[]),
            };
            if let Err(reason) = written {
                out.truncate(before);
                return Err(format!("column {}: {reason}", column.name));
            }
        }
        Ok(())
    }
}

impl Source {
    fn value<'a>(&self, writer: &'a Writer, origin: &'a Origin) -> Value<'a> {
        match self {
            Source::Field(_) => Value::Null,
            Source::Event => Value::Text(writer.record.name.as_str().into()),
            Source::Topic => Value::Text((&*origin.partition.topic).into()),
            Source::Partition => Value::Integer(i64::from(origin.partition.partition)),
            Source::Offset => Value::Integer(origin.offset),
        }
    }
}

fn column(
    mapping: &Mapping,
    live: &HashMap<&str, &str>,
    name: &str,
    source: Source,
    kind: &Kind,
    field: &str,
) -> Result<Column, SinkError> {
    let type_name =
        live.get(name).ok_or_else(|| SinkError::NoColumn { table: mapping.table.clone(), column: name.to_owned() })?;
    match ColumnType::parse(type_name) {
        Some(column_type) if column_type.takes(kind) => {
            Ok(Column { name: name.to_owned(), type_name: (*type_name).to_owned(), column_type, source })
        }
        _ => Err(SinkError::ColumnType {
            table: mapping.table.clone(),
            column: name.to_owned(),
            column_type: (*type_name).to_owned(),
            field: field.to_owned(),
            field_type: kind.to_string(),
        }),
    }
}

/// One insert must be one part: then ClickHouse writes it whole or not at all.
fn check_partition_key(mapping: &Mapping, found: &str) -> Result<(), SinkError> {
    let expected = format!("toYYYYMM({})", mapping.month_of);
    if found == expected {
        return Ok(());
    }
    Err(SinkError::PartitionKey { table: mapping.table.clone(), found: found.to_owned(), expected })
}

/// Name and type of a column that can be written to; a row of `DESCRIBE` is name, type, default type, …
fn writable(row: &[Json]) -> Option<(&str, &str)> {
    match row {
        [name, type_name, default_type, ..] => {
            let computed = matches!(text(default_type), "MATERIALIZED" | "ALIAS");
            (!computed).then(|| (text(name), text(type_name)))
        }
        _ => None,
    }
}

/// `non_replicated_deduplication_window` among an engine's settings; 0, ClickHouse's default, if it is not there.
fn window(engine: &str) -> u64 {
    let setting = engine.split_once("non_replicated_deduplication_window = ");
    let digits = setting.map_or("", |(_, rest)| rest);
    let digits: String = digits.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

fn text(json: &Json) -> &str {
    json.as_str().unwrap_or_default()
}

/// Year × 100 + month of a time in UTC (the civil-from-days algorithm of Howard Hinnant, "chrono-Compatible Low-Level
/// Date Algorithms").
fn month(millis: i64) -> i32 {
    const DAY_MS: i64 = 86_400_000;
    let days = millis.div_euclid(DAY_MS) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153; // 0 is March
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    i32::try_from(year * 100 + month).expect("the years 1900 to 2299 fit")
}

/// Names and types of the columns that a migration makes.
#[cfg(test)]
fn columns_of(sql: &str) -> HashMap<&str, &str> {
    let lines = sql.lines().filter_map(|line| line.strip_prefix("    ")?.trim_end_matches(',').split_once(' '));
    lines.map(|(name, column_type)| (name.trim_matches('`'), column_type.trim())).collect()
}

#[cfg(test)]
impl Table {
    /// The table as a migration makes it, without a server.
    #[allow(clippy::unwrap_used)]
    pub fn of_migration(mapping: &Mapping, sql: &str) -> Self {
        Self::with_columns(mapping, &columns_of(sql)).unwrap()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn etas() -> Mapping {
        Mapping::all().unwrap().into_iter().find(|mapping| mapping.table == "etas").unwrap()
    }

    fn live() -> HashMap<&'static str, &'static str> {
        columns_of(include_str!("../migrations/0005_etas.sql"))
    }

    #[test]
    fn a_table_that_fits_is_taken() {
        let table = Table::with_columns(&etas(), &live()).unwrap();
        assert!(table.insert_statement.starts_with("INSERT INTO etas (`causation_id`, "));
        assert!(table.insert_statement.ends_with("`_offset`) FORMAT RowBinaryWithNamesAndTypes"));
        assert_eq!(table.header[..14], *b"\x10\x0ccausation_id");
    }

    #[test]
    fn a_column_of_another_type_is_named_with_both_types() {
        let mut live = live();
        live.insert("p50_at", "UInt32");
        let error = Table::with_columns(&etas(), &live).unwrap_err().to_string();
        assert_eq!(
            error,
            "table etas, column p50_at: its type UInt32 does not take the field p50_at, which is timestamp-millis"
        );
    }

    #[test]
    fn a_column_that_is_not_there_is_named() {
        let mut live = live();
        live.remove("_offset");
        let error = Table::with_columns(&etas(), &live).unwrap_err();
        assert!(matches!(error, SinkError::NoColumn { column, .. } if column == "_offset"));
    }

    #[test]
    fn the_partition_key_must_be_the_months() {
        assert!(check_partition_key(&etas(), "toYYYYMM(occurred_at)").is_ok());
        let error = check_partition_key(&etas(), "toYYYYMMDD(occurred_at)").unwrap_err();
        assert!(matches!(error, SinkError::PartitionKey { .. }));
    }

    #[test]
    fn the_window_is_read_from_the_engine() {
        let engine =
            "MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 20000, index_granularity = 8192";
        assert_eq!(window(engine), 20_000);
        assert_eq!(window("MergeTree ORDER BY a"), 0);
    }

    #[test]
    fn months_are_clickhouses() {
        assert_eq!(month(0), 197_001);
        assert_eq!(month(-1), 196_912);
        assert_eq!(month(1_709_251_199_999), 202_402);
        assert_eq!(month(1_709_251_200_000), 202_403);
        assert_eq!(month(-2_208_988_800_000), 190_001);
        assert_eq!(month(10_413_791_999_999), 229_912);
    }
}
