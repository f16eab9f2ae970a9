//! Fetched messages: one queue for all partitions of a consumer, taken in batches.

use super::client::millis;
use super::{Client, Failure, Topic, code};
use rdkafka_sys as sys;
use std::ffi::{CStr, c_int};
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::rc::Rc;
use std::time::Duration;

/// The queue into which every started partition is fetched ("simple consumer" calls: no group, positions by hand).
///
/// Starting and stopping raise the partition's version at once, and librdkafka drops what was fetched under an older
/// one when it is taken: nothing old is ever delivered.
pub(crate) struct FetchQueue {
    queue: NonNull<sys::rd_kafka_queue_t>,
    messages: Vec<*mut sys::rd_kafka_message_t>,
    client: Rc<Client>,
}

impl FetchQueue {
    /// An empty queue.
    pub(crate) fn new(client: &Rc<Client>) -> Self {
        // SAFETY: the client is live; librdkafka aborts rather than return null.
        let queue = unsafe { sys::rd_kafka_queue_new(client.as_ptr()) };
        let queue = NonNull::new(queue).expect("rd_kafka_queue_new aborts when out of memory");
        Self { queue, messages: Vec::new(), client: client.clone() }
    }

    /// Starts to fetch `partition` at `offset`. It must not be started already.
    pub(crate) fn start(&self, topic: &Topic, partition: i32, offset: i64) -> Result<(), Failure> {
        // SAFETY: topic and queue are live handles of the same client.
        let result =
            unsafe { sys::rd_kafka_consume_start_queue(topic.as_ptr(), partition, offset, self.queue.as_ptr()) };
        if result == 0 { Ok(()) } else { Err(Failure::last()) }
    }

    /// Stops a started partition; returns when librdkafka's thread has done so.
    pub(crate) fn stop(&self, topic: &Topic, partition: i32) -> Result<(), Failure> {
        // SAFETY: the topic is a live handle.
        let result = unsafe { sys::rd_kafka_consume_stop(topic.as_ptr(), partition) };
        if result == 0 { Ok(()) } else { Err(Failure::last()) }
    }

    /// Takes what is there, at most `max` messages; waits up to `wait` for the first when nothing is.
    pub(crate) fn take(&mut self, wait: Duration, max: usize) -> Batch<'_> {
        self.messages.clear();
        self.messages.reserve(max);
        // A batch call waits its whole time-out for a full batch: take what is there, then wait for one message only.
        self.append(Duration::ZERO, max);
        if self.messages.is_empty() {
            self.client.poll(Duration::ZERO);
            if !wait.is_zero() {
                self.append(wait, 1);
                self.append(Duration::ZERO, max.saturating_sub(1));
            }
        }
        Batch { messages: &mut self.messages }
    }

    fn append(&mut self, wait: Duration, max: usize) {
        let spare = self.messages.spare_capacity_mut();
        let room = spare.len().min(max);
        if room == 0 {
            return;
        }
        // SAFETY: the queue is live and the pointer has room for `room` messages.
        let count = unsafe {
            sys::rd_kafka_consume_batch_queue(self.queue.as_ptr(), millis(wait), spare.as_mut_ptr().cast(), room)
        };
        let count = usize::try_from(count).unwrap_or(0);
        // SAFETY: librdkafka has written the first `count` of the spare slots.
        unsafe { self.messages.set_len(self.messages.len() + count) };
    }
}

impl Drop for FetchQueue {
    fn drop(&mut self) {
        // SAFETY: owned here; its client still lives.
        unsafe { sys::rd_kafka_queue_destroy(self.queue.as_ptr()) };
    }
}

/// Messages owned until the batch is dropped.
pub(crate) struct Batch<'q> {
    messages: &'q mut Vec<*mut sys::rd_kafka_message_t>,
}

impl Batch<'_> {
    /// The messages in order of arrival.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Message<'_>> {
        self.messages.iter().map(|message| Message { message: *message, batch: PhantomData })
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        for message in self.messages.drain(..) {
            // SAFETY: each message is owned by the batch and no view of it outlives the batch.
            unsafe { sys::rd_kafka_message_destroy(message) };
        }
    }
}

/// A view of one message of a batch.
#[derive(Clone, Copy)]
pub(crate) struct Message<'b> {
    message: *const sys::rd_kafka_message_t,
    batch: PhantomData<&'b ()>,
}

/// What a message stands for.
pub(crate) enum Event {
    /// A record.
    Record,
    /// The reader stands at the partition's end.
    End,
    /// The position is outside the log.
    OutOfRange,
    /// Fetching failed.
    Failed(Failure),
}

impl<'b> Message<'b> {
    /// What it stands for.
    pub(crate) fn event(&self) -> Event {
        // SAFETY: the message is live; its code is read as the integer it is in C.
        let code = unsafe { (&raw const (*self.message).err).cast::<c_int>().read() };
        match code {
            0 => Event::Record,
            code::PARTITION_EOF => Event::End,
            code::AUTO_OFFSET_RESET | code::LOG_TRUNCATION => Event::OutOfRange,
            other => Event::Failed(self.failure(other)),
        }
    }

    /// For an error message the payload is librdkafka's text.
    fn failure(&self, code: i32) -> Failure {
        let mut failure = Failure::of_code(code);
        if let Some(text) = self.value() {
            failure.text = String::from_utf8_lossy(text).into_owned();
        }
        failure
    }

    /// Its topic as [`Topic::key`] gives it; 0 for an error of the whole client.
    pub(crate) fn topic_key(&self) -> usize {
        // SAFETY: the message is live.
        unsafe { (*self.message).rkt as usize }
    }

    /// Its partition.
    pub(crate) fn partition(&self) -> i32 {
        // SAFETY: the message is live.
        unsafe { (*self.message).partition }
    }

    /// The record's offset; the next offset to read for [`Event::End`]; the refused one for [`Event::OutOfRange`].
    pub(crate) fn offset(&self) -> i64 {
        // SAFETY: the message is live.
        unsafe { (*self.message).offset }
    }

    /// Milliseconds since the epoch; -1 when the record has none.
    pub(crate) fn timestamp(&self) -> i64 {
        let mut kind = sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: the message is live; the kind is written with one of its three values.
        unsafe { sys::rd_kafka_message_timestamp(self.message, &mut kind) }
    }

    /// Key bytes.
    pub(crate) fn key(&self) -> Option<&'b [u8]> {
        // SAFETY: the message is live for 'b; key and length belong together, null is "no key".
        unsafe {
            let key = (*self.message).key;
            (!key.is_null()).then(|| std::slice::from_raw_parts(key.cast(), (*self.message).key_len))
        }
    }

    /// Value bytes.
    pub(crate) fn value(&self) -> Option<&'b [u8]> {
        // SAFETY: as `key`.
        unsafe {
            let payload = (*self.message).payload;
            (!payload.is_null()).then(|| std::slice::from_raw_parts(payload.cast(), (*self.message).len))
        }
    }

    /// Calls `each` with every header in order.
    pub(crate) fn for_each_header(&self, mut each: impl FnMut(&'b str, Option<&'b [u8]>)) {
        let mut headers = std::ptr::null_mut();
        // SAFETY: the message is live; the headers stay owned by it.
        let found = unsafe { sys::rd_kafka_message_headers(self.message, &mut headers) };
        if found != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            return; // none
        }
        for index in 0.. {
            let (mut name, mut value, mut size) = (std::ptr::null(), std::ptr::null(), 0);
            // SAFETY: the headers are live; the out-pointers are written when the index exists.
            let got = unsafe { sys::rd_kafka_header_get_all(headers, index, &mut name, &mut value, &mut size) };
            if got != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
                return; // past the last
            }
            // SAFETY: the name is zero-terminated; value and size belong together; both live as long as the message.
            let (name, value) = unsafe {
                let value = (!value.is_null()).then(|| std::slice::from_raw_parts(value.cast(), size));
                (CStr::from_ptr(name), value)
            };
            // Kafka's header names are UTF-8; another name cannot be asked for, so it is not carried on.
            if let Ok(name) = name.to_str() {
                each(name, value);
            }
        }
    }
}
