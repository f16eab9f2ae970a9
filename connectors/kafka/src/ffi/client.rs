//! One librdkafka client, from its configuration to its end.

use super::{Config, Failure};
use crate::KafkaError;
use crate::producer::Deliveries;
use rdkafka_sys as sys;
use std::cell::RefCell;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::NonNull;
use std::time::Duration;

/// A consumer or producer instance with its threads. Neither `Send` nor `Sync`: delivery reports are served by the
/// thread that polls.
pub(crate) struct Client {
    rk: NonNull<sys::rd_kafka_t>,
    /// Where delivery reports go; librdkafka holds its address until the client is destroyed.
    deliveries: Box<RefCell<Deliveries>>,
}

/// How far a flush got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FlushState {
    /// Every record is acknowledged or has failed.
    Empty,
    /// Some are still under way.
    Waiting,
}

impl Client {
    /// A consumer that assigns its partitions itself ("simple consumer": no group).
    pub(crate) fn consumer(config: Config) -> Result<Self, KafkaError> {
        Self::new(sys::rd_kafka_type_t::RD_KAFKA_CONSUMER, config)
    }

    /// A producer whose delivery reports are gathered in [`Client::deliveries`].
    pub(crate) fn producer(config: Config) -> Result<Self, KafkaError> {
        Self::new(sys::rd_kafka_type_t::RD_KAFKA_PRODUCER, config)
    }

    fn new(kind: sys::rd_kafka_type_t, config: Config) -> Result<Self, KafkaError> {
        let deliveries = Box::new(RefCell::new(Deliveries::default()));
        let mut error: [c_char; 512] = [0; 512];
        // SAFETY: the configuration is live. The opaque pointer stays valid until `drop` has destroyed the client,
        // because the box does not move its content. Only a producer gets the callback.
        let rk = unsafe {
            let opaque: *const RefCell<Deliveries> = &raw const *deliveries;
            sys::rd_kafka_conf_set_opaque(config.conf.as_ptr(), opaque.cast_mut().cast());
            if kind == sys::rd_kafka_type_t::RD_KAFKA_PRODUCER {
                sys::rd_kafka_conf_set_dr_msg_cb(config.conf.as_ptr(), Some(on_delivery));
            }
            sys::rd_kafka_new(kind, config.conf.as_ptr(), error.as_mut_ptr(), error.len())
        };
        let Some(rk) = NonNull::new(rk) else {
            // SAFETY: the text is zero-terminated within the buffer. The configuration stays ours and is dropped.
            let reason = unsafe { CStr::from_ptr(error.as_ptr()) }
                .to_string_lossy()
                .into_owned();
            return Err(KafkaError::ClientRefused { reason });
        };
        std::mem::forget(config); // rd_kafka_new took it over
        Ok(Self { rk, deliveries })
    }

    pub(super) fn as_ptr(&self) -> *mut sys::rd_kafka_t {
        self.rk.as_ptr()
    }

    /// What delivery reports have said.
    pub(crate) fn deliveries(&self) -> &RefCell<Deliveries> {
        &self.deliveries
    }

    /// Serves delivery reports and errors, waiting up to `wait` for one.
    pub(crate) fn poll(&self, wait: Duration) {
        // SAFETY: the client is live; callbacks borrow `deliveries`, which nobody holds borrowed across a call.
        unsafe { sys::rd_kafka_poll(self.as_ptr(), millis(wait)) };
    }

    /// Sends what is queued without lingering and serves delivery reports, for at most `wait`.
    pub(crate) fn flush(&self, wait: Duration) -> FlushState {
        // SAFETY: as `poll`.
        let result = unsafe { sys::rd_kafka_flush(self.as_ptr(), millis(wait)) };
        match result {
            sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR => FlushState::Empty,
            _ => FlushState::Waiting,
        }
    }

    /// Records queued or in flight, and reports not yet served.
    pub(crate) fn outstanding(&self) -> usize {
        // SAFETY: the client is live.
        usize::try_from(unsafe { sys::rd_kafka_outq_len(self.as_ptr()) }).unwrap_or(0)
    }

    /// Drops queued records, and with `in_flight` those sent but not acknowledged; each gets a failed delivery report.
    pub(crate) fn purge(&self, in_flight: bool) {
        let in_flight = if in_flight {
            sys::RD_KAFKA_PURGE_F_INFLIGHT
        } else {
            0
        };
        // SAFETY: the client is live. The result can only say "not a producer" or "wrong flags".
        unsafe { sys::rd_kafka_purge(self.as_ptr(), sys::RD_KAFKA_PURGE_F_QUEUE | in_flight) };
    }

    /// The error that broke the client down, if one has.
    pub(crate) fn fatal_error(&self) -> Option<Failure> {
        // SAFETY: the client is live.
        unsafe { Failure::fatal_of(self.as_ptr()) }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // SAFETY: topics and queues hold an `Rc` of this client, so all of them are gone. There is no group to leave.
        unsafe {
            sys::rd_kafka_destroy_flags(self.as_ptr(), sys::RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)
        };
    }
}

/// librdkafka's time-outs are C integers of milliseconds.
pub(super) fn millis(wait: Duration) -> c_int {
    c_int::try_from(wait.as_millis()).unwrap_or(c_int::MAX)
}

/// A delivery report: the message's opaque value is its topic's number.
unsafe extern "C" fn on_delivery(
    _: *mut sys::rd_kafka_t,
    message: *const sys::rd_kafka_message_t,
    opaque: *mut c_void,
) {
    // SAFETY: `opaque` is the client's `deliveries` (see `new`), alive as long as the client. Reports are served inside
    // `poll`, `flush` and the transactional calls, on the thread that owns the client, while nobody borrows them. The
    // message is live during the call; its code is read as the integer it is in C.
    unsafe {
        let deliveries = &*opaque.cast::<RefCell<Deliveries>>();
        let code = (&raw const (*message).err).cast::<c_int>().read();
        let topic = (*message)._private as usize;
        deliveries
            .borrow_mut()
            .report(topic, (*message).partition, (*message).offset, code);
    }
}
