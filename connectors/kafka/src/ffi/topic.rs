//! A topic handle: what librdkafka asks for instead of a name.

use super::{Client, Failure};
use rdkafka_sys as sys;
use std::ffi::CString;
use std::ptr::NonNull;
use std::rc::Rc;

/// A topic of one client.
pub(crate) struct Topic {
    rkt: NonNull<sys::rd_kafka_topic_t>,
    /// Dropped after the handle.
    _client: Rc<Client>,
}

impl Topic {
    /// A handle with the client's default topic settings; the topic need not exist yet.
    pub(crate) fn new(client: &Rc<Client>, name: &str) -> Result<Self, Failure> {
        let c_name = CString::new(name).map_err(|_| Failure::of_code(super::code::UNKNOWN_TOPIC))?;
        // SAFETY: the client is live, the name zero-terminated; a null configuration takes the client's default.
        let rkt = unsafe { sys::rd_kafka_topic_new(client.as_ptr(), c_name.as_ptr(), std::ptr::null_mut()) };
        let rkt = NonNull::new(rkt).ok_or_else(Failure::last)?;
        Ok(Self { rkt, _client: client.clone() })
    }

    pub(super) fn as_ptr(&self) -> *mut sys::rd_kafka_topic_t {
        self.rkt.as_ptr()
    }

    /// A number that names the topic among its client's, for comparing with [`super::Message::topic_key`].
    pub(crate) fn key(&self) -> usize {
        self.as_ptr() as usize
    }
}

impl Drop for Topic {
    fn drop(&mut self) {
        // SAFETY: the handle is owned here and its client still lives.
        unsafe { sys::rd_kafka_topic_destroy(self.as_ptr()) };
    }
}
