//! Bytes of the engine's `userData`: a version, then fields as varints and length-prefixed texts.
//!
//! The first byte is the major version: another one is refused. The second is the minor version: a newer one has only
//! appended fields, which an older reader leaves unread, so members of both versions share a group while a new build
//! is rolled out.

use crate::task_id::TaskId;
use std::collections::BTreeSet;

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
    #[error(
        "{what} has format version {found}, this build reads version {MAJOR}: run one version in this group"
    )]
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

/// Appends fields.
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn new() -> Self {
        Self(vec![MAJOR, MINOR])
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }

    /// Unsigned LEB128.
    pub(super) fn uint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    /// Zigzag LEB128, for offset sums with their negative marks.
    pub(super) fn int(&mut self, value: i64) {
        self.uint(((value << 1) ^ (value >> 63)) as u64);
    }

    pub(super) fn flag(&mut self, value: bool) {
        self.0.push(u8::from(value));
    }

    pub(super) fn fixed(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn text(&mut self, text: &str) {
        self.uint(text.len() as u64);
        self.fixed(text.as_bytes());
    }

    pub(super) fn optional_text(&mut self, text: Option<&str>) {
        self.flag(text.is_some());
        if let Some(text) = text {
            self.text(text);
        }
    }

    pub(super) fn task(&mut self, task: TaskId) {
        self.uint(u64::from(task.sub_topology));
        self.uint(u64::from(task.partition.unsigned_abs()));
    }

    pub(super) fn tasks<'a>(&mut self, tasks: impl ExactSizeIterator<Item = &'a TaskId>) {
        self.uint(tasks.len() as u64);
        tasks.for_each(|task| self.task(*task));
    }
}

/// Reads fields; every failure names the place. Never allocates more than the input's length.
pub(super) struct Reader<'a> {
    what: &'static str,
    bytes: &'a [u8],
    at: usize,
    minor: u8,
}

impl<'a> Reader<'a> {
    pub(super) fn new(what: &'static str, bytes: &'a [u8]) -> Result<Self, CodecError> {
        if bytes.is_empty() {
            return Err(CodecError::Empty { what });
        }
        let mut reader = Self {
            what,
            bytes,
            at: 0,
            minor: 0,
        };
        let major = reader.byte()?;
        if major != MAJOR {
            return Err(CodecError::Version { what, found: major });
        }
        reader.minor = reader.byte()?;
        Ok(reader)
    }

    /// Ends reading: bytes may only be left over from a newer minor version.
    pub(super) fn finish(self) -> Result<(), CodecError> {
        if self.at < self.bytes.len() && self.minor <= MINOR {
            return Err(self.damaged("end of data expected"));
        }
        Ok(())
    }

    fn damaged(&self, reason: &'static str) -> CodecError {
        CodecError::Damaged {
            what: self.what,
            at: self.at,
            reason,
        }
    }

    fn byte(&mut self) -> Result<u8, CodecError> {
        Ok(self.fixed::<1>()?[0])
    }

    pub(super) fn fixed<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        let taken = self.bytes[self.at..]
            .first_chunk::<N>()
            .ok_or_else(|| self.damaged("more bytes expected"))?;
        self.at += N;
        Ok(*taken)
    }

    pub(super) fn uint(&mut self) -> Result<u64, CodecError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.damaged("a number of at most 64 bits expected"))
    }

    pub(super) fn int(&mut self) -> Result<i64, CodecError> {
        let raw = self.uint()?;
        Ok((raw >> 1) as i64 ^ -((raw & 1) as i64))
    }

    pub(super) fn flag(&mut self) -> Result<bool, CodecError> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.damaged("a flag of 0 or 1 expected")),
        }
    }

    /// A count of items that take at least one byte each.
    pub(super) fn count(&mut self) -> Result<usize, CodecError> {
        let count = self.uint()?;
        let left = (self.bytes.len() - self.at) as u64;
        if count > left {
            return Err(self.damaged("fewer items expected than bytes are left"));
        }
        Ok(count as usize)
    }

    pub(super) fn text(&mut self) -> Result<String, CodecError> {
        let length = self.count()?;
        let bytes = &self.bytes[self.at..self.at + length];
        let text = std::str::from_utf8(bytes).map_err(|_| self.damaged("UTF-8 text expected"))?;
        self.at += length;
        Ok(text.to_owned())
    }

    pub(super) fn optional_text(&mut self) -> Result<Option<String>, CodecError> {
        if self.flag()? {
            self.text().map(Some)
        } else {
            Ok(None)
        }
    }

    pub(super) fn task(&mut self) -> Result<TaskId, CodecError> {
        let sub_topology = u32::try_from(self.uint()?)
            .map_err(|_| self.damaged("a sub-topology number expected"))?;
        let partition =
            i32::try_from(self.uint()?).map_err(|_| self.damaged("a partition number expected"))?;
        Ok(TaskId::new(sub_topology, partition))
    }

    /// Items with a task each, tasks strictly ascending as they were written: a cheap check against garbage.
    pub(super) fn by_task<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, CodecError>,
    ) -> Result<Vec<(TaskId, T)>, CodecError> {
        let mut items: Vec<(TaskId, T)> = Vec::new();
        for _ in 0..self.count()? {
            let task = self.task()?;
            if items.last().is_some_and(|(last, _)| *last >= task) {
                return Err(self.damaged("tasks in ascending order expected"));
            }
            items.push((task, item(self)?));
        }
        Ok(items)
    }

    /// One of `names`, by its number.
    pub(super) fn pick(&mut self, names: &[String]) -> Result<String, CodecError> {
        let number = self.uint()?;
        let name = usize::try_from(number)
            .ok()
            .and_then(|number| names.get(number));
        name.cloned()
            .ok_or_else(|| self.damaged("the number of a listed name expected"))
    }

    /// Any number of items, one after the other.
    pub(super) fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, CodecError>,
    ) -> Result<Vec<T>, CodecError> {
        (0..self.count()?).map(|_| item(self)).collect()
    }

    pub(super) fn tasks(&mut self) -> Result<BTreeSet<TaskId>, CodecError> {
        Ok(self
            .by_task(|_| Ok(()))?
            .into_iter()
            .map(|(task, ())| task)
            .collect())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn numbers_at_the_edges_read_back() {
        let mut writer = Writer::new();
        [0, 127, 128, u64::MAX]
            .into_iter()
            .for_each(|n| writer.uint(n));
        [0, -1, i64::MIN, i64::MAX]
            .into_iter()
            .for_each(|n| writer.int(n));
        let bytes = writer.finish();
        let mut reader = Reader::new("numbers", &bytes).unwrap();
        assert_eq!(
            [(); 4].map(|()| reader.uint().unwrap()),
            [0, 127, 128, u64::MAX]
        );
        assert_eq!(
            [(); 4].map(|()| reader.int().unwrap()),
            [0, -1, i64::MIN, i64::MAX]
        );
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
        assert_eq!(
            error.to_string(),
            "list is damaged at byte 12: fewer items expected than bytes are left"
        );
    }

    #[test]
    fn another_major_version_is_refused_and_a_newer_minor_one_is_read_as_far_as_known() {
        let major = Reader::new("subscription", &[2, 0]).err().unwrap();
        assert_eq!(
            major.to_string(),
            "subscription has format version 2, this build reads version 1: run one version in this group"
        );
        Reader::new("x", &[MAJOR, MINOR + 1, 42])
            .unwrap()
            .finish()
            .unwrap();
        assert!(
            Reader::new("x", &[MAJOR, MINOR, 42])
                .unwrap()
                .finish()
                .is_err()
        );
    }

    #[test]
    fn a_task_named_twice_is_damage() {
        let mut writer = Writer::new();
        writer.tasks([TaskId::new(0, 1), TaskId::new(0, 1)].iter());
        let bytes = writer.finish();
        assert!(Reader::new("tasks", &bytes).unwrap().tasks().is_err());
    }
}
