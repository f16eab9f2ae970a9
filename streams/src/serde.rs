//! Turning keys and values into bytes and back, in Kafka's own formats.

use std::sync::Arc;

/// Bytes that could not be read, or a value that could not be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct SerdeError {
    /// What is wrong, naming the field where it is known.
    pub reason: String,
    /// Whether the same attempt may succeed later (a schema registry that is away): the task waits.
    pub retriable: bool,
}

impl SerdeError {
    /// Data that will never be readable.
    pub fn invalid(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), retriable: false }
    }

    /// A helper service is away.
    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), retriable: true }
    }
}

/// Writes values of `T`.
pub trait Serializer<T>: Send + Sync {
    /// Appends `value` as it stands in `topic` to `out`.
    fn serialize(&self, topic: &str, value: &T, out: &mut Vec<u8>) -> Result<(), SerdeError>;
}

/// Reads values of `T`.
pub trait Deserializer<T>: Send + Sync {
    /// Reads a value that stands in `topic`.
    fn deserialize(&self, topic: &str, bytes: &[u8]) -> Result<T, SerdeError>;

    /// The same from bytes that the value may keep: for types that are bytes themselves. They share their memory with
    /// the records fetched around them, so a value that outlives its record should copy them.
    fn deserialize_shared(&self, topic: &str, bytes: &bytes::Bytes) -> Result<T, SerdeError> {
        self.deserialize(topic, bytes)
    }
}

/// A serializer and a deserializer of one type; a clone shares them.
pub struct Serde<T> {
    serializer: Arc<dyn Serializer<T>>,
    deserializer: Arc<dyn Deserializer<T>>,
}

impl<T> Clone for Serde<T> {
    fn clone(&self) -> Self {
        Self { serializer: self.serializer.clone(), deserializer: self.deserializer.clone() }
    }
}

impl<T> Serde<T> {
    /// From its two halves.
    pub fn new(serializer: impl Serializer<T> + 'static, deserializer: impl Deserializer<T> + 'static) -> Self {
        Self { serializer: Arc::new(serializer), deserializer: Arc::new(deserializer) }
    }

    /// Appends `value` to `out`.
    pub fn serialize(&self, topic: &str, value: &T, out: &mut Vec<u8>) -> Result<(), SerdeError> {
        self.serializer.serialize(topic, value, out)
    }

    /// Reads a value.
    pub fn deserialize(&self, topic: &str, bytes: &[u8]) -> Result<T, SerdeError> {
        self.deserializer.deserialize(topic, bytes)
    }

    /// Reads a value that may keep `bytes`: see [`Deserializer::deserialize_shared`].
    pub fn deserialize_shared(&self, topic: &str, bytes: &bytes::Bytes) -> Result<T, SerdeError> {
        self.deserializer.deserialize_shared(topic, bytes)
    }
}

/// Kafka's built-in serdes (`org.apache.kafka.common.serialization`).
pub struct Serdes;

impl Serdes {
    /// UTF-8 text.
    pub fn string() -> Serde<String> {
        Serde::new(Utf8, Utf8)
    }

    /// Signed 64-bit, big-endian.
    pub fn long() -> Serde<i64> {
        Serde::new(BigEndian, BigEndian)
    }

    /// Signed 32-bit, big-endian.
    pub fn integer() -> Serde<i32> {
        Serde::new(BigEndian, BigEndian)
    }

    /// IEEE-754 double, big-endian bits.
    pub fn double() -> Serde<f64> {
        Serde::new(BigEndian, BigEndian)
    }

    /// The bytes as they are.
    pub fn bytes() -> Serde<bytes::Bytes> {
        Serde::new(Plain, Plain)
    }
}

struct Utf8;

impl Serializer<String> for Utf8 {
    fn serialize(&self, _topic: &str, value: &String, out: &mut Vec<u8>) -> Result<(), SerdeError> {
        out.extend_from_slice(value.as_bytes());
        Ok(())
    }
}

impl Deserializer<String> for Utf8 {
    fn deserialize(&self, _topic: &str, bytes: &[u8]) -> Result<String, SerdeError> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(e) => Err(SerdeError::invalid(format!("not UTF-8: {e}"))),
        }
    }
}

struct Plain;

impl Serializer<bytes::Bytes> for Plain {
    fn serialize(&self, _topic: &str, value: &bytes::Bytes, out: &mut Vec<u8>) -> Result<(), SerdeError> {
        out.extend_from_slice(value);
        Ok(())
    }
}

impl Deserializer<bytes::Bytes> for Plain {
    fn deserialize(&self, _topic: &str, bytes: &[u8]) -> Result<bytes::Bytes, SerdeError> {
        Ok(bytes::Bytes::copy_from_slice(bytes))
    }

    fn deserialize_shared(&self, _topic: &str, bytes: &bytes::Bytes) -> Result<bytes::Bytes, SerdeError> {
        Ok(bytes.clone())
    }
}

struct BigEndian;

macro_rules! big_endian {
    ($($number:ty),*) => {$(
        impl Serializer<$number> for BigEndian {
            fn serialize(&self, _topic: &str, value: &$number, out: &mut Vec<u8>) -> Result<(), SerdeError> {
                out.extend_from_slice(&value.to_be_bytes());
                Ok(())
            }
        }

        impl Deserializer<$number> for BigEndian {
            fn deserialize(&self, _topic: &str, bytes: &[u8]) -> Result<$number, SerdeError> {
                let exact = bytes.try_into().map_err(|_| SerdeError::invalid(format!(
                    "a {} takes {} bytes, not {}", stringify!($number), size_of::<$number>(), bytes.len()
                )))?;
                Ok(<$number>::from_be_bytes(exact))
            }
        }
    )*};
}

big_endian!(i32, i64, f64);

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn bytes_of<T>(serde: &Serde<T>, value: T) -> Vec<u8> {
        let mut out = vec![];
        serde.serialize("t", &value, &mut out).unwrap();
        out
    }

    /// Vectors written by Kafka's LongSerializer, IntegerSerializer, DoubleSerializer and StringSerializer.
    #[test]
    fn numbers_and_text_are_written_as_kafka_writes_them() {
        assert_eq!(bytes_of(&Serdes::long(), 5141), [0, 0, 0, 0, 0, 0, 0x14, 0x15]);
        assert_eq!(bytes_of(&Serdes::integer(), 4820), [0, 0, 0x12, 0xd4]);
        assert_eq!(bytes_of(&Serdes::double(), 10.75), [0x40, 0x25, 0x80, 0, 0, 0, 0, 0]);
        assert_eq!(bytes_of(&Serdes::string(), "é".to_owned()), [0xc3, 0xa9]);
    }

    #[test]
    fn a_wrong_length_says_so() {
        let error = Serdes::long().deserialize("t", &[1, 2]).unwrap_err();
        assert_eq!(error.to_string(), "a i64 takes 8 bytes, not 2");
    }
}
