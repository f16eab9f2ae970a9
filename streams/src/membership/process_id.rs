//! The identity of a process, or rather of its state directory.

use std::fmt;

/// A UUID kept in the state directory: all threads that share the directory share it, and it survives restarts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProcessId(pub [u8; 16]);

impl fmt::Display for ProcessId {
    /// As UUIDs are written: 8-4-4-4-12 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_prints_as_a_uuid() {
        assert_eq!(ProcessId([0xab; 16]).to_string(), "abababab-abab-abab-abab-abababababab");
    }
}
