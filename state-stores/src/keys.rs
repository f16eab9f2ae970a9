//! Kafka Streams' key formats: what change logs and stores hold, byte for byte.
//!
//! Window keys are `key ‖ start (8 bytes) ‖ sequence (4 bytes)` (`WindowKeySchema`), session keys
//! `key ‖ end ‖ start` (`SessionKeySchema`), all big-endian. User keys have any length and come first, so a range over one
//! key's entries also meets entries of longer keys: readers must compare lengths.

use crate::SharedBytes;

/// Bytes after the user's key in a window key.
pub const WINDOW_SUFFIX: usize = 12;
/// Bytes after the user's key in a session key.
pub const SESSION_SUFFIX: usize = 16;

/// Appends the window key to `out`.
pub fn write_window_key(out: &mut Vec<u8>, key: &[u8], start_ms: i64, sequence: u32) {
    out.reserve(key.len() + WINDOW_SUFFIX);
    out.extend_from_slice(key);
    out.extend_from_slice(&start_ms.to_be_bytes());
    out.extend_from_slice(&sequence.to_be_bytes());
}

/// The window key as a new buffer.
pub fn window_key(key: &[u8], start_ms: i64, sequence: u32) -> Vec<u8> {
    let mut out = Vec::new();
    write_window_key(&mut out, key, start_ms, sequence);
    out
}

/// (user key, start, sequence); `None` if it is too short to be a window key.
pub fn split_window_key(stored: &[u8]) -> Option<(&[u8], i64, u32)> {
    let (rest, sequence) = stored.split_last_chunk::<4>()?;
    let (key, start) = rest.split_last_chunk::<8>()?;
    Some((key, i64::from_be_bytes(*start), u32::from_be_bytes(*sequence)))
}

/// Appends the session key to `out`.
pub fn write_session_key(out: &mut Vec<u8>, key: &[u8], start_ms: i64, end_ms: i64) {
    out.reserve(key.len() + SESSION_SUFFIX);
    out.extend_from_slice(key);
    out.extend_from_slice(&end_ms.to_be_bytes());
    out.extend_from_slice(&start_ms.to_be_bytes());
}

/// The session key as a new buffer.
pub fn session_key(key: &[u8], start_ms: i64, end_ms: i64) -> Vec<u8> {
    let mut out = Vec::new();
    write_session_key(&mut out, key, start_ms, end_ms);
    out
}

/// (user key, start, end); `None` if it is too short to be a session key.
pub fn split_session_key(stored: &[u8]) -> Option<(&[u8], i64, i64)> {
    let (rest, start) = stored.split_last_chunk::<8>()?;
    let (key, end) = rest.split_last_chunk::<8>()?;
    Some((key, i64::from_be_bytes(*start), i64::from_be_bytes(*end)))
}

/// A value with the timestamp of the record that wrote it: 8 bytes big-endian, then the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValueAndTimestamp<'a> {
    /// The record's timestamp in milliseconds.
    pub timestamp_ms: i64,
    /// The value without the timestamp.
    pub value: &'a [u8],
}

impl<'a> ValueAndTimestamp<'a> {
    /// Bytes in front of the value.
    pub const PREFIX: usize = 8;

    /// Splits stored bytes; `None` if they are too short.
    pub fn decode(stored: &'a [u8]) -> Option<Self> {
        let (timestamp, value) = stored.split_first_chunk::<8>()?;
        Some(Self { timestamp_ms: i64::from_be_bytes(*timestamp), value })
    }

    /// Appends the stored form to `out`.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        out.reserve(Self::PREFIX + self.value.len());
        out.extend_from_slice(&self.timestamp_ms.to_be_bytes());
        out.extend_from_slice(self.value);
    }

    /// The stored form.
    pub fn encode(&self) -> SharedBytes {
        let mut out = Vec::new();
        self.encode_into(&mut out);
        out.into()
    }
}

/// The least key greater than every key that starts with `prefix`; `None` if there is none (empty, or all 0xff).
pub fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let kept = prefix.iter().rposition(|&byte| byte != 0xff)?;
    let mut end = prefix.get(..=kept)?.to_vec();
    *end.last_mut()? += 1;
    Some(end)
}

/// The least key greater than `key`.
pub fn after_key(key: &[u8]) -> Vec<u8> {
    let mut end = Vec::with_capacity(key.len() + 1);
    end.extend_from_slice(key);
    end.push(0);
    end
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn window_keys_are_key_start_sequence_big_endian() {
        let stored = window_key(b"k", 0x0102, 3);
        assert_eq!(stored, [b'k', 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 3]);
        assert_eq!(split_window_key(&stored), Some((b"k".as_slice(), 0x0102, 3)));
        assert_eq!(split_window_key(b"short"), None);
    }

    #[test]
    fn session_keys_are_key_end_start_big_endian() {
        let stored = session_key(b"k", 1, 2);
        assert_eq!(stored, [b'k', 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(split_session_key(&stored), Some((b"k".as_slice(), 1, 2)));
    }

    #[test]
    fn the_end_of_a_prefix_skips_trailing_ff() {
        assert_eq!(after_prefix(b"a\xff"), Some(b"b".to_vec()));
        assert_eq!(after_prefix(b"\xff\xff"), None);
        assert_eq!(after_prefix(b""), None);
    }

    #[test]
    fn a_timestamp_goes_before_its_value() {
        let stored = ValueAndTimestamp { timestamp_ms: 5, value: b"v" }.encode();
        assert_eq!(&*stored, [0, 0, 0, 0, 0, 0, 0, 5, b'v']);
        assert_eq!(ValueAndTimestamp::decode(&stored).unwrap().value, b"v");
    }
}
