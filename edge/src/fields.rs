//! Reading JSON objects field by field, so that a caller is told all that is wrong at once, with paths.

use crate::problem::Fault;
use serde_json::{Map, Value};

/// A body full of faults is told about so many.
const MAX_FAULTS: usize = 32;
/// Names of fields that the caller made up are repeated up to so many characters.
const MAX_NAME_CHARS: usize = 64;

/// An object that is being read. What is at fault reads as `None` and is kept for the end.
pub(crate) struct Object {
    fields: Map<String, Value>,
    path: String,
    faults: Vec<Fault>,
}

/// Reads `value` as an object with the fields that `read` takes and no others.
pub(crate) fn read_object<T>(value: Value, read: impl FnOnce(&mut Object) -> Option<T>) -> Result<T, Vec<Fault>> {
    read_at(String::new(), value, read)
}

fn read_at<T>(path: String, value: Value, read: impl FnOnce(&mut Object) -> Option<T>) -> Result<T, Vec<Fault>> {
    let Value::Object(fields) = value else {
        let field = if path.is_empty() { "body".to_owned() } else { path };
        return Err(vec![Fault::new(field, "is not an object")]);
    };
    let mut object = Object { fields, path, faults: vec![] };
    let read = read(&mut object);
    for name in std::mem::take(&mut object.fields).keys().take(MAX_FAULTS) {
        let name: String = name.chars().take(MAX_NAME_CHARS).collect();
        object.fault(&name, "is not a field of this object");
    }
    match read {
        Some(value) if object.faults.is_empty() => Ok(value),
        _ => Err(object.faults),
    }
}

impl Object {
    /// A field that must be there.
    pub fn required<T>(&mut self, name: &str, read: impl FnOnce(Value) -> Result<T, String>) -> Option<T> {
        let value = self.take(name);
        if value.is_none() {
            self.fault(name, "is missing");
        }
        self.check(name, read(value?))
    }

    /// A field that may be absent or null; `None` within `Some` if it is.
    pub fn optional<T>(&mut self, name: &str, read: impl FnOnce(Value) -> Result<T, String>) -> Option<Option<T>> {
        let Some(value) = self.take(name) else { return Some(None) };
        self.check(name, read(value)).map(Some)
    }

    /// An object within this one, which must be there.
    pub fn object<T>(&mut self, name: &str, read: impl FnOnce(&mut Object) -> Option<T>) -> Option<T> {
        let value = self.required(name, Ok)?;
        let result = read_at(self.path_of(name), value, read);
        self.absorb(result)
    }

    /// A list of 1 to `max` objects, which must be there.
    pub fn list<T>(&mut self, name: &str, max: usize, read: impl Fn(&mut Object) -> Option<T>) -> Option<Vec<T>> {
        let values = self.required(name, |value| match list_of(value, max) {
            Ok(values) if values.is_empty() => Err("is empty".to_owned()),
            values => values,
        })?;
        self.entries(name, values, read)
    }

    /// A list of up to `max` objects; absent, it is empty.
    pub fn optional_list<T>(
        &mut self,
        name: &str,
        max: usize,
        read: impl Fn(&mut Object) -> Option<T>,
    ) -> Option<Vec<T>> {
        let values = self.optional(name, |value| list_of(value, max))?;
        self.entries(name, values.unwrap_or_default(), read)
    }

    fn entries<T>(
        &mut self,
        name: &str,
        values: Vec<Value>,
        read: impl Fn(&mut Object) -> Option<T>,
    ) -> Option<Vec<T>> {
        let mut entries = Some(vec![]);
        for (index, value) in values.into_iter().enumerate() {
            let result = read_at(format!("{}[{index}]", self.path_of(name)), value, &read);
            let entry = self.absorb(result);
            entries = entries.zip(entry).map(|(mut entries, entry)| {
                entries.push(entry);
                entries
            });
        }
        entries
    }

    /// Notes that the field `name` is at fault.
    pub fn fault(&mut self, name: &str, reason: &str) {
        self.note(Fault::new(self.path_of(name), reason));
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.fields.remove(name).filter(|value| !value.is_null())
    }

    fn check<T>(&mut self, name: &str, read: Result<T, String>) -> Option<T> {
        read.map_err(|reason| self.fault(name, &reason)).ok()
    }

    fn absorb<T>(&mut self, read: Result<T, Vec<Fault>>) -> Option<T> {
        read.map_err(|faults| faults.into_iter().for_each(|fault| self.note(fault))).ok()
    }

    fn note(&mut self, fault: Fault) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(fault);
        }
    }

    fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }
}

fn list_of(value: Value, max: usize) -> Result<Vec<Value>, String> {
    match value {
        Value::Array(values) if values.len() > max => Err(format!("has more than {max} entries")),
        Value::Array(values) => Ok(values),
        _ => Err("is not a list".to_owned()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    fn number(value: Value) -> Result<i64, String> {
        value.as_i64().ok_or_else(|| "is not a number".to_owned())
    }

    fn read(object: &mut Object) -> Option<(i64, Option<i64>, Vec<i64>)> {
        let (a, b) = (object.required("a", number), object.optional("b", number));
        let list = object.list("list", 3, |entry| entry.required("x", number));
        Some((a?, b?, list?))
    }

    #[test]
    fn a_good_object_is_read_and_null_is_as_good_as_absent() {
        let value = json!({ "a": 1, "b": null, "list": [{ "x": 2 }, { "x": 3 }] });
        assert_eq!(read_object(value, read), Ok((1, None, vec![2, 3])));
    }

    #[test]
    fn all_faults_are_told_at_once_with_their_paths() {
        let value = json!({ "b": "two", "list": [{ "x": 1 }, {}, 7, { "x": 1, "y": 0 }], "c": 1 });
        let faults = read_object(value, |object| {
            let (a, b) = (object.required("a", number), object.optional("b", number));
            let list = object.list("list", 4, |entry| entry.required("x", number));
            Some((a?, b?, list?))
        });
        let told: Vec<_> =
            faults.unwrap_err().into_iter().map(|fault| format!("{}: {}", fault.field, fault.reason)).collect();
        assert_eq!(
            told,
            [
                "a: is missing",
                "b: is not a number",
                "list[1].x: is missing",
                "list[2]: is not an object",
                "list[3].y: is not a field of this object",
                "c: is not a field of this object",
            ]
        );
    }

    #[test]
    fn lists_have_bounds_and_faults_do_too() {
        let long = json!({ "a": 1, "list": [{}, {}, {}, {}] });
        assert_eq!(read_object(long, read).unwrap_err(), [Fault::new("list", "has more than 3 entries")]);
        let empty = json!({ "a": 1, "list": [] });
        assert_eq!(read_object(empty, read).unwrap_err(), [Fault::new("list", "is empty")]);
        let faulty = json!({ "list": vec![json!({}); MAX_FAULTS + 1] });
        let told = read_object(faulty, |object| object.list("list", 100, |entry| entry.required("x", number)));
        assert_eq!(told.unwrap_err().len(), MAX_FAULTS);
        let unknown: Map<String, Value> = (0..100).map(|n| (format!("f{n}"), Value::Null)).collect();
        assert_eq!(read_object(Value::Object(unknown), |_| Some(())).unwrap_err().len(), MAX_FAULTS);
        assert_eq!(read_object(json!([]), |_| Some(())).unwrap_err(), [Fault::new("body", "is not an object")]);
    }
}
