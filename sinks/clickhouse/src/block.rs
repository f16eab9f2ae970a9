//! Rows of one Kafka partition, one range and one month: what one insert carries.

use comanda_streams::broker::RawRecord;
use std::sync::Arc;

/// An insert's rows, never changed once made.
#[derive(Debug)]
pub(crate) struct Block {
    /// Stands for exactly these rows, whoever inserts them and however often.
    pub token: String,
    /// The rows in RowBinary, without a header.
    pub bytes: Vec<u8>,
    pub rows: Vec<Row>,
}

/// One row of a block.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// What it was made from, should ClickHouse refuse it.
    pub record: RawRecord,
    /// Where its bytes end.
    pub end: usize,
}

impl Block {
    /// Two blocks with half of the rows each, to find the row that ClickHouse refuses. Made again after a restart they
    /// are the same blocks with the same tokens. `None` for a block of one row.
    pub fn halves(&self) -> Option<[Arc<Block>; 2]> {
        let middle = self.rows.len() / 2;
        if middle == 0 {
            return None;
        }
        let cut = self.rows[middle - 1].end;
        let half = |number: u8, bytes: &[u8], rows: &[Row], from: usize| {
            let moved = |row: &Row| Row { record: row.record.clone(), end: row.end - from };
            Arc::new(Block {
                token: format!("{}.{number}", self.token),
                bytes: bytes.to_vec(),
                rows: rows.iter().map(moved).collect(),
            })
        };
        let (first, second) = self.rows.split_at(middle);
        Some([half(0, &self.bytes[..cut], first, 0), half(1, &self.bytes[cut..], second, cut)])
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn block(rows: &[&str]) -> Block {
        let mut bytes = vec![];
        let rows = rows.iter().map(|row| {
            bytes.extend(row.as_bytes());
            Row { record: RawRecord::default(), end: bytes.len() }
        });
        let rows = rows.collect();
        Block { token: "t".to_owned(), rows, bytes }
    }

    #[test]
    fn halves_hold_all_rows_in_order_under_tokens_of_their_own() {
        let [first, second] = block(&["a", "bb", "ccc"]).halves().unwrap();
        assert_eq!((first.token.as_str(), second.token.as_str()), ("t.0", "t.1"));
        assert_eq!((first.bytes.as_slice(), second.bytes.as_slice()), (&b"a"[..], &b"bbccc"[..]));
        let ends: Vec<_> = second.rows.iter().map(|row| row.end).collect();
        assert_eq!(ends, [2, 5]);
    }

    #[test]
    fn a_single_row_is_not_divided() {
        assert!(block(&["a"]).halves().is_none());
    }
}
