//! Writing fields.

use super::{MAJOR, MINOR};
use crate::task_id::TaskId;

/// Appends fields.
pub(in crate::membership) struct Writer(Vec<u8>);

impl Writer {
    pub(in crate::membership) fn new() -> Self {
        Self(vec![MAJOR, MINOR])
    }

    pub(in crate::membership) fn finish(self) -> Vec<u8> {
        self.0
    }

    /// Unsigned LEB128.
    pub(in crate::membership) fn uint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    /// Zigzag LEB128, for offset sums with their negative marks.
    pub(in crate::membership) fn int(&mut self, value: i64) {
        self.uint(((value << 1) ^ (value >> 63)) as u64);
    }

    pub(in crate::membership) fn flag(&mut self, value: bool) {
        self.0.push(u8::from(value));
    }

    pub(in crate::membership) fn fixed(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(in crate::membership) fn text(&mut self, text: &str) {
        self.uint(text.len() as u64);
        self.fixed(text.as_bytes());
    }

    pub(in crate::membership) fn optional_text(&mut self, text: Option<&str>) {
        self.flag(text.is_some());
        if let Some(text) = text {
            self.text(text);
        }
    }

    pub(in crate::membership) fn task(&mut self, task: TaskId) {
        self.uint(u64::from(task.sub_topology));
        self.uint(u64::from(task.partition.unsigned_abs()));
    }

    pub(in crate::membership) fn tasks<'a>(&mut self, tasks: impl ExactSizeIterator<Item = &'a TaskId>) {
        self.uint(tasks.len() as u64);
        tasks.for_each(|task| self.task(*task));
    }
}
