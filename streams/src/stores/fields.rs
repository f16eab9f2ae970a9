//! The fields of composed values in stores, as Kafka Streams writes them: big-endian numbers, bytes behind their length.

use crate::broker::Headers;
use bytes::Bytes;
use std::sync::Arc;

/// The length that stands for no value.
const NO_VALUE: i32 = -1;

fn size_of_list(entries: usize) -> i32 {
    i32::try_from(entries).expect("a record that Kafka holds is smaller than 2 GiB")
}

pub(crate) fn put_sized(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    out.extend_from_slice(&bytes.map_or(NO_VALUE, |bytes| size_of_list(bytes.len())).to_be_bytes());
    out.extend_from_slice(bytes.unwrap_or_default());
}

pub(crate) fn take_int(rest: &mut &[u8]) -> Option<i32> {
    let (bytes, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(i32::from_be_bytes(*bytes))
}

pub(crate) fn take_long(rest: &mut &[u8]) -> Option<i64> {
    let (bytes, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(i64::from_be_bytes(*bytes))
}

/// `Some(None)` is a value that is not there.
pub(crate) fn take_sized<'a>(rest: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    let length = take_int(rest)?;
    if length == NO_VALUE {
        return Some(None);
    }
    let (bytes, after) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    *rest = after;
    Some(Some(bytes))
}

/// How many there are, then names and values (`ProcessorRecordContext.serialize`).
pub(crate) fn put_headers(out: &mut Vec<u8>, headers: &Headers) {
    out.extend_from_slice(&size_of_list(headers.iter().count()).to_be_bytes());
    for (name, value) in headers.iter() {
        put_sized(out, Some(name.as_bytes()));
        put_sized(out, value);
    }
}

pub(crate) fn take_headers(rest: &mut &[u8]) -> Option<Headers> {
    let mut headers = vec![];
    for _ in 0..take_int(rest)? {
        let name: Arc<str> = std::str::from_utf8(take_sized(rest)??).ok()?.into();
        headers.push((name, take_sized(rest)?.map(Bytes::copy_from_slice)));
    }
    Some(Headers::new(headers))
}
