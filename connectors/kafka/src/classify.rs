//! What remains possible after a failure: librdkafka's and Kafka's codes put into the port's kinds.

use crate::ffi::{Failure, code};
use comanda_streams::broker::{BrokerError, ErrorKind};

/// What the producer was doing: the same code leaves different things open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// Anything of a producer without transactions.
    Plain,
    /// Any transactional call but commit.
    Transaction,
    /// Commit.
    Commit,
}

/// The kind of a producer's failure.
///
/// A commit whose request may have gone out is never called abortable: librdkafka also marks so a commit that timed
/// out locally (`rd_kafka_txn_handle_EndTxn`), and the broker may have done it.
pub(crate) fn classify(call: Call, failure: &Failure) -> ErrorKind {
    let by_code = kind_of_code(failure.code);
    match (call, by_code) {
        (_, ErrorKind::ProducerFenced) => by_code,
        (Call::Commit, ErrorKind::MemberFenced) => by_code,
        (Call::Commit, _) => ErrorKind::UnknownOutcome,
        (Call::Transaction, ErrorKind::MemberFenced | ErrorKind::UnknownTopic) => by_code,
        // Broken down, but not by settings or rights: a producer built anew goes on.
        (Call::Transaction, _) if failure.fatal && !is_hopeless(failure.code) => ErrorKind::ProducerFenced,
        (_, _) if failure.fatal => ErrorKind::Fatal,
        (Call::Transaction, _) if failure.abortable => ErrorKind::Abortable,
        (_, _) if failure.retriable => ErrorKind::Retriable,
        _ => by_code,
    }
}

/// The kind of a record's failed delivery in a transaction: only an abort goes on from there.
pub(crate) fn classify_delivery(call: Call, failure: &Failure) -> ErrorKind {
    match classify(call, failure) {
        ErrorKind::Retriable | ErrorKind::Fatal
            if call == Call::Transaction && !failure.fatal && !is_hopeless(failure.code) =>
        {
            ErrorKind::Abortable
        }
        kind => kind,
    }
}

/// Rights and authentication: nothing but the operator helps.
fn is_hopeless(code: i32) -> bool {
    const AUTHORIZATION_FAILED: [i32; 4] = [29, 30, 31, 53]; // topic, group, cluster, transactional id
    const SASL_AUTHENTICATION_FAILED: i32 = 58;
    AUTHORIZATION_FAILED.contains(&code) || code == SASL_AUTHENTICATION_FAILED
}

/// What remains possible after an error code of Kafka or librdkafka, whatever the call.
pub(crate) fn kind_of_code(error: i32) -> ErrorKind {
    match error {
        22 | 25 | 82 => ErrorKind::MemberFenced,
        47 | 90 | code::FENCED => ErrorKind::ProducerFenced,
        3 | code::UNKNOWN_TOPIC | code::UNKNOWN_PARTITION => ErrorKind::UnknownTopic,
        // LEADER_NOT_AVAILABLE, NOT_LEADER, REQUEST_TIMED_OUT, BROKER_NOT_AVAILABLE, REPLICA_NOT_AVAILABLE,
        // NETWORK_EXCEPTION, COORDINATOR_*, NOT_ENOUGH_REPLICAS*, NOT_CONTROLLER, CONCURRENT_TRANSACTIONS,
        // KAFKA_STORAGE_ERROR, FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH, OFFSET_NOT_AVAILABLE,
        // PREFERRED_LEADER_NOT_AVAILABLE, UNSTABLE_OFFSET_COMMIT, THROTTLING_QUOTA_EXCEEDED
        5..=9 | 13..=16 | 19 | 20 | 41 | 51 | 56 | 74 | 75 | 78 | 80 | 88 | 89 => ErrorKind::Retriable,
        code::TRANSPORT
        | code::RESOLVE
        | code::MSG_TIMED_OUT
        | code::ALL_BROKERS_DOWN
        | code::TIMED_OUT
        | code::QUEUE_FULL
        | code::WAIT_COORD
        | code::PREV_IN_PROGRESS
        | code::TIMED_OUT_QUEUE
        | code::RETRY => ErrorKind::Retriable,
        _ => ErrorKind::Fatal,
    }
}

/// The port's error for a failed librdkafka call.
pub(crate) fn broker_error(kind: ErrorKind, attempt: impl Into<String>, failure: &Failure) -> BrokerError {
    let error = BrokerError::new(kind, attempt, failure.text.clone());
    match i16::try_from(failure.code) {
        Ok(code) if code > 0 => error.with_code(code),
        _ => error,
    }
}

/// The port's error for a failed consumer call.
pub(crate) fn consumer_error(attempt: impl Into<String>, failure: &Failure) -> BrokerError {
    broker_error(kind_of_code(failure.code), attempt, failure)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn failure(code: i32) -> Failure {
        Failure::of_code(code)
    }

    #[test]
    fn a_stale_member_is_fenced_even_though_librdkafka_calls_it_abortable() {
        for code in [22, 25, 82] {
            let failure = Failure { abortable: true, ..failure(code) };
            assert_eq!(classify(Call::Transaction, &failure), ErrorKind::MemberFenced);
        }
    }

    #[test]
    fn a_newer_producer_fences_whatever_the_call() {
        for call in [Call::Plain, Call::Transaction, Call::Commit] {
            for code in [47, 90, code::FENCED] {
                let failure = Failure { fatal: true, abortable: true, ..failure(code) };
                assert_eq!(classify(call, &failure), ErrorKind::ProducerFenced);
            }
        }
    }

    #[test]
    fn a_commit_that_timed_out_is_unknown_even_when_marked_abortable_or_retriable() {
        let timed_out = Failure { abortable: true, retriable: true, ..failure(code::TIMED_OUT) };
        assert_eq!(classify(Call::Commit, &timed_out), ErrorKind::UnknownOutcome);
    }

    #[test]
    fn a_fatal_error_during_commit_is_unknown() {
        let invalid_state = Failure { fatal: true, ..failure(48) };
        assert_eq!(classify(Call::Commit, &invalid_state), ErrorKind::UnknownOutcome);
    }

    #[test]
    fn a_transaction_that_requires_abort_is_abortable() {
        let failure = Failure { abortable: true, ..failure(59) };
        assert_eq!(classify(Call::Transaction, &failure), ErrorKind::Abortable);
    }

    #[test]
    fn a_broken_producer_is_closed_but_missing_rights_stop_the_instance() {
        let invalid_state = Failure { fatal: true, ..failure(48) };
        let no_rights = Failure { fatal: true, ..failure(53) };
        assert_eq!(classify(Call::Transaction, &invalid_state), ErrorKind::ProducerFenced);
        assert_eq!(classify(Call::Transaction, &no_rights), ErrorKind::Fatal);
    }

    #[test]
    fn a_record_that_was_not_delivered_costs_its_transaction() {
        assert_eq!(classify_delivery(Call::Transaction, &failure(code::MSG_TIMED_OUT)), ErrorKind::Abortable);
        assert_eq!(classify_delivery(Call::Transaction, &failure(10)), ErrorKind::Abortable);
        assert_eq!(classify_delivery(Call::Plain, &failure(code::MSG_TIMED_OUT)), ErrorKind::Retriable);
    }

    #[test]
    fn kafkas_code_is_told_but_not_librdkafkas_own() {
        assert_eq!(broker_error(ErrorKind::Fatal, "x", &failure(48)).code, Some(48));
        assert_eq!(broker_error(ErrorKind::Fatal, "x", &failure(code::FENCED)).code, None);
    }
}
