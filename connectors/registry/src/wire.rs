//! Confluent's wire format: a zero byte, the schema id as four bytes big-endian, the Avro datum.

use crate::{DecodeError, SchemaId};

const MAGIC: u8 = 0;

/// How much of a foreign record an error shows.
const SHOWN_BYTES: usize = 8;

/// What stands before the datum.
pub(crate) const fn header(id: SchemaId) -> [u8; 5] {
    let [a, b, c, d] = id.0.to_be_bytes();
    [MAGIC, a, b, c, d]
}

/// Schema id and datum.
pub(crate) fn split(bytes: &[u8]) -> Result<(SchemaId, &[u8]), DecodeError> {
    match bytes {
        [MAGIC, a, b, c, d, datum @ ..] => Ok((SchemaId(u32::from_be_bytes([*a, *b, *c, *d])), datum)),
        _ => Err(DecodeError::NotAvro(bytes.len(), bytes.iter().copied().take(SHOWN_BYTES).collect())),
    }
}
