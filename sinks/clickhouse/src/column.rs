//! ClickHouse column types: those a row can be written for, read from `DESCRIBE TABLE`.

use crate::schema::Kind;

/// A column's type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ColumnType {
    Bool,
    Int32,
    Int64,
    UInt8,
    UInt16,
    UInt32,
    UInt64,
    Float64,
    String,
    Uuid,
    /// `DateTime64(3[, zone])`: milliseconds.
    DateTimeMillis,
    /// Up to 18 digits: what 64 bits hold.
    Decimal {
        precision: u32,
        scale: u32,
    },
    Nullable(Box<ColumnType>),
    LowCardinality(Box<ColumnType>),
    Array(Box<ColumnType>),
}

/// Most digits of a decimal in 64 bits.
const MAX_PRECISION: u32 = 18;

impl ColumnType {
    /// Reads a type as ClickHouse writes it; `None` for one that is not supported.
    pub fn parse(text: &str) -> Option<Self> {
        let simple = match text {
            "Bool" => ColumnType::Bool,
            "Int32" => ColumnType::Int32,
            "Int64" => ColumnType::Int64,
            "UInt8" => ColumnType::UInt8,
            "UInt16" => ColumnType::UInt16,
            "UInt32" => ColumnType::UInt32,
            "UInt64" => ColumnType::UInt64,
            "Float64" => ColumnType::Float64,
            "String" => ColumnType::String,
            "UUID" => ColumnType::Uuid,
            _ => return Self::parse_with_arguments(text),
        };
        Some(simple)
    }

    fn parse_with_arguments(text: &str) -> Option<Self> {
        let (name, arguments) = text.strip_suffix(')')?.split_once('(')?;
        let inner = || Self::parse(arguments).map(Box::new);
        match name {
            "Nullable" => inner().map(ColumnType::Nullable),
            "LowCardinality" => inner().map(ColumnType::LowCardinality),
            "Array" => inner().map(ColumnType::Array),
            "DateTime64" => {
                let precision = arguments.split(',').next()?.trim();
                (precision == "3").then_some(ColumnType::DateTimeMillis)
            }
            "Decimal" => {
                let (precision, scale) = arguments.split_once(',')?;
                let precision = precision.trim().parse().ok()?;
                let scale = scale.trim().parse().ok()?;
                (precision <= MAX_PRECISION).then_some(ColumnType::Decimal { precision, scale })
            }
            _ => None,
        }
    }

    /// Whether every value of `kind` finds its form in this column, apart from values out of its range.
    pub fn takes(&self, kind: &Kind) -> bool {
        match (self, kind) {
            (ColumnType::LowCardinality(inner), _) => inner.takes(kind),
            (ColumnType::Nullable(inner), Kind::Optional(kind)) => inner.takes(kind),
            (ColumnType::Nullable(inner), kind) => inner.takes(kind),
            // No list and an empty one are the same to a table.
            (ColumnType::Array(_), Kind::Optional(kind)) => self.takes(kind),
            (_, Kind::Optional(_)) => false,
            (ColumnType::Array(inner), Kind::Array(item)) => inner.takes(item),
            (ColumnType::Bool, Kind::Boolean)
            | (ColumnType::Float64, Kind::Double)
            | (ColumnType::String, Kind::Text | Kind::Bytes)
            | (ColumnType::Uuid, Kind::Text)
            | (ColumnType::DateTimeMillis, Kind::Millis)
            | (ColumnType::Decimal { scale: 2, .. }, Kind::Centavos)
            | (ColumnType::Int64 | ColumnType::UInt64, Kind::Int | Kind::Long) => true,
            (ColumnType::Int32 | ColumnType::UInt8 | ColumnType::UInt16 | ColumnType::UInt32, Kind::Int) => true,
            _ => false,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn takes(column: &str, kind: Kind) -> bool {
        ColumnType::parse(column).unwrap().takes(&kind)
    }

    fn optional(kind: Kind) -> Kind {
        Kind::Optional(Box::new(kind))
    }

    #[test]
    fn types_are_read_as_clickhouse_writes_them() {
        let decimal = ColumnType::Decimal { precision: 18, scale: 2 };
        let nullable = ColumnType::Nullable(Box::new(decimal));
        assert_eq!(ColumnType::parse("Nullable(Decimal(18, 2))"), Some(nullable));
        let instant = ColumnType::DateTimeMillis;
        assert_eq!(ColumnType::parse("DateTime64(3, 'UTC')"), Some(instant.clone()));
        assert_eq!(ColumnType::parse("DateTime64(3)"), Some(instant));
    }

    #[test]
    fn types_that_no_row_is_written_for_are_not_read() {
        for text in ["DateTime64(6)", "Decimal(38, 2)", "Map(String, String)", "Int128", "Array(", ""] {
            assert_eq!(ColumnType::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_field_that_may_be_null_needs_a_nullable_column() {
        assert!(takes("Nullable(String)", optional(Kind::Text)));
        assert!(takes("LowCardinality(Nullable(String))", optional(Kind::Text)));
        assert!(takes("Nullable(String)", Kind::Text));
        assert!(!takes("String", optional(Kind::Text)));
        assert!(takes("Array(String)", optional(Kind::Array(Box::new(Kind::Text)))));
    }

    #[test]
    fn money_goes_into_decimals_with_two_places_only() {
        assert!(takes("Decimal(18, 2)", Kind::Centavos));
        assert!(!takes("Decimal(18, 4)", Kind::Centavos));
        assert!(!takes("Int64", Kind::Centavos));
        assert!(!takes("Decimal(18, 2)", Kind::Long));
    }

    #[test]
    fn a_type_of_another_sort_is_refused() {
        assert!(!takes("UUID", Kind::Long));
        assert!(!takes("String", Kind::Millis));
        assert!(!takes("DateTime64(3)", Kind::Long));
        assert!(!takes("Int32", Kind::Long));
    }
}
