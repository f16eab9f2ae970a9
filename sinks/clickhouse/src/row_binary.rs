//! Values in ClickHouse's RowBinary (clickhouse.com, "RowBinary format").

use crate::column::ColumnType;
use crate::value::Value;
use std::num::TryFromIntError;

/// First and last millisecond of `DateTime64(3)`: 1900-01-01 to 2299-12-31.
const FIRST_MILLIS: i64 = -2_208_988_800_000;
const LAST_MILLIS: i64 = 10_413_791_999_999;

/// Most digits that a decimal of 32 bits holds.
const DIGITS_IN_32_BITS: u32 = 9;

/// Appends the value at `steps` below `value`. An error says what does not fit; `out` may then hold a part of it.
pub(crate) fn write(out: &mut Vec<u8>, column: &ColumnType, value: &Value, steps: &[usize]) -> Result<(), String> {
    match (value, column, steps) {
        (Value::Record(fields), _, [step, below @ ..]) => {
            write(out, column, fields.get(*step).unwrap_or(&Value::Null), below)
        }
        (Value::Array(items), ColumnType::Array(item), _) => {
            write_length(out, items.len());
            items.iter().try_for_each(|value| write(out, item, value, steps))
        }
        (Value::Null, _, _) => write_null(out, column),
        (_, ColumnType::Nullable(inner), _) => {
            out.push(0);
            write(out, inner, value, steps)
        }
        (_, ColumnType::LowCardinality(inner), _) => write(out, inner, value, steps),
        _ => write_scalar(out, column, value),
    }
}

fn write_null(out: &mut Vec<u8>, column: &ColumnType) -> Result<(), String> {
    match column {
        ColumnType::Nullable(_) => out.push(1),
        ColumnType::Array(_) => out.push(0),
        ColumnType::LowCardinality(inner) => return write_null(out, inner),
        _ => return Err("is null or missing and the column takes no null".to_owned()),
    }
    Ok(())
}

fn write_scalar(out: &mut Vec<u8>, column: &ColumnType, value: &Value) -> Result<(), String> {
    match (column, value) {
        (ColumnType::Bool, Value::Boolean(value)) => out.push(u8::from(*value)),
        (ColumnType::Float64, Value::Double(value)) => out.extend(value.to_le_bytes()),
        (ColumnType::String, Value::Text(text)) => write_bytes(out, text.as_bytes()),
        (ColumnType::String, Value::Bytes(bytes)) => write_bytes(out, bytes),
        (ColumnType::Uuid, Value::Text(text)) => write_uuid(out, text)?,
        (_, Value::Integer(value)) => write_integer(out, column, *value)?,
        _ => return Err(format!("{} does not fit the column", shown(value))),
    }
    Ok(())
}

fn write_integer(out: &mut Vec<u8>, column: &ColumnType, value: i64) -> Result<(), String> {
    let too_large = |_: TryFromIntError| format!("{value} is out of the column's range");
    match column {
        ColumnType::Int32 => out.extend(i32::try_from(value).map_err(too_large)?.to_le_bytes()),
        ColumnType::Int64 => out.extend(value.to_le_bytes()),
        ColumnType::UInt8 => out.extend(u8::try_from(value).map_err(too_large)?.to_le_bytes()),
        ColumnType::UInt16 => out.extend(u16::try_from(value).map_err(too_large)?.to_le_bytes()),
        ColumnType::UInt32 => out.extend(u32::try_from(value).map_err(too_large)?.to_le_bytes()),
        ColumnType::UInt64 => out.extend(u64::try_from(value).map_err(too_large)?.to_le_bytes()),
        ColumnType::DateTimeMillis if (FIRST_MILLIS..=LAST_MILLIS).contains(&value) => {
            out.extend(value.to_le_bytes());
        }
        ColumnType::DateTimeMillis => {
            return Err(format!("{value} ms is outside of the years 1900 to 2299"));
        }
        ColumnType::Decimal { precision, scale } => write_decimal(out, *precision, *scale, value)?,
        _ => return Err(format!("{value} does not fit the column")),
    }
    Ok(())
}

/// `value` counts units of the last decimal place.
fn write_decimal(out: &mut Vec<u8>, precision: u32, scale: u32, value: i64) -> Result<(), String> {
    if value.unsigned_abs() >= 10_u64.pow(precision) {
        return Err(format!("{value} has more digits than Decimal({precision}, {scale}) holds"));
    }
    if precision > DIGITS_IN_32_BITS {
        out.extend(value.to_le_bytes());
    } else {
        let value = i32::try_from(value).expect("nine digits fit into 32 bits");
        out.extend(value.to_le_bytes());
    }
    Ok(())
}

/// Two halves, the higher first, each little-endian.
fn write_uuid(out: &mut Vec<u8>, text: &str) -> Result<(), String> {
    let id = uuid::Uuid::try_parse(text).map_err(|_| format!("{} is no UUID", quoted(text)))?;
    let (high, low) = id.as_u64_pair();
    out.extend(high.to_le_bytes());
    out.extend(low.to_le_bytes());
    Ok(())
}

/// A length, then the bytes.
pub(crate) fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    write_length(out, bytes.len());
    out.extend_from_slice(bytes);
}

/// LEB128.
pub(crate) fn write_length(out: &mut Vec<u8>, length: usize) {
    let mut rest = length;
    while rest >= 0x80 {
        out.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Boolean(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Double(value) => value.to_string(),
        Value::Text(text) => quoted(text),
        Value::Bytes(bytes) => format!("{} bytes", bytes.len()),
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::Record(_) => "a record".to_owned(),
    }
}

/// As much of a text as a header or a log line should carry.
fn quoted(text: &str) -> String {
    const SHOWN_CHARS: usize = 64;
    format!("{:?}", text.chars().take(SHOWN_CHARS).collect::<String>())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn written(column: &str, value: Value) -> Result<Vec<u8>, String> {
        let mut out = vec![];
        write(&mut out, &ColumnType::parse(column).unwrap(), &value, &[])?;
        Ok(out)
    }

    fn text(text: &str) -> Value<'_> {
        Value::Text(text.into())
    }

    /// Vectors as `SELECT … FORMAT RowBinary` of ClickHouse 26.9 gives them.
    #[test]
    fn values_are_written_as_clickhouse_writes_them() {
        let check = |column: &str, value: Value, expected: &[u8]| {
            assert_eq!(written(column, value).unwrap(), expected, "{column}");
        };
        check("Bool", Value::Boolean(true), &[1]);
        check("Int32", Value::Integer(-2), &[0xfe, 0xff, 0xff, 0xff]);
        check("UInt16", Value::Integer(258), &[2, 1]);
        check("Float64", Value::Double(1.5), &[0, 0, 0, 0, 0, 0, 0xf8, 0x3f]);
        check("String", text("añ"), &[3, b'a', 0xc3, 0xb1]);
        check("LowCardinality(String)", text("z"), &[1, b'z']);
        check("Decimal(18, 2)", Value::Integer(123_456), &[0x40, 0xe2, 1, 0, 0, 0, 0, 0]);
        check("Decimal(9, 2)", Value::Integer(-1), &[0xff, 0xff, 0xff, 0xff]);
        check("Nullable(UInt8)", Value::Null, &[1]);
        check("Nullable(UInt8)", Value::Integer(7), &[0, 7]);
        check("LowCardinality(Nullable(String))", Value::Null, &[1]);
        check("LowCardinality(Nullable(String))", text("z"), &[0, 1, b'z']);
        check("Array(UInt8)", Value::Array(vec![Value::Integer(1), Value::Integer(2)]), &[2, 1, 2]);
        check("Array(UInt8)", Value::Null, &[0]);
        check("DateTime64(3, 'UTC')", Value::Integer(1_711_822_740_000), &[0x20, 0x1a, 0x96, 0x90, 0x8e, 1, 0, 0]);
        check(
            "UUID",
            text("0b9fa8f2-6f0f-4f6d-8a55-1d4c7d1f8e10"),
            &[0x6d, 0x4f, 0x0f, 0x6f, 0xf2, 0xa8, 0x9f, 0x0b, 0x10, 0x8e, 0x1f, 0x7d, 0x4c, 0x1d, 0x55, 0x8a],
        );
    }

    #[test]
    fn a_length_takes_seven_bits_a_byte() {
        let mut out = vec![];
        [0, 127, 128, 300].into_iter().for_each(|length| write_length(&mut out, length));
        assert_eq!(out, [0, 127, 0x80, 1, 0xac, 2]);
    }

    #[test]
    fn a_path_through_a_list_gives_a_list() {
        let item = |sku| Value::Record(vec![text(sku), Value::Integer(1)]);
        let order = Value::Record(vec![Value::Null, Value::Array(vec![item("a"), item("b")])]);
        let mut out = vec![];
        let column = ColumnType::parse("Array(String)").unwrap();
        write(&mut out, &column, &order, &[1, 0]).unwrap();
        assert_eq!(out, [2, 1, b'a', 1, b'b']);
    }

    #[test]
    fn what_a_column_cannot_hold_is_told() {
        let error = |column, value| written(column, value).unwrap_err();
        assert_eq!(
            error("Decimal(18, 2)", Value::Integer(1_000_000_000_000_000_000)),
            "1000000000000000000 has more digits than Decimal(18, 2) holds"
        );
        assert_eq!(error("String", Value::Null), "is null or missing and the column takes no null");
        assert_eq!(error("UInt32", Value::Integer(-1)), "-1 is out of the column's range");
        assert_eq!(error("UUID", text("rome-I31")), "\"rome-I31\" is no UUID");
        assert!(error("DateTime64(3)", Value::Integer(i64::MAX)).contains("outside of the years"));
        assert_eq!(error("Int64", text("7")), "\"7\" does not fit the column");
    }

    #[test]
    fn the_largest_amount_of_eighteen_digits_fits() {
        let largest = 999_999_999_999_999_999;
        assert!(written("Decimal(18, 2)", Value::Integer(largest)).is_ok());
        assert!(written("Decimal(18, 2)", Value::Integer(-largest)).is_ok());
        assert!(written("Decimal(18, 2)", Value::Integer(i64::MIN)).is_err());
    }
}
