//! What an operator sets.

/// How to reach a ClickHouse server.
#[derive(Clone, Debug)]
pub struct ClickHouseConfig {
    /// Base address of the HTTP interface, e.g. `http://127.0.0.1:8123`.
    pub url: String,
    /// Database of all tables.
    pub database: String,
    /// User; the server's `default` if empty.
    pub user: String,
    /// Password; none if empty.
    pub password: String,
    /// Whether rows are compressed (LZ4) on the way.
    pub compress: bool,
}

impl ClickHouseConfig {
    /// The database `database` of the server at `url`, as its default user.
    pub fn new(url: impl Into<String>, database: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            database: database.into(),
            user: String::new(),
            password: String::new(),
            compress: true,
        }
    }
}

/// How topics are delivered.
#[derive(Clone, Debug)]
pub struct SinkConfig {
    /// Group id = application id; instances of one group share the partitions.
    pub group_id: String,
    /// `group.instance.id`: an instance that comes back under it has its partitions at once (KIP-345).
    pub instance_id: Option<String>,
    /// Without a heartbeat for so long an instance loses its partitions to others.
    pub session_timeout_ms: i32,
    /// A record waits no longer than this for others to share its insert.
    pub flush_age_ms: i64,
    /// Rows of one insert, at most. A table partition of its own (another month) is another insert.
    pub max_batch_rows: usize,
    /// Bytes held per Kafka partition and batch (rows as sent, and the records they came from); two batches per
    /// partition at a time: one under way, one filling.
    pub max_batch_bytes: usize,
    /// Inserts under way at a time, over all partitions.
    pub insert_threads: usize,
}

impl SinkConfig {
    /// Fresh within a second, inserts of up to 50,000 rows.
    pub fn new(group_id: impl Into<String>) -> Self {
        Self {
            group_id: group_id.into(),
            instance_id: None,
            session_timeout_ms: 10_000,
            flush_age_ms: 500,
            max_batch_rows: 50_000,
            max_batch_bytes: 4 << 20,
            insert_threads: 2,
        }
    }
}
