//! A scan over several layers: of each key the newest write, and the backend where no layer has one.

use crate::backend::{Cursor, Direction, MapCursor};
use crate::{SharedBytes, StoreError};
use std::cmp::Ordering;

/// Cursors over the layers and the backend, moved together.
#[derive(Default)]
pub(crate) struct MergedCursor {
    /// Newest layer first.
    layers: Vec<MapCursor<Option<SharedBytes>>>,
    backend: Option<Box<dyn Cursor>>,
    backward: bool,
}

impl MergedCursor {
    pub fn new(
        layers: Vec<MapCursor<Option<SharedBytes>>>,
        backend: Option<Box<dyn Cursor>>,
        direction: Direction,
    ) -> Self {
        Self { layers, backend, backward: direction == Direction::Backward }
    }

    /// The next entry whose key is accepted.
    pub fn next(&mut self, accept: impl Fn(&[u8]) -> bool) -> Result<Option<(SharedBytes, SharedBytes)>, StoreError> {
        loop {
            let layer = self.first_layer();
            let above = layer.and_then(|layer| self.layers[layer].peek());
            let below = self.backend.as_ref().and_then(|backend| backend.entry());
            let order = match (above, below) {
                (None, None) => return Ok(None),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((above, _)), Some((below, _))) => self.order(above, below),
            };
            let entry = match (above, below) {
                (Some((key, value)), _) if order.is_le() => {
                    value.as_ref().filter(|_| accept(key)).map(|value| (key.clone(), value.clone()))
                }
                (_, Some((key, _))) if accept(key) => self.backend.as_ref().and_then(|backend| backend.shared_entry()),
                _ => None,
            };
            self.pass(layer.filter(|_| order.is_le()), order.is_ge())?;
            if entry.is_some() {
                return Ok(entry);
            }
        }
    }

    fn order(&self, one: &[u8], other: &[u8]) -> Ordering {
        if self.backward { other.cmp(one) } else { one.cmp(other) }
    }

    /// The layer whose entry comes first; the newest of those at the same key.
    fn first_layer(&self) -> Option<usize> {
        let mut first: Option<(usize, &SharedBytes)> = None;
        for (number, layer) in self.layers.iter().enumerate() {
            let Some((key, _)) = layer.peek() else {
                continue;
            };
            if first.is_none_or(|(_, earliest)| self.order(key, earliest).is_lt()) {
                first = Some((number, key));
            }
        }
        first.map(|(number, _)| number)
    }

    /// Moves every cursor that stands at the key of `layer`, and the backend's if `backend`.
    fn pass(&mut self, layer: Option<usize>, backend: bool) -> Result<(), StoreError> {
        if let Some(number) = layer
            && let Some(key) = self.layers[number].peek().map(|(key, _)| key.clone())
        {
            for older in &mut self.layers[number + 1..] {
                if older.peek().is_some_and(|(other, _)| *other == key) {
                    older.step();
                }
            }
            self.layers[number].step();
        }
        match self.backend.as_mut().filter(|_| backend) {
            Some(backend) => backend.advance(),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::backend::{KeyRange, SharedMap};

    type Layer<'a> = &'a [(&'a str, Option<&'a str>)];

    fn scan(layers: &[Layer<'_>], backend: &[(&str, &str)], direction: Direction) -> String {
        let bytes = |text: &str| SharedBytes::from(text.as_bytes());
        let layers = layers.iter().map(|layer| {
            let map: SharedMap<_> = layer.iter().map(|(key, value)| (bytes(key), value.map(bytes))).collect();
            MapCursor::new(map, KeyRange::all(), direction)
        });
        let backend: SharedMap<_> = backend.iter().map(|(key, value)| (bytes(key), bytes(value))).collect();
        let backend = Box::new(MapCursor::new(backend, KeyRange::all(), direction));
        let mut merged = MergedCursor::new(layers.collect(), Some(backend), direction);
        let mut seen = String::new();
        while let Some((key, value)) = merged.next(|_| true).unwrap() {
            seen += &format!("{}={} ", str::from_utf8(&key).unwrap(), str::from_utf8(&value).unwrap());
        }
        seen
    }

    #[test]
    fn each_key_shows_once_as_the_newest_layer_has_it() {
        let newest: Layer<'_> = &[("a", Some("3")), ("c", None), ("e", Some("3"))];
        let older: Layer<'_> = &[("a", None), ("b", Some("2")), ("c", Some("2")), ("e", Some("2"))];
        let backend = [("b", "1"), ("c", "1"), ("d", "1"), ("e", "1"), ("f", "1")];
        assert_eq!(scan(&[newest, older], &backend, Direction::Forward), "a=3 b=2 d=1 e=3 f=1 ");
        assert_eq!(scan(&[newest, older], &backend, Direction::Backward), "f=1 e=3 d=1 b=2 a=3 ");
    }
}
