//! The parameters of a request's query string: known names, at most once each.

use crate::problem::{Fault, Problem};
use axum::extract::Query;
use axum::http::{StatusCode, Uri};

/// The values of the parameters `names`, in that order.
pub(crate) fn parameters<const N: usize>(uri: &Uri, names: [&str; N]) -> Result<[Option<String>; N], Problem> {
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
        .map_err(|_| Problem::of_status(StatusCode::BAD_REQUEST, "the query string cannot be read"))?;
    let mut values = [const { None }; N];
    for (name, value) in pairs {
        let Some(place) = names.iter().position(|known| *known == name) else {
            let name: String = name.chars().take(64).collect();
            return Err(Problem::invalid(vec![Fault::new(name, "is not a parameter of this resource")]));
        };
        if values[place].replace(value).is_some() {
            return Err(Problem::invalid(vec![Fault::new(name, "is given twice")]));
        }
    }
    Ok(values)
}
