//! Transactional calls. All block until answered or timed out.

use super::{Client, Failure};
use comanda_streams::broker::{GroupIdentity, OffsetAndMetadata, TopicPartition};
use rdkafka_sys as sys;
use std::ffi::{CString, NulError, c_int};
use std::ptr::NonNull;

/// Longest wait for an answer. librdkafka's own default is no bound for an abort: a coordinator that a broker's restart
/// has taken out of the metadata, if only for a moment, is never asked for again (librdkafka issue 5511), and the call
/// would wait for ever. After this long the engine makes a new producer, which fences this one.
const ANSWER_WITHIN_MS: c_int = 10_000;

impl Client {
    /// Registers the transactional id and fences its earlier producers.
    pub(crate) fn init_transactions(&self) -> Result<(), Failure> {
        // SAFETY: the client is live; the returned error is owned. So for the three calls below.
        unsafe { Failure::check(sys::rd_kafka_init_transactions(self.as_ptr(), ANSWER_WITHIN_MS)) }
    }

    /// Starts a transaction.
    pub(crate) fn begin_transaction(&self) -> Result<(), Failure> {
        // SAFETY: as above.
        unsafe { Failure::check(sys::rd_kafka_begin_transaction(self.as_ptr())) }
    }

    /// Commits.
    pub(crate) fn commit_transaction(&self) -> Result<(), Failure> {
        // SAFETY: as above.
        unsafe { Failure::check(sys::rd_kafka_commit_transaction(self.as_ptr(), ANSWER_WITHIN_MS)) }
    }

    /// Aborts.
    pub(crate) fn abort_transaction(&self) -> Result<(), Failure> {
        // SAFETY: as above.
        unsafe { Failure::check(sys::rd_kafka_abort_transaction(self.as_ptr(), ANSWER_WITHIN_MS)) }
    }

    /// Adds offsets to the transaction on behalf of a member of a group that another connection keeps (KIP-447).
    pub(crate) fn send_offsets(
        &self,
        offsets: &[(TopicPartition, OffsetAndMetadata)],
        group: &GroupIdentity,
    ) -> Result<(), Failure> {
        let invalid = |_: NulError| Failure {
            text: "a group, member or topic name contains a zero byte".to_owned(),
            ..Failure::of_code(super::code::FATAL)
        };
        let list = OffsetList::new(offsets).map_err(invalid)?;
        let member = Member::new(group).map_err(invalid)?;
        // SAFETY: the client, list and member are live; librdkafka copies both. The returned error is owned.
        self.reminded(|| unsafe {
            Failure::check(sys::rd_kafka_send_offsets_to_transaction(
                self.as_ptr(),
                list.0.as_ptr(),
                member.0.as_ptr(),
                ANSWER_WITHIN_MS,
            ))
        })
    }
}

/// Offsets with metadata, as librdkafka's list.
struct OffsetList(NonNull<sys::rd_kafka_topic_partition_list_t>);

impl OffsetList {
    fn new(offsets: &[(TopicPartition, OffsetAndMetadata)]) -> Result<Self, NulError> {
        let capacity = c_int::try_from(offsets.len()).unwrap_or(c_int::MAX);
        // SAFETY: makes a fresh list; librdkafka aborts rather than return null.
        let list = unsafe { sys::rd_kafka_topic_partition_list_new(capacity) };
        let list = Self(NonNull::new(list).expect("librdkafka aborts when out of memory"));
        for (partition, committed) in offsets {
            let topic = CString::new(&*partition.topic)?;
            // SAFETY: the list is live, the name copied, the returned element valid until the next addition.
            // Metadata must come from librdkafka's allocator, because the list's end frees it.
            unsafe {
                let element =
                    sys::rd_kafka_topic_partition_list_add(list.0.as_ptr(), topic.as_ptr(), partition.partition);
                (*element).offset = committed.offset;
                let metadata = committed.metadata.as_bytes();
                if !metadata.is_empty() {
                    let copy = sys::rd_kafka_mem_malloc(std::ptr::null_mut(), metadata.len());
                    std::ptr::copy_nonoverlapping(metadata.as_ptr(), copy.cast(), metadata.len());
                    (*element).metadata = copy;
                    (*element).metadata_size = metadata.len();
                }
            }
        }
        Ok(list)
    }
}

impl Drop for OffsetList {
    fn drop(&mut self) {
        // SAFETY: owned here.
        unsafe { sys::rd_kafka_topic_partition_list_destroy(self.0.as_ptr()) };
    }
}

/// Group, member and generation, as librdkafka's metadata object.
struct Member(NonNull<sys::rd_kafka_consumer_group_metadata_t>);

impl Member {
    fn new(group: &GroupIdentity) -> Result<Self, NulError> {
        let group_id = CString::new(group.group_id.as_str())?;
        let member_id = CString::new(group.member_id.as_str())?;
        let instance_id = group.instance_id.as_deref().map(CString::new).transpose()?;
        let instance = instance_id.as_ref().map_or(std::ptr::null(), |id| id.as_ptr());
        // SAFETY: the strings are zero-terminated and copied; librdkafka aborts rather than return null.
        let metadata = unsafe {
            sys::rd_kafka_consumer_group_metadata_new_with_genid(
                group_id.as_ptr(),
                group.generation,
                member_id.as_ptr(),
                instance,
            )
        };
        Ok(Self(NonNull::new(metadata).expect("librdkafka aborts when out of memory")))
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // SAFETY: owned here.
        unsafe { sys::rd_kafka_consumer_group_metadata_destroy(self.0.as_ptr()) };
    }
}
