//! Functions of aggregations: reducers, initial values, aggregators.

use super::{Mapped, Spec};
use crate::error::OracleError;
use crate::val::{Type, Val, key_text, length, text};
use std::cmp::Ordering;
use std::sync::Arc;

/// From the aggregate and a value to the new aggregate.
pub(crate) type Reducer = Arc<dyn Fn(Option<&Val>, Option<&Val>) -> Option<Val> + Send + Sync>;
/// From key text, value and aggregate to the new aggregate.
pub(crate) type Aggregator = Arc<dyn Fn(&str, Option<&Val>, Option<&Val>) -> Option<Val> + Send + Sync>;
/// What an aggregate starts as.
pub(crate) type Init = Mapped<Option<Val>>;

pub(crate) fn reducer(reference: &str) -> Result<Reducer, OracleError> {
    let spec = Spec::parse(reference);
    let arg = spec.arg(0);
    Ok(match spec.name {
        "concat" => Arc::new(move |a, v| Some(format!("{}{arg}{}", text(a), text(v)).into())),
        "concat_null_on" => Arc::new(move |a, v| (text(v) != arg).then(|| format!("{}{}", text(a), text(v)).into())),
        "remove_first" => Arc::new(|a, v| Some(text(a).replacen(&text(v), "", 1).into())),
        "first" => Arc::new(|a, _| a.cloned()),
        "last" => Arc::new(|_, v| v.cloned()),
        "sum" => Arc::new(|a, v| Some(number(a).wrapping_add(number(v)).into())),
        "sub" => Arc::new(|a, v| Some(number(a).wrapping_sub(number(v)).into())),
        "sum_null_on_zero" => Arc::new(|a, v| match number(a).wrapping_add(number(v)) {
            0 => None,
            sum => Some(sum.into()),
        }),
        "max" => Arc::new(|a, v| if compare(a, v).is_ge() { a.cloned() } else { v.cloned() }),
        "min" => Arc::new(|a, v| if compare(a, v).is_le() { a.cloned() } else { v.cloned() }),
        _ => return Err(spec.unknown("reducer")),
    })
}

pub(crate) fn init(reference: &str) -> Result<Init, OracleError> {
    let spec = Spec::parse(reference);
    let (values, function) = match spec.name {
        "empty" => (Type::String, Some("".into())),
        "text" => (Type::String, Some(spec.arg(0).into())),
        "null_text" => (Type::String, None),
        "zero" => (Type::Long, Some(0.into())),
        "number" => (Type::Long, Some(spec.number(0)?.into())),
        "null_number" => (Type::Long, None),
        _ => return Err(spec.unknown("initial value")),
    };
    Ok(Mapped { values, function })
}

pub(crate) fn aggregator(reference: &str) -> Result<Aggregator, OracleError> {
    let spec = Spec::parse(reference);
    let arg = spec.arg(0);
    Ok(match spec.name {
        "concat" => Arc::new(move |_, v, a| Some(format!("{}{arg}{}", text(a), text(v)).into())),
        "concat_key" => {
            Arc::new(move |k, v, a| Some(format!("{}{arg}{}={}", text(a), key_text(Some(k)), text(v)).into()))
        }
        "concat_null_on" => Arc::new(move |_, v, a| {
            let so_far = a.map(Val::to_string).unwrap_or_default();
            (text(v) != arg).then(|| format!("{so_far}{}", text(v)).into())
        }),
        "remove_first" => Arc::new(|_, v, a| Some(text(a).replacen(&text(v), "", 1).into())),
        "count_len" => Arc::new(|_, v, a| Some(number(a).wrapping_add(length(&text(v))).into())),
        "uncount_len" => Arc::new(|_, v, a| Some(number(a).wrapping_sub(length(&text(v))).into())),
        "sum" => Arc::new(|_, v, a| Some(number(a).wrapping_add(number(v)).into())),
        "sub" => Arc::new(|_, v, a| Some(number(a).wrapping_sub(number(v)).into())),
        _ => return Err(spec.unknown("aggregator")),
    })
}

/// A null number counts as 0.
pub(super) fn number(value: Option<&Val>) -> i64 {
    value.map_or(0, Val::number)
}

/// Null is smallest; texts by UTF-16 unit.
fn compare(left: Option<&Val>, right: Option<&Val>) -> Ordering {
    match (left, right) {
        (Some(Val::Text(left)), Some(Val::Text(right))) => left.encode_utf16().cmp(right.encode_utf16()),
        (Some(left), Some(right)) => left.number().cmp(&right.number()),
        (left, right) => left.is_some().cmp(&right.is_some()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn reduced(reference: &str, a: Option<Val>, v: Option<Val>) -> Option<Val> {
        reducer(reference).unwrap()(a.as_ref(), v.as_ref())
    }

    #[test]
    fn the_aggregate_wins_ties_and_null_is_smallest() {
        assert_eq!(reduced("max", None, Some(3.into())), Some(3.into()));
        assert_eq!(reduced("min", None, Some(3.into())), None);
        assert_eq!(reduced("max", Some("b".into()), Some("a".into())), Some("b".into()));
    }

    #[test]
    fn removing_the_first_occurrence_leaves_the_others() {
        assert_eq!(reduced("remove_first", Some("abab".into()), Some("b".into())), Some("aab".into()));
        assert_eq!(reduced("remove_first", Some("aa".into()), Some("b".into())), Some("aa".into()));
    }

    #[test]
    fn a_null_value_has_the_length_of_its_word() {
        assert_eq!(aggregator("count_len").unwrap()("k", None, None), Some(4.into()));
    }
}
