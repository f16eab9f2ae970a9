//! One record into the producer's queue, by topic handle.

use super::{Client, Failure, Topic, code};
use comanda_streams::broker::Headers;
use rdkafka_sys as sys;
use std::ffi::{c_int, c_void};

/// A record on its way out. librdkafka copies key and value.
pub(crate) struct Outgoing<'a> {
    /// Its topic.
    pub(crate) topic: &'a Topic,
    /// The topic's number, which comes back with the delivery report.
    pub(crate) topic_number: usize,
    /// `None`: librdkafka picks one.
    pub(crate) partition: Option<i32>,
    /// Milliseconds since the epoch, not 0 (which librdkafka takes for "now").
    pub(crate) timestamp: i64,
    /// Key.
    pub(crate) key: Option<&'a [u8]>,
    /// Value.
    pub(crate) value: Option<&'a [u8]>,
    /// Headers.
    pub(crate) headers: &'a Headers,
}

/// `RD_KAFKA_PARTITION_UA`: unassigned.
const ANY_PARTITION: i32 = -1;

type Argument = sys::rd_kafka_vu_t;
type Content = sys::rd_kafka_vu_s__bindgen_ty_1;
type Kind = sys::rd_kafka_vtype_t;

impl Client {
    /// Queues a record.
    ///
    /// # Errors
    /// [`code::QUEUE_FULL`] when the buffer is full; Kafka's MESSAGE_TOO_LARGE (10); unknown topic or partition.
    pub(crate) fn produce(&self, record: &Outgoing<'_>) -> Result<(), Failure> {
        let headers = native_headers(record.headers)?;
        let arguments = record.arguments(headers);
        // Headers come last, so that they can be left away: an empty list costs as much as a full one.
        let count = if headers.is_null() { arguments.len() - 1 } else { arguments.len() };
        // SAFETY: client and topic are live; key and value live during the call, which copies them; each argument's
        // content is the one that its kind reads. The returned error is owned.
        let result = unsafe { Failure::check(sys::rd_kafka_produceva(self.as_ptr(), arguments.as_ptr(), count)) };
        if result.is_err() && !headers.is_null() {
            // SAFETY: librdkafka takes the headers over only on success.
            unsafe { sys::rd_kafka_headers_destroy(headers) };
        }
        result
    }
}

impl Outgoing<'_> {
    /// The record as librdkafka's tagged arguments.
    fn arguments(&self, headers: *mut sys::rd_kafka_headers_t) -> [Argument; 8] {
        [
            argument(Kind::RD_KAFKA_VTYPE_RKT, Content { rkt: self.topic.as_ptr() }),
            argument(Kind::RD_KAFKA_VTYPE_PARTITION, Content { i32_: self.partition.unwrap_or(ANY_PARTITION) }),
            argument(Kind::RD_KAFKA_VTYPE_MSGFLAGS, Content { i: sys::RD_KAFKA_MSG_F_COPY as c_int }),
            argument(Kind::RD_KAFKA_VTYPE_TIMESTAMP, Content { i64_: self.timestamp }),
            argument(Kind::RD_KAFKA_VTYPE_KEY, bytes(self.key)),
            argument(Kind::RD_KAFKA_VTYPE_VALUE, bytes(self.value)),
            argument(Kind::RD_KAFKA_VTYPE_OPAQUE, Content { ptr: self.topic_number as *mut c_void }),
            argument(Kind::RD_KAFKA_VTYPE_HEADERS, Content { headers }),
        ]
    }
}

fn argument(vtype: Kind, u: Content) -> Argument {
    Argument { vtype, u }
}

/// Null stands for Kafka's null; an empty slice has a pointer that is not null.
fn bytes(slice: Option<&[u8]>) -> Content {
    let (ptr, size) = slice.map_or((std::ptr::null(), 0), |bytes| (bytes.as_ptr(), bytes.len()));
    Content { mem: sys::rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1 { ptr: ptr.cast_mut().cast(), size } }
}

/// A librdkafka copy of `headers`, null when there are none.
fn native_headers(headers: &Headers) -> Result<*mut sys::rd_kafka_headers_t, Failure> {
    if headers.is_empty() {
        return Ok(std::ptr::null_mut());
    }
    // SAFETY: makes a fresh list.
    let list = unsafe { sys::rd_kafka_headers_new(headers.iter().count()) };
    for (name, value) in headers.iter() {
        let (value, size) = value.map_or((std::ptr::null(), 0), |bytes| (bytes.as_ptr(), bytes.len()));
        // SAFETY: the list is live; names and values are copied, with their lengths given.
        let added = unsafe {
            sys::rd_kafka_header_add(list, name.as_ptr().cast(), name.len() as isize, value.cast(), size as isize)
        };
        if added != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            // SAFETY: the list is ours.
            unsafe { sys::rd_kafka_headers_destroy(list) };
            return Err(Failure { text: format!("header {name} refused"), ..Failure::of_code(code::FATAL) });
        }
    }
    Ok(list)
}
