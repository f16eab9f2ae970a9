//! Bytes of the engine's `userData`: a version, then fields as varints and length-prefixed texts.
//!
//! The first byte is the major version: another one is refused. The second is the minor version: a newer one has only
//! appended fields, which an older reader leaves unread, so members of both versions share a group while a new build
//! is rolled out.

mod reader;
mod writer;

pub(super) use reader::Reader;
pub(super) use writer::Writer;

const MAJOR: u8 = 1;
const MINOR: u8 = 0;

/// `userData` that this build cannot read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// Nothing was there: the leader left this member out, or a foreign client is in the group.
    #[error("{what} is empty: is a client that is not Comanda in this group?")]
    Empty {
        /// What was read.
        what: &'static str,
    },
    /// Written by an incompatible build.
    #[error("{what} has format version {found}, this build reads version {MAJOR}: run one version in this group")]
    Version {
        /// What was read.
        what: &'static str,
        /// The version found.
        found: u8,
    },
    /// Not what it says it is.
    #[error("{what} is damaged at byte {at}: {reason}")]
    Damaged {
        /// What was read.
        what: &'static str,
        /// Where reading stopped.
        at: usize,
        /// What was expected.
        reason: &'static str,
    },
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::task_id::TaskId;

    #[test]
    fn numbers_at_the_edges_read_back() {
        let mut writer = Writer::new();
        [0, 127, 128, u64::MAX].into_iter().for_each(|n| writer.uint(n));
        [0, -1, i64::MIN, i64::MAX].into_iter().for_each(|n| writer.int(n));
        let bytes = writer.finish();
        let mut reader = Reader::new("numbers", &bytes).unwrap();
        assert_eq!([(); 4].map(|()| reader.uint().unwrap()), [0, 127, 128, u64::MAX]);
        assert_eq!([(); 4].map(|()| reader.int().unwrap()), [0, -1, i64::MIN, i64::MAX]);
        reader.finish().unwrap();
    }

    #[test]
    fn a_number_over_64_bits_is_damage() {
        let bytes = [&[MAJOR, MINOR][..], &[0xff; 9], &[0x02]].concat();
        let mut reader = Reader::new("number", &bytes).unwrap();
        assert!(matches!(reader.uint(), Err(CodecError::Damaged { .. })));
    }

    #[test]
    fn a_count_larger_than_the_data_is_refused_before_anything_is_allocated() {
        let mut writer = Writer::new();
        writer.uint(u64::MAX);
        let bytes = writer.finish();
        let error = Reader::new("list", &bytes).unwrap().tasks().unwrap_err();
        assert_eq!(error.to_string(), "list is damaged at byte 12: fewer items expected than bytes are left");
    }

    #[test]
    fn another_major_version_is_refused_and_a_newer_minor_one_is_read_as_far_as_known() {
        let major = Reader::new("subscription", &[2, 0]).err().unwrap();
        assert_eq!(
            major.to_string(),
            "subscription has format version 2, this build reads version 1: run one version in this group"
        );
        Reader::new("x", &[MAJOR, MINOR + 1, 42]).unwrap().finish().unwrap();
        assert!(Reader::new("x", &[MAJOR, MINOR, 42]).unwrap().finish().is_err());
    }

    #[test]
    fn a_task_named_twice_is_damage() {
        let mut writer = Writer::new();
        writer.tasks([TaskId::new(0, 1), TaskId::new(0, 1)].iter());
        let bytes = writer.finish();
        assert!(Reader::new("tasks", &bytes).unwrap().tasks().is_err());
    }
}
