//! Joiners.

use super::fold::number;
use super::{Mapped, Spec};
use crate::error::OracleError;
use crate::val::{Type, Val, key_text, text};
use std::sync::Arc;

/// From key text, left and right value to the result. Joins of tables give no key.
pub(crate) type Joiner = Arc<dyn Fn(Option<&str>, Option<&Val>, Option<&Val>) -> Option<Val> + Send + Sync>;

pub(crate) fn joiner(reference: &str, left: Type, right: Type) -> Result<Mapped<Joiner>, OracleError> {
    let spec = Spec::parse(reference);
    let arg = spec.arg(0);
    let (values, function): (Type, Joiner) = match spec.name {
        "concat" => (Type::String, Arc::new(move |_, l, r| Some(format!("{}{arg}{}", text(l), text(r)).into()))),
        "concat_key" => (
            Type::String,
            Arc::new(move |k, l, r| Some(format!("{}{arg}{}{arg}{}", key_text(k), text(l), text(r)).into())),
        ),
        "left" => (left, Arc::new(|_, l, _| l.cloned())),
        "right" => (right, Arc::new(|_, _, r| r.cloned())),
        "sum" => (Type::Long, Arc::new(|_, l, r| Some(number(l).wrapping_add(number(r)).into()))),
        "null_if_same" => {
            (Type::String, Arc::new(|_, l, r| (text(l) != text(r)).then(|| format!("{}/{}", text(l), text(r)).into())))
        }
        _ => return Err(spec.unknown("joiner")),
    };
    Ok(Mapped { values, function })
}
