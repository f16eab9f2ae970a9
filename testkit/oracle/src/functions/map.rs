//! Functions of one record: predicates, value, key and flat mappers. They see a key as its text.

use super::Spec;
use crate::error::OracleError;
use crate::val::{Type, Val, key_text, length, text};
use std::sync::Arc;

pub(crate) type Predicate = Arc<dyn Fn(Option<&str>, Option<&Val>) -> bool + Send + Sync>;
pub(crate) type Mapper = Arc<dyn Fn(Option<&str>, Option<&Val>) -> Option<Val> + Send + Sync>;
pub(crate) type KeyMapper = Arc<dyn Fn(Option<&str>, Option<&Val>) -> Option<String> + Send + Sync>;
pub(crate) type Flat = Arc<dyn Fn(Option<&str>, Option<&Val>) -> Vec<(Option<String>, Option<Val>)> + Send + Sync>;
pub(crate) type FlatValues = Arc<dyn Fn(Option<&Val>) -> Vec<Option<Val>> + Send + Sync>;

/// A function and the type of the values it yields.
pub(crate) struct Mapped<F> {
    pub values: Type,
    pub function: F,
}

pub(crate) fn predicate(reference: &str) -> Result<Predicate, OracleError> {
    let spec = Spec::parse(reference);
    let part = spec.arg(0);
    let of_value = |test: Arc<dyn Fn(&Val) -> bool + Send + Sync>| -> Predicate {
        Arc::new(move |_, v| v.is_some_and(|v| test(v)))
    };
    Ok(match spec.name {
        "true" => Arc::new(|_, _| true),
        "false" => Arc::new(|_, _| false),
        "value_null" => Arc::new(|_, v| v.is_none()),
        "value_not_null" => Arc::new(|_, v| v.is_some()),
        "key_prefix" => Arc::new(move |k, _| k.is_some_and(|k| k.starts_with(&part))),
        "value_has" => of_value(Arc::new(move |v| v.to_string().contains(&part))),
        "len_gt" => {
            let bound = spec.number(0)?;
            of_value(Arc::new(move |v| length(&v.to_string()) > bound))
        }
        "value_gt" => {
            let bound = spec.number(0)?;
            of_value(Arc::new(move |v| v.number() > bound))
        }
        "value_mod" => {
            let (modulus, rest) = (modulus(&spec)?, spec.number(1)?);
            of_value(Arc::new(move |v| floor_mod(v.number(), modulus) == rest))
        }
        _ => return Err(spec.unknown("predicate")),
    })
}

pub(crate) fn value(reference: &str, input: Type) -> Result<Mapped<Mapper>, OracleError> {
    let spec = Spec::parse(reference);
    let arg = spec.arg(0);
    let (values, function): (Type, Mapper) = match spec.name {
        "identity" => (input, Arc::new(|_, v| v.cloned())),
        "append" => (Type::String, Arc::new(move |_, v| Some(format!("{}{arg}", text(v)).into()))),
        "with_key" => (Type::String, Arc::new(move |k, v| Some(format!("{}{arg}{}", key_text(k), text(v)).into()))),
        _ => {
            let (values, of_value) = null_to_null(&spec)?;
            (values, Arc::new(move |_, v| v.and_then(&*of_value)))
        }
    };
    Ok(Mapped { values, function })
}

type OfValue = Box<dyn Fn(&Val) -> Option<Val> + Send + Sync>;

fn null_to_null(spec: &Spec<'_>) -> Result<(Type, OfValue), OracleError> {
    let of_text = |map: fn(String) -> String| -> OfValue { Box::new(move |v| Some(map(v.to_string()).into())) };
    Ok(match spec.name {
        "upper" => (Type::String, of_text(|v| v.to_uppercase())),
        "to_string" => (Type::String, of_text(|v| v)),
        "first_char" => (Type::String, of_text(|v| first_char(&v).unwrap_or_default())),
        "null_if_len_gt" => {
            let bound = spec.number(0)?;
            (Type::String, Box::new(move |v| (length(&v.to_string()) <= bound).then(|| v.to_string().into())))
        }
        "len" => (Type::Long, Box::new(|v| Some(length(&v.to_string()).into()))),
        "parse_long" => (Type::Long, Box::new(|v| Some(parse_long(&v.to_string()).into()))),
        "add" => {
            let summand = spec.number(0)?;
            (Type::Long, Box::new(move |v| Some(v.number().wrapping_add(summand).into())))
        }
        "mod" => {
            let modulus = modulus(spec)?;
            (Type::Long, Box::new(move |v| Some(floor_mod(v.number(), modulus).into())))
        }
        "null_if_mod" => {
            let (modulus, rest) = (modulus(spec)?, spec.number(1)?);
            (Type::Long, Box::new(move |v| (floor_mod(v.number(), modulus) != rest).then(|| v.clone())))
        }
        _ => return Err(spec.unknown("value function")),
    })
}

pub(crate) fn key(reference: &str) -> Result<KeyMapper, OracleError> {
    let spec = Spec::parse(reference);
    let arg = spec.arg(0);
    Ok(match spec.name {
        "null" => Arc::new(|_, _| None),
        "const" => Arc::new(move |_, _| Some(arg.clone())),
        "render" => Arc::new(|k, _| k.map(str::to_owned)),
        "value" => Arc::new(|_, v| v.map(Val::to_string)),
        "first_char" => Arc::new(|_, v| first_char(&v?.to_string())),
        "key_first_char" => Arc::new(|k, _| first_char(k?)),
        "key_append" => Arc::new(move |k, _| Some(format!("{}{arg}", k?))),
        "value_prefix_until" => {
            Arc::new(move |_, v| v?.to_string().split_once(&arg).map(|(before, _)| before.to_owned()))
        }
        _ => return Err(spec.unknown("key function")),
    })
}

pub(crate) fn flat(reference: &str, input: Type) -> Result<Mapped<Flat>, OracleError> {
    let spec = Spec::parse(reference);
    let (values, function): (Type, Flat) = match spec.name {
        "split_to_keys" => (
            Type::String,
            Arc::new(|_, v| pieces(v).into_iter().map(|piece| (Some(piece.clone()), Some(piece.into()))).collect()),
        ),
        "dup" => {
            let times = spec.number(0)?;
            (input, Arc::new(move |k, v| (0..times).map(|i| (k.map(|k| format!("{k}#{i}")), v.cloned())).collect()))
        }
        "both_ways" => (
            Type::String,
            Arc::new(|k, v| {
                let (key, value) = (k.map(str::to_owned), v.map(Val::to_string));
                vec![(key.clone(), value.clone().map(Val::Text)), (value, key.map(Val::Text))]
            }),
        ),
        _ => return Err(spec.unknown("flat function")),
    };
    Ok(Mapped { values, function })
}

pub(crate) fn flat_values(reference: &str, input: Type) -> Result<Mapped<FlatValues>, OracleError> {
    let spec = Spec::parse(reference);
    let (values, function): (Type, FlatValues) = match spec.name {
        "split" => (Type::String, Arc::new(|v| pieces(v).into_iter().map(|piece| Some(piece.into())).collect())),
        "repeat" => {
            let times = spec.number(0)?;
            (input, Arc::new(move |v| (0..times).map(|_| v.cloned()).collect()))
        }
        _ => return Err(spec.unknown("flat values function")),
    };
    Ok(Mapped { values, function })
}

/// The non-empty pieces of a text between spaces.
fn pieces(value: Option<&Val>) -> Vec<String> {
    let text = value.map(Val::to_string).unwrap_or_default();
    text.split(' ').filter(|piece| !piece.is_empty()).map(str::to_owned).collect()
}

fn first_char(text: &str) -> Option<String> {
    text.chars().next().map(String::from)
}

/// A decimal of at most 18 digits; of any other text its length.
fn parse_long(text: &str) -> i64 {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let decimal = (1..=18).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    match text.parse() {
        Ok(number) if decimal => number,
        _ => length(text),
    }
}

fn modulus(spec: &Spec<'_>) -> Result<i64, OracleError> {
    match spec.number(0)? {
        modulus if modulus > 0 => Ok(modulus),
        other => Err(OracleError::malformed(format!("modulus {other} is not positive"))),
    }
}

/// Java's `Math.floorMod` for a positive modulus.
fn floor_mod(number: i64, modulus: i64) -> i64 {
    number.rem_euclid(modulus)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn mapped(reference: &str, of: impl Into<Val>) -> Option<Val> {
        let of = of.into();
        (value(reference, Type::Long).unwrap().function)(Some("k"), Some(&of))
    }

    #[test]
    fn parse_long_takes_up_to_18_digits_and_else_the_length() {
        assert_eq!(mapped("parse_long", "-12"), Some(Val::Long(-12)));
        assert_eq!(mapped("parse_long", "+12"), Some(Val::Long(3)));
        assert_eq!(mapped("parse_long", "-"), Some(Val::Long(1)));
        assert_eq!(mapped("parse_long", "1234567890123456789"), Some(Val::Long(19)));
    }

    #[test]
    fn mod_is_a_floor_modulus() {
        assert_eq!(mapped("mod:3", -1), Some(Val::Long(2)));
        assert_eq!(mapped("null_if_mod:3:2", -1), None);
    }

    #[test]
    fn a_null_value_becomes_a_word_only_inside_a_text() {
        let append = value("append:!", Type::String).unwrap().function;
        assert_eq!(append(None, None), Some("null!".into()));
        let upper = value("upper", Type::String).unwrap().function;
        assert_eq!(upper(None, None), None);
    }

    #[test]
    fn an_unknown_function_is_refused() {
        assert!(predicate("value_odd").is_err());
        assert!(value("len_gt:x", Type::String).is_err());
    }
}
