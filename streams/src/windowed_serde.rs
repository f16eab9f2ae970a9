//! How windowed keys are written, in Kafka Streams' bytes.

use crate::record::{Window, Windowed};
use crate::serde::{Deserializer, Serde, SerdeError, Serializer};

/// Serdes of windowed keys.
pub struct WindowedSerdes;

impl WindowedSerdes {
    /// Keys of time windows (`WindowedSerdes.timeWindowedSerdeFrom`): the key, then the window's start in 8 bytes,
    /// big-endian. All windows have the same size, so their end is not written.
    pub fn time_windowed<K: 'static>(keys: Serde<K>, window_size_ms: i64) -> Serde<Windowed<K>> {
        let write = TimeWindowed { keys: keys.clone(), window_size_ms };
        Serde::new(write, TimeWindowed { keys, window_size_ms })
    }
}

struct TimeWindowed<K> {
    keys: Serde<K>,
    window_size_ms: i64,
}

impl<K> Serializer<Windowed<K>> for TimeWindowed<K> {
    fn serialize(&self, topic: &str, windowed: &Windowed<K>, out: &mut Vec<u8>) -> Result<(), SerdeError> {
        let Window { start_ms, end_ms } = windowed.window;
        // A window of another size would come back as one that it is not.
        if end_ms.checked_sub(start_ms) != Some(self.window_size_ms) {
            let size = self.window_size_ms;
            return Err(SerdeError::invalid(format!("window {start_ms}/{end_ms} does not last {size} ms")));
        }
        self.keys.serialize(topic, &windowed.key, out)?;
        out.extend_from_slice(&start_ms.to_be_bytes());
        Ok(())
    }
}

impl<K> Deserializer<Windowed<K>> for TimeWindowed<K> {
    fn deserialize(&self, topic: &str, bytes: &[u8]) -> Result<Windowed<K>, SerdeError> {
        let split = bytes.split_last_chunk::<8>();
        let (key, start) = split.ok_or_else(|| SerdeError::invalid("a windowed key without its window"))?;
        let start_ms = i64::from_be_bytes(*start);
        let window = Window { start_ms, end_ms: start_ms.saturating_add(self.window_size_ms) };
        Ok(Windowed { key: self.keys.deserialize(topic, key)?, window })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::serde::Serdes;

    fn windowed(start_ms: i64, end_ms: i64) -> Windowed<String> {
        Windowed { key: "k".to_owned(), window: Window { start_ms, end_ms } }
    }

    #[test]
    fn a_windowed_key_is_its_key_and_the_start_of_its_window() {
        let serde = WindowedSerdes::time_windowed(Serdes::string(), 10);
        let mut bytes = vec![];
        serde.serialize("t", &windowed(0x0102, 0x010c), &mut bytes).unwrap();
        assert_eq!(bytes, [b'k', 0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!(serde.deserialize("t", &bytes).unwrap(), windowed(0x0102, 0x010c));
    }

    #[test]
    fn a_window_of_another_size_is_refused() {
        let serde = WindowedSerdes::time_windowed(Serdes::string(), 10);
        let error = serde.serialize("t", &windowed(0, 9), &mut vec![]).unwrap_err();
        assert_eq!(error.to_string(), "window 0/9 does not last 10 ms");
    }
}
