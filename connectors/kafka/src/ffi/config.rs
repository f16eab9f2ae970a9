//! A librdkafka configuration under construction.

use crate::KafkaError;
use crate::settings::shown;
use rdkafka_sys as sys;
use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr::NonNull;

/// A configuration; becomes a client's.
pub(crate) struct Config {
    pub(super) conf: NonNull<sys::rd_kafka_conf_t>,
}

impl Config {
    /// Sets each of `settings` in order (later ones win).
    ///
    /// # Errors
    /// [`KafkaError::UnknownSetting`] and [`KafkaError::InvalidSetting`], naming the key.
    pub(crate) fn new(settings: &[(String, String)]) -> Result<Self, KafkaError> {
        // SAFETY: makes a fresh configuration; librdkafka aborts rather than return null.
        let conf = unsafe { sys::rd_kafka_conf_new() };
        let mut config = Self { conf: NonNull::new(conf).expect("rd_kafka_conf_new aborts when out of memory") };
        for (key, value) in settings {
            config.set(key, value)?;
        }
        // SAFETY: the configuration is live; the callback keeps no state.
        unsafe { sys::rd_kafka_conf_set_log_cb(conf, Some(log)) };
        Ok(config)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), KafkaError> {
        let invalid = |reason: String| KafkaError::InvalidSetting {
            key: key.to_owned(),
            value: shown(key, value).to_owned(),
            reason,
        };
        let (Ok(name), Ok(text)) = (CString::new(key), CString::new(value)) else {
            return Err(invalid("it contains a zero byte".to_owned()));
        };
        let mut error: [c_char; 512] = [0; 512];
        // SAFETY: all pointers are live for the call; the buffer's true size is passed and its text zero-terminated.
        let (result, reason) = unsafe {
            let result = sys::rd_kafka_conf_set(
                self.conf.as_ptr(),
                name.as_ptr(),
                text.as_ptr(),
                error.as_mut_ptr(),
                error.len(),
            );
            (result, CStr::from_ptr(error.as_ptr()).to_string_lossy().into_owned())
        };
        match result {
            sys::rd_kafka_conf_res_t::RD_KAFKA_CONF_OK => Ok(()),
            sys::rd_kafka_conf_res_t::RD_KAFKA_CONF_UNKNOWN => Err(KafkaError::UnknownSetting { key: key.to_owned() }),
            sys::rd_kafka_conf_res_t::RD_KAFKA_CONF_INVALID => Err(invalid(reason)),
        }
    }
}

impl Drop for Config {
    fn drop(&mut self) {
        // SAFETY: owned here; a client that took it over forgets this value first.
        unsafe { sys::rd_kafka_conf_destroy(self.conf.as_ptr()) };
    }
}

// Syslog's levels, as librdkafka uses them.
const SYSLOG_ERROR: c_int = 3;
const SYSLOG_WARNING: c_int = 4;
const SYSLOG_NOTICE: c_int = 5;
const SYSLOG_INFO: c_int = 6;

/// librdkafka's log lines go where all others go.
unsafe extern "C" fn log(rk: *const sys::rd_kafka_t, level: c_int, facility: *const c_char, text: *const c_char) {
    // SAFETY: librdkafka passes zero-terminated strings; `rk` is null or live during the call.
    let (client, facility, text) = unsafe {
        let client = if rk.is_null() { "-".into() } else { CStr::from_ptr(sys::rd_kafka_name(rk)).to_string_lossy() };
        (client, CStr::from_ptr(facility).to_string_lossy(), CStr::from_ptr(text).to_string_lossy())
    };
    match level {
        ..=SYSLOG_ERROR => tracing::error!(target: "librdkafka", %client, %facility, "{text}"),
        SYSLOG_WARNING => tracing::warn!(target: "librdkafka", %client, %facility, "{text}"),
        SYSLOG_NOTICE..=SYSLOG_INFO => {
            tracing::info!(target: "librdkafka", %client, %facility, "{text}")
        }
        _ => tracing::debug!(target: "librdkafka", %client, %facility, "{text}"),
    }
}
