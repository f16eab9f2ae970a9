//! What ends the sink. What passes by itself (a server away) is waited for and said in the log, not returned.

use comanda_streams::broker::BrokerError;

/// Why the sink cannot go on, or a migration failed.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// ClickHouse cannot be asked, or did not like the question.
    #[error("{attempt}: ClickHouse at {url} {reason}")]
    ClickHouse {
        /// What was asked.
        attempt: String,
        /// Address.
        url: String,
        /// ClickHouse's or the connection's words.
        reason: String,
        /// Whether the same may succeed later.
        retriable: bool,
    },
    /// The table has not been made.
    #[error("table {table} does not exist: run `comanda clickhouse migrate`")]
    NoTable {
        /// Its name.
        table: String,
    },
    /// The mapping names a column that the table does not have, or that is computed.
    #[error("table {table} has no column {column} to write to: migrate the table, or correct mappings.yaml")]
    NoColumn {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// The mapping names a field that no event of the topic has.
    #[error("column {column} of table {table}: no event of topic {topic} has a field {field}")]
    NoField {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The topic.
        topic: String,
        /// The field's path.
        field: String,
    },
    /// Field and column do not go together.
    #[error(
        "table {table}, column {column}: its type {column_type} does not take the field {field}, which is {field_type}"
    )]
    ColumnType {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// ClickHouse's type.
        column_type: String,
        /// The field's path.
        field: String,
        /// Its type in Avro.
        field_type: String,
    },
    /// The table has another partition key than the mapping's month.
    #[error("table {table} is partitioned by {found:?}, not by {expected:?}: an insert would not be one part")]
    PartitionKey {
        /// The table.
        table: String,
        /// The table's key.
        found: String,
        /// What the mapping asks for.
        expected: String,
    },
    /// The table forgets tokens too early to tell a repeated insert from a new one.
    #[error(
        "table {table} remembers {found} inserts, {needed} are needed for {partitions} Kafka partitions: ALTER TABLE {table} MODIFY SETTING non_replicated_deduplication_window = {needed}"
    )]
    DeduplicationWindow {
        /// The table.
        table: String,
        /// Its `non_replicated_deduplication_window`.
        found: u64,
        /// The least that is safe.
        needed: u64,
        /// Partitions of the topic.
        partitions: i32,
    },
    /// The mapping file is not as it should be.
    #[error("mappings.yaml: {0}")]
    Mapping(String),
    /// A migration was edited after it was applied.
    #[error("migration {name} was changed after it was applied: put the change into a new migration")]
    MigrationChanged {
        /// Its file name.
        name: String,
    },
    /// The group's offsets were written by another program.
    #[error(
        "group {group}: {partition} has offset metadata of another program ({metadata:?}): give the sink a group of its own"
    )]
    ForeignOffsets {
        /// The group.
        group: String,
        /// Topic and partition.
        partition: String,
        /// What stands there.
        metadata: String,
    },
    /// The log ends before what has been delivered: records were lost in Kafka and their offsets are given again.
    #[error(
        "{partition} ends at {end}, but {delivered} has been delivered: the log lost records; reset the group's offset when that is understood"
    )]
    LogTruncated {
        /// Topic and partition.
        partition: String,
        /// Where the log ends.
        end: i64,
        /// Where delivery stood.
        delivered: i64,
    },
    /// The coordinator refuses this group member for good.
    #[error("group {group}: {reason}")]
    Group {
        /// The group.
        group: String,
        /// Why.
        reason: String,
    },
    /// Kafka's client refuses or broke down.
    #[error(transparent)]
    Kafka(#[from] BrokerError),
    /// The sink's thread could not be started or panicked.
    #[error("the sink's thread: {0}")]
    Thread(String),
}
