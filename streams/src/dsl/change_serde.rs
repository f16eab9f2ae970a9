//! How a change of a grouped table travels through its repartition topic, in Kafka Streams' bytes.

use crate::record::Change;
use crate::serde::{Deserializer, Serde, SerdeError, Serializer};

/// The last byte says what stands before it: one value, or the new one behind its length and then the old one.
const OLD: u8 = 0;
const NEW: u8 = 1;
const BOTH: u8 = 2;
/// Flags 3, 4 and 5: the same with a byte before the flag that tells whether the change is the latest. Kafka Streams 4.3
/// reads them and does not write them.
const WITH_LATEST: u8 = 3;

/// `ChangedSerializer` and `ChangedDeserializer` over the values' own serde.
pub(super) fn change_serde<V: 'static>(values: Serde<V>) -> Serde<Change<V>> {
    Serde::new(Changed(values.clone()), Changed(values))
}

struct Changed<V>(Serde<V>);

impl<V> Serializer<Change<V>> for Changed<V> {
    fn serialize(&self, topic: &str, change: &Change<V>, out: &mut Vec<u8>) -> Result<(), SerdeError> {
        match (&change.new, &change.old) {
            (Some(new), Some(old)) => {
                let mut bytes = vec![];
                self.0.serialize(topic, new, &mut bytes)?;
                write_varint(bytes.len(), out)?;
                out.append(&mut bytes);
                self.0.serialize(topic, old, out)?;
                out.push(BOTH);
            }
            (Some(new), None) => {
                self.0.serialize(topic, new, out)?;
                out.push(NEW);
            }
            (None, Some(old)) => {
                self.0.serialize(topic, old, out)?;
                out.push(OLD);
            }
            (None, None) => return Err(SerdeError::invalid("a change without values")),
        }
        Ok(())
    }
}

impl<V> Deserializer<Change<V>> for Changed<V> {
    fn deserialize(&self, topic: &str, bytes: &[u8]) -> Result<Change<V>, SerdeError> {
        let (flag, rest) = bytes.split_last().ok_or_else(|| SerdeError::invalid("a change of no bytes"))?;
        let (flag, rest) = match flag.checked_sub(WITH_LATEST) {
            None => (*flag, rest),
            Some(flag) => (flag, rest.split_last().ok_or_else(|| SerdeError::invalid("a change cut short"))?.1),
        };
        let value = |bytes: &[u8]| self.0.deserialize(topic, bytes).map(Some);
        match flag {
            OLD => Ok(Change { new: None, old: value(rest)? }),
            NEW => Ok(Change { new: value(rest)?, old: None }),
            BOTH => {
                let (length, rest) = read_varint(rest)?;
                let split = rest.split_at_checked(length);
                let (new, old) = split.ok_or_else(|| SerdeError::invalid("a change shorter than it says"))?;
                Ok(Change { new: value(new)?, old: value(old)? })
            }
            _ => Err(SerdeError::invalid("a change with an unknown flag")),
        }
    }
}

/// Kafka's signed varint (`ByteUtils.writeVarint`): zigzag, seven bits a byte, low ones first.
fn write_varint(length: usize, out: &mut Vec<u8>) -> Result<(), SerdeError> {
    let length = i32::try_from(length).map_err(|_| SerdeError::invalid("a value of 2 GiB or more"))?;
    let mut rest = (length as u32) << 1;
    while rest >= 0x80 {
        out.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
    Ok(())
}

fn read_varint(bytes: &[u8]) -> Result<(usize, &[u8]), SerdeError> {
    let mut zigzag = 0u64;
    for (index, byte) in bytes.iter().take(5).enumerate() {
        zigzag |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            // A length is not negative: its zigzag form is even.
            let length = usize::try_from(zigzag >> 1).ok().filter(|_| zigzag & 1 == 0);
            return Ok((length.ok_or_else(|| SerdeError::invalid("a negative length"))?, &bytes[index + 1..]));
        }
    }
    Err(SerdeError::invalid("a length that does not end"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::serde::Serdes;

    fn bytes_of(new: Option<&str>, old: Option<&str>) -> Vec<u8> {
        let change = Change { new: new.map(str::to_owned), old: old.map(str::to_owned) };
        let mut out = vec![];
        change_serde(Serdes::string()).serialize("t", &change, &mut out).unwrap();
        assert_eq!(change_serde(Serdes::string()).deserialize("t", &out).unwrap(), change);
        out
    }

    /// The layouts of `ChangedSerializer`.
    #[test]
    fn changes_are_written_as_kafka_streams_writes_them() {
        assert_eq!(bytes_of(None, Some("ab")), [b'a', b'b', 0]);
        assert_eq!(bytes_of(Some("ab"), None), [b'a', b'b', 1]);
        assert_eq!(bytes_of(Some("ab"), Some("c")), [4, b'a', b'b', b'c', 2]);
    }

    #[test]
    fn a_length_takes_as_many_bytes_as_it_needs() {
        let long = "x".repeat(64);
        assert_eq!(bytes_of(Some(&long), Some("c"))[..2], [0x80, 0x01]);
    }

    #[test]
    fn forms_that_tell_the_latest_are_read() {
        let read = |bytes: &[u8]| change_serde(Serdes::string()).deserialize("t", bytes).unwrap();
        assert_eq!(read(&[b'a', 1, 4]), Change { new: Some("a".to_owned()), old: None });
        assert_eq!(read(&[2, b'a', b'b', 0, 5]), Change { new: Some("a".to_owned()), old: Some("b".to_owned()) });
    }

    #[test]
    fn broken_bytes_are_refused() {
        let read = |bytes: &[u8]| change_serde(Serdes::string()).deserialize("t", bytes);
        for broken in [&[][..], &[b'a', 9], &[5], &[8, b'a', 2], &[0x80, 2], &[1, b'a', 2]] {
            assert!(read(broken).is_err(), "{broken:?}");
        }
    }
}
