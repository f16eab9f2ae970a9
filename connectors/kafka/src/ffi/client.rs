//! One librdkafka client, from its configuration to its end.

use super::{Config, Failure, failure};
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
    /// Where callbacks report; librdkafka holds its address until the client is destroyed.
    reports: Box<Reports>,
}

/// What callbacks have said, in the order of the fields' readers: the producer, the consumer.
#[derive(Default)]
struct Reports {
    deliveries: RefCell<Deliveries>,
    topic_failures: RefCell<Vec<Failure>>,
    refusal: RefCell<Option<Failure>>,
}

/// Failed topics remembered at once: as long as nobody asks, more of them are no news.
const MAX_TOPIC_FAILURES: usize = 64;

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
        let reports = Box::new(Reports::default());
        let mut error: [c_char; 512] = [0; 512];
        // SAFETY: the configuration is live. The opaque pointer stays valid until `drop` has destroyed the client,
        // because the box does not move its content. Only a producer gets the callback.
        let rk = unsafe {
            let opaque: *const Reports = &raw const *reports;
            sys::rd_kafka_conf_set_opaque(config.conf.as_ptr(), opaque.cast_mut().cast());
            sys::rd_kafka_conf_set_error_cb(config.conf.as_ptr(), Some(on_error));
            if kind == sys::rd_kafka_type_t::RD_KAFKA_PRODUCER {
                sys::rd_kafka_conf_set_dr_msg_cb(config.conf.as_ptr(), Some(on_delivery));
            }
            sys::rd_kafka_new(kind, config.conf.as_ptr(), error.as_mut_ptr(), error.len())
        };
        let Some(rk) = NonNull::new(rk) else {
            // SAFETY: the text is zero-terminated within the buffer. The configuration stays ours and is dropped.
            let reason = unsafe { CStr::from_ptr(error.as_ptr()) }.to_string_lossy().into_owned();
            return Err(KafkaError::ClientRefused { reason });
        };
        std::mem::forget(config); // rd_kafka_new took it over
        Ok(Self { rk, reports })
    }

    pub(super) fn as_ptr(&self) -> *mut sys::rd_kafka_t {
        self.rk.as_ptr()
    }

    /// What delivery reports have said.
    pub(crate) fn deliveries(&self) -> &RefCell<Deliveries> {
        &self.reports.deliveries
    }

    /// Takes the failures of topics that a consumer reads: missing, or forbidden. Each text begins with
    /// `topic [partition]:`.
    pub(crate) fn take_topic_failures(&self) -> Vec<Failure> {
        self.reports.topic_failures.take()
    }

    /// Takes the newest answer of a broker that does not accept who we are. librdkafka goes on trying: a call that waits for
    /// the connection only times out.
    pub(crate) fn take_refusal(&self) -> Option<Failure> {
        self.poll(Duration::ZERO);
        self.reports.refusal.take()
    }

    /// Serves delivery reports and errors, waiting up to `wait` for one.
    pub(crate) fn poll(&self, wait: Duration) {
        // SAFETY: the client is live; callbacks borrow `reports`, which nobody holds borrowed across a call.
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

    /// Drops records queued and in flight; each gets a failed delivery report. Leaves a gap in an idempotent producer's
    /// sequence numbers: for one that is not used any more.
    pub(crate) fn purge(&self) {
        // SAFETY: the client is live. The result can only say "not a producer" or "wrong flags".
        unsafe { sys::rd_kafka_purge(self.as_ptr(), sys::RD_KAFKA_PURGE_F_QUEUE | sys::RD_KAFKA_PURGE_F_INFLIGHT) };
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
        unsafe { sys::rd_kafka_destroy_flags(self.as_ptr(), sys::RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE) };
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
    // SAFETY: `opaque` is the client's `reports` (see `new`), alive as long as the client. Callbacks are served inside
    // `poll`, `flush`, `take` and the transactional calls, on the thread that owns the client, while nobody borrows it.
    // The message is live during the call; its code is read as the integer it is in C.
    unsafe {
        let reports = &*opaque.cast::<Reports>();
        let code = (&raw const (*message).err).cast::<c_int>().read();
        let topic = (*message)._private as usize;
        let (partition, offset) = ((*message).partition, (*message).offset);
        reports.deliveries.borrow_mut().report(topic, partition, offset, code);
    }
}

/// An error outside any call: a topic's is kept for its reader, a broker's is a line in the log (librdkafka goes on
/// trying, and calls that wait for it time out).
unsafe extern "C" fn on_error(_: *mut sys::rd_kafka_t, code: c_int, text: *const c_char, opaque: *mut c_void) {
    // SAFETY: as `on_delivery`; the text is zero-terminated.
    let (reports, text) = unsafe { (&*opaque.cast::<Reports>(), CStr::from_ptr(text).to_string_lossy().into_owned()) };
    if !failure::is_of_topic(code) {
        if code == failure::code::AUTHENTICATION {
            reports.refusal.replace(Some(Failure { text: text.clone(), ..Failure::of_code(code) }));
        }
        tracing::warn!(target: "librdkafka", code, "{text}");
        return;
    }
    let mut failures = reports.topic_failures.borrow_mut();
    if failures.len() < MAX_TOPIC_FAILURES {
        failures.push(Failure { text, ..Failure::of_code(code) });
    }
}
