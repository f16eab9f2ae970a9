//! Avro's binary encoding between serde and bytes, led by a schema.
//!
//! What it is not: schema resolution. Fields meet by name in serde, as the derive of the type says; the rules of
//! FULL_TRANSITIVE let nothing through that needs more. Why not a published codec: `docs/adr/0004-rust-types-from-avro.md`.

mod error;
mod read;
mod schema;
mod write;

pub use error::CodecError;
pub use schema::AvroSchema;

pub(crate) use read::Datum;
pub(crate) use write::ValueWriter;

use serde::de::Deserialize;
use serde::ser::Serialize;

/// Reads the whole of `datum`, which was written with `schema`; bytes left over are an error.
pub fn read<'de, T: Deserialize<'de>>(schema: &AvroSchema, datum: &'de [u8]) -> Result<T, CodecError> {
    Datum::read(datum, schema, |reader| T::deserialize(reader))
}

/// Appends `value`, whose fields are those of `schema` in the same order, to `out`. After an error `out` holds a part.
pub fn write<T: Serialize + ?Sized>(schema: &AvroSchema, value: &T, out: &mut Vec<u8>) -> Result<(), CodecError> {
    value.serialize(ValueWriter::new(schema, out))
}
