//! From a block of rows to the one HTTP request that inserts it.

use crate::block::Block;
use crate::table::Table;
use std::io::Write;

/// So large that no batch is ever cut: one insert is one block, which has one token and is written whole or not at all.
const NEVER_CUT: &str = "1000000000";

/// ClickHouse gives an insert up after so long, which bounds how late one can take effect.
pub(crate) const MAX_EXECUTION_S: u64 = 30;

/// An insert as it is sent.
pub(crate) struct InsertRequest {
    /// Query parameters: the statement, and the settings that exactly-once rests on.
    pub parameters: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// Whether the body is an LZ4 frame.
    pub compressed: bool,
}

/// The request for `block`. The same block gives the same rows and the same token.
pub(crate) fn insert(table: &Table, database: &str, block: &Block, compress: bool) -> InsertRequest {
    let parameters = vec![
        ("database", database.to_owned()),
        ("query", table.insert_statement.clone()),
        (table.deduplication_setting.0, table.deduplication_setting.1.to_owned()),
        ("insert_deduplication_token", block.token.clone()),
        ("async_insert", "0".to_owned()), // the default since 26: would mix inserts and answer early
        ("max_insert_block_size", NEVER_CUT.to_owned()),
        ("max_execution_time", MAX_EXECUTION_S.to_string()),
        ("wait_end_of_query", "1".to_owned()), // so that an error is the status, not a trailer
    ];
    let (body, compressed) = body(&table.header, &block.bytes, compress);
    InsertRequest { parameters, body, compressed }
}

fn body(header: &[u8], rows: &[u8], compress: bool) -> (Vec<u8>, bool) {
    if !compress {
        return ([header, rows].concat(), false);
    }
    let mut frame = lz4_flex::frame::FrameEncoder::new(Vec::new());
    let written = frame.write_all(header).and_then(|()| frame.write_all(rows));
    written.expect("a vector takes all bytes");
    (frame.finish().expect("a vector takes all bytes"), true)
}
