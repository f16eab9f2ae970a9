//! Reading fields, with errors that name the place.

use super::{CodecError, MAJOR, MINOR};
use crate::task_id::TaskId;
use std::collections::BTreeSet;

/// Reads fields; every failure names the place. Never allocates more than the input's length.
pub(in crate::membership) struct Reader<'a> {
    what: &'static str,
    bytes: &'a [u8],
    at: usize,
    /// Written with a newer minor version: fields may follow that are not known here.
    is_newer: bool,
}

impl<'a> Reader<'a> {
    pub(in crate::membership) fn new(what: &'static str, bytes: &'a [u8]) -> Result<Self, CodecError> {
        if bytes.is_empty() {
            return Err(CodecError::Empty { what });
        }
        let mut reader = Self { what, bytes, at: 0, is_newer: false };
        let major = reader.byte()?;
        if major != MAJOR {
            return Err(CodecError::Version { what, found: major });
        }
        reader.is_newer = reader.byte()? > MINOR;
        Ok(reader)
    }

    /// Ends reading: bytes may only be left over from a newer minor version.
    pub(in crate::membership) fn finish(self) -> Result<(), CodecError> {
        if self.at < self.bytes.len() && !self.is_newer {
            return Err(self.damaged("end of data expected"));
        }
        Ok(())
    }

    fn damaged(&self, reason: &'static str) -> CodecError {
        CodecError::Damaged { what: self.what, at: self.at, reason }
    }

    fn byte(&mut self) -> Result<u8, CodecError> {
        Ok(self.fixed::<1>()?[0])
    }

    pub(in crate::membership) fn fixed<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        let taken = self.bytes[self.at..].first_chunk::<N>().ok_or_else(|| self.damaged("more bytes expected"))?;
        self.at += N;
        Ok(*taken)
    }

    pub(in crate::membership) fn uint(&mut self) -> Result<u64, CodecError> {
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

    pub(in crate::membership) fn int(&mut self) -> Result<i64, CodecError> {
        let raw = self.uint()?;
        Ok((raw >> 1) as i64 ^ -((raw & 1) as i64))
    }

    pub(in crate::membership) fn flag(&mut self) -> Result<bool, CodecError> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.damaged("a flag of 0 or 1 expected")),
        }
    }

    /// A count of items that take at least one byte each.
    pub(in crate::membership) fn count(&mut self) -> Result<usize, CodecError> {
        let count = self.uint()?;
        let left = (self.bytes.len() - self.at) as u64;
        if count > left {
            return Err(self.damaged("fewer items expected than bytes are left"));
        }
        Ok(count as usize)
    }

    pub(in crate::membership) fn text(&mut self) -> Result<String, CodecError> {
        let length = self.count()?;
        let bytes = &self.bytes[self.at..self.at + length];
        let text = std::str::from_utf8(bytes).map_err(|_| self.damaged("UTF-8 text expected"))?;
        self.at += length;
        Ok(text.to_owned())
    }

    pub(in crate::membership) fn optional_text(&mut self) -> Result<Option<String>, CodecError> {
        if self.flag()? { self.text().map(Some) } else { Ok(None) }
    }

    pub(in crate::membership) fn task(&mut self) -> Result<TaskId, CodecError> {
        let sub_topology = u32::try_from(self.uint()?).map_err(|_| self.damaged("a sub-topology number expected"))?;
        let partition = i32::try_from(self.uint()?).map_err(|_| self.damaged("a partition number expected"))?;
        Ok(TaskId::new(sub_topology, partition))
    }

    /// Items with a task each, tasks strictly ascending as they were written: a cheap check against garbage.
    pub(in crate::membership) fn by_task<T>(
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
    pub(in crate::membership) fn pick(&mut self, names: &[String]) -> Result<String, CodecError> {
        let number = self.uint()?;
        let name = usize::try_from(number).ok().and_then(|number| names.get(number));
        name.cloned().ok_or_else(|| self.damaged("the number of a listed name expected"))
    }

    /// Any number of items, one after the other.
    pub(in crate::membership) fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, CodecError>,
    ) -> Result<Vec<T>, CodecError> {
        (0..self.count()?).map(|_| item(self)).collect()
    }

    pub(in crate::membership) fn tasks(&mut self) -> Result<BTreeSet<TaskId>, CodecError> {
        Ok(self.by_task(|_| Ok(()))?.into_iter().map(|(task, ())| task).collect())
    }
}
