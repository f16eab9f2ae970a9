//! A failed librdkafka call, copied out of its `rd_kafka_error_t`.

use rdkafka_sys as sys;
use std::ffi::{CStr, c_char, c_int};

/// librdkafka's own error codes (negative) that are told apart; positive ones are Kafka's.
pub(crate) mod code {
    /// Broker connection lost.
    pub(crate) const TRANSPORT: i32 = -195;
    /// Host name not resolved.
    pub(crate) const RESOLVE: i32 = -193;
    /// A record was not acknowledged within `message.timeout.ms`.
    pub(crate) const MSG_TIMED_OUT: i32 = -192;
    /// End of a partition reached.
    pub(crate) const PARTITION_EOF: i32 = -191;
    /// The topic has no such partition.
    pub(crate) const UNKNOWN_PARTITION: i32 = -190;
    /// No such topic.
    pub(crate) const UNKNOWN_TOPIC: i32 = -188;
    /// No broker reachable.
    pub(crate) const ALL_BROKERS_DOWN: i32 = -187;
    /// Call timed out.
    pub(crate) const TIMED_OUT: i32 = -185;
    /// The producer's buffer is full.
    pub(crate) const QUEUE_FULL: i32 = -184;
    /// No coordinator known yet.
    pub(crate) const WAIT_COORD: i32 = -180;
    /// The same call is still under way.
    pub(crate) const PREV_IN_PROGRESS: i32 = -177;
    /// Request timed out in the client's queue.
    pub(crate) const TIMED_OUT_QUEUE: i32 = -166;
    /// The broker does not accept who we are.
    pub(crate) const AUTHENTICATION: i32 = -169;
    /// Call again.
    pub(crate) const RETRY: i32 = -153;
    /// Record dropped from the queue by a purge.
    pub(crate) const PURGE_QUEUE: i32 = -152;
    /// Record dropped in flight by a purge.
    pub(crate) const PURGE_INFLIGHT: i32 = -151;
    /// The client broke down; the cause is in its fatal error.
    pub(crate) const FATAL: i32 = -150;
    /// A newer producer has the transactional id.
    pub(crate) const FENCED: i32 = -144;
    /// Out of range, and `auto.offset.reset` is `error`.
    pub(crate) const AUTO_OFFSET_RESET: i32 = -140;
    /// The log was truncated below the position (KIP-320).
    pub(crate) const LOG_TRUNCATION: i32 = -139;
}

/// What librdkafka said about a failed call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// Its own code (negative, see [`code`]) or Kafka's (positive).
    pub(crate) code: i32,
    /// Its words.
    pub(crate) text: String,
    /// The call may be repeated.
    pub(crate) retriable: bool,
    /// The transaction must be aborted; the producer stays usable.
    pub(crate) abortable: bool,
    /// The client cannot be used any more.
    pub(crate) fatal: bool,
}

// The generated bindings return error codes as a Rust enum, for which a code that a newer broker may send is undefined
// behaviour. These declarations return the integer that C returns.
#[allow(clashing_extern_declarations)]
mod raw {
    use super::{c_char, c_int, sys};
    unsafe extern "C" {
        pub(super) fn rd_kafka_error_code(error: *const sys::rd_kafka_error_t) -> c_int;
        pub(super) fn rd_kafka_err2str(code: c_int) -> *const c_char;
        pub(super) fn rd_kafka_last_error() -> c_int;
        pub(super) fn rd_kafka_fatal_error(rk: *mut sys::rd_kafka_t, text: *mut c_char, size: usize) -> c_int;
    }
}

impl Failure {
    /// A failure known by its code only.
    pub(crate) fn of_code(code: i32) -> Self {
        Self { code, text: describe(code), retriable: false, abortable: false, fatal: false }
    }

    /// The calling thread's last error, for the calls that report it so.
    pub(super) fn last() -> Self {
        // SAFETY: reads a thread-local integer.
        Self::of_code(unsafe { raw::rd_kafka_last_error() })
    }

    /// Takes over a returned error; null is success.
    ///
    /// # Safety
    /// `error` is null or an error that the caller owns; it is destroyed.
    pub(super) unsafe fn check(error: *mut sys::rd_kafka_error_t) -> Result<(), Failure> {
        if error.is_null() {
            return Ok(());
        }
        // SAFETY: `error` is a live error (contract), read before it is destroyed once.
        let failure = unsafe {
            let failure = Failure {
                code: raw::rd_kafka_error_code(error),
                text: CStr::from_ptr(sys::rd_kafka_error_string(error)).to_string_lossy().into_owned(),
                retriable: sys::rd_kafka_error_is_retriable(error) != 0,
                abortable: sys::rd_kafka_error_txn_requires_abort(error) != 0,
                fatal: sys::rd_kafka_error_is_fatal(error) != 0,
            };
            sys::rd_kafka_error_destroy(error);
            failure
        };
        Err(failure)
    }

    /// The error that broke the client down, if one has.
    ///
    /// # Safety
    /// `rk` is a live client.
    pub(super) unsafe fn fatal_of(rk: *mut sys::rd_kafka_t) -> Option<Self> {
        let mut text: [c_char; 512] = [0; 512];
        // SAFETY: `rk` is live (contract); the buffer's true size is passed, and librdkafka ends the text with a zero.
        let code = unsafe { raw::rd_kafka_fatal_error(rk, text.as_mut_ptr(), text.len()) };
        if code == 0 {
            return None;
        }
        // SAFETY: zero-terminated within the buffer, as above.
        let text = unsafe { CStr::from_ptr(text.as_ptr()) }.to_string_lossy().into_owned();
        Some(Self { code, text, retriable: false, abortable: false, fatal: true })
    }
}

/// Whether an error outside any call is about a topic: missing, without that partition, or forbidden.
pub(super) fn is_of_topic(code: i32) -> bool {
    const UNKNOWN_TOPIC_OR_PARTITION: i32 = 3;
    const INVALID_TOPIC: i32 = 17;
    const TOPIC_AUTHORIZATION_FAILED: i32 = 29;
    matches!(
        code,
        code::UNKNOWN_TOPIC
            | code::UNKNOWN_PARTITION
            | UNKNOWN_TOPIC_OR_PARTITION
            | INVALID_TOPIC
            | TOPIC_AUTHORIZATION_FAILED
    )
}

fn describe(code: i32) -> String {
    // SAFETY: takes any integer and returns a static (for unknown codes: thread-local) string.
    unsafe { CStr::from_ptr(raw::rd_kafka_err2str(code)) }.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_those_of_the_bindings() {
        use sys::rd_kafka_resp_err_t as R;
        let pairs = [
            (code::TRANSPORT, R::RD_KAFKA_RESP_ERR__TRANSPORT as i32),
            (code::RESOLVE, R::RD_KAFKA_RESP_ERR__RESOLVE as i32),
            (code::MSG_TIMED_OUT, R::RD_KAFKA_RESP_ERR__MSG_TIMED_OUT as i32),
            (code::PARTITION_EOF, R::RD_KAFKA_RESP_ERR__PARTITION_EOF as i32),
            (code::UNKNOWN_PARTITION, R::RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION as i32),
            (code::UNKNOWN_TOPIC, R::RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC as i32),
            (code::ALL_BROKERS_DOWN, R::RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN as i32),
            (code::TIMED_OUT, R::RD_KAFKA_RESP_ERR__TIMED_OUT as i32),
            (code::QUEUE_FULL, R::RD_KAFKA_RESP_ERR__QUEUE_FULL as i32),
            (code::WAIT_COORD, R::RD_KAFKA_RESP_ERR__WAIT_COORD as i32),
            (code::PREV_IN_PROGRESS, R::RD_KAFKA_RESP_ERR__PREV_IN_PROGRESS as i32),
            (code::TIMED_OUT_QUEUE, R::RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE as i32),
            (code::RETRY, R::RD_KAFKA_RESP_ERR__RETRY as i32),
            (code::PURGE_QUEUE, R::RD_KAFKA_RESP_ERR__PURGE_QUEUE as i32),
            (code::PURGE_INFLIGHT, R::RD_KAFKA_RESP_ERR__PURGE_INFLIGHT as i32),
            (code::FATAL, R::RD_KAFKA_RESP_ERR__FATAL as i32),
            (code::FENCED, R::RD_KAFKA_RESP_ERR__FENCED as i32),
            (code::AUTO_OFFSET_RESET, R::RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET as i32),
            (code::LOG_TRUNCATION, R::RD_KAFKA_RESP_ERR__LOG_TRUNCATION as i32),
        ];
        assert!(pairs.iter().all(|(ours, theirs)| ours == theirs), "{pairs:?}");
    }

    #[test]
    fn a_code_unknown_to_librdkafka_is_described_without_trouble() {
        assert!(!Failure::of_code(31_000).text.is_empty());
    }
}
