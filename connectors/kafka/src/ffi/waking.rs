//! A call that librdkafka may forget is reminded until it returns.
//!
//! Offsets go to the group's coordinator. When it dies, librdkafka 2.12 waits for the broker that it was told last, and asks
//! anew only when some broker's connection comes up or breaks (`rd_kafka_coord_req_fsm`). Once the cluster's metadata has
//! dropped the dead broker, nothing need happen any more, and the time-out that was given is not looked at: on three brokers
//! a call lasted 104 s, until another broker died. So, after a while, the client is made to connect to its bootstrap brokers
//! again.

use super::Client;
use rdkafka_sys as sys;
use std::ffi::{CStr, c_char};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// Longer than an answer takes, except from a broker in trouble.
const REMINDED_EVERY: Duration = Duration::from_secs(1);

/// A client that another thread may remind, while the call lasts.
struct Reminded(*mut sys::rd_kafka_t);

// SAFETY: only `rd_kafka_conf` and `rd_kafka_brokers_add` are called with it, which any thread may call.
unsafe impl Send for Reminded {}

impl Client {
    /// Makes the call, with reminders.
    pub(super) fn reminded<T>(&self, call: impl FnOnce() -> T) -> T {
        let (over, waiting) = channel::<()>();
        let client = Reminded(self.as_ptr());
        std::thread::scope(|threads| {
            threads.spawn(move || {
                while waiting.recv_timeout(REMINDED_EVERY) == Err(RecvTimeoutError::Timeout) {
                    client.remind();
                }
            });
            let result = call();
            drop(over);
            result
        })
    }
}

impl Reminded {
    /// Has the client connect to its bootstrap brokers again. It lets go of them when they have told it the cluster's.
    fn remind(&self) {
        let mut bootstrap: [c_char; 4096] = [0; 4096];
        let mut size = bootstrap.len();
        // SAFETY: the client outlives the call that is reminded; the buffer's true size is passed, and what does not fit
        // is cut off, zero-terminated.
        let added = unsafe {
            let settings = sys::rd_kafka_conf(self.0);
            sys::rd_kafka_conf_get(settings, c"bootstrap.servers".as_ptr(), bootstrap.as_mut_ptr(), &mut size);
            sys::rd_kafka_brokers_add(self.0, CStr::from_ptr(bootstrap.as_ptr()).as_ptr())
        };
        tracing::debug!(target: "librdkafka", added, "waiting for the group's coordinator: connecting again");
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::ffi::{Client, Config};
    use comanda_streams::broker::{GroupIdentity, OffsetAndMetadata, TopicPartition};
    use rdkafka_sys as sys;
    use std::ffi::CStr;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    /// Before the cluster notices that a broker is dead.
    const UNNOTICED: Duration = Duration::from_millis(2_300);
    /// The call took 2.5 s with reminders; without, it had not returned after 40 s in most runs.
    const PATIENCE: Duration = Duration::from_secs(15);

    /// librdkafka's stand-in for a cluster of three brokers, in a client of its own.
    struct Cluster {
        /// Holds the cluster.
        _client: Client,
        mock: *mut sys::rd_kafka_mock_cluster_t,
    }

    // SAFETY: the mock cluster has a thread of its own, which carries out what others ask of it.
    unsafe impl Sync for Cluster {}

    impl Cluster {
        fn start() -> Self {
            let client = client(&[("test.mock.num.brokers", "3")]);
            // SAFETY: the client has a mock cluster.
            let mock = unsafe { sys::rd_kafka_handle_mock_cluster(client.as_ptr()) };
            // SAFETY: it is live.
            unsafe { sys::rd_kafka_mock_topic_create(mock, c"topic".as_ptr(), 1, 1) };
            Self { _client: client, mock }
        }

        fn bootstrap(&self) -> String {
            // SAFETY: the text is the cluster's, zero-terminated.
            unsafe { CStr::from_ptr(sys::rd_kafka_mock_cluster_bootstraps(self.mock)) }.to_str().unwrap().to_owned()
        }

        fn move_coordinator(&self, kind: &CStr, key: &CStr, broker: i32) {
            // SAFETY: the cluster is live; the texts are copied.
            unsafe { sys::rd_kafka_mock_coordinator_set(self.mock, kind.as_ptr(), key.as_ptr(), broker) };
        }

        fn kill(&self, broker: i32) {
            // SAFETY: the cluster is live.
            unsafe { sys::rd_kafka_mock_broker_set_down(self.mock, broker) };
        }

        fn notice_death(&self, broker: i32) {
            // SAFETY: the cluster is live.
            unsafe { sys::rd_kafka_mock_broker_decommission(self.mock, broker) };
        }
    }

    fn client(settings: &[(&str, &str)]) -> Client {
        let owned: Vec<_> = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Client::producer(Config::new(&owned).unwrap()).unwrap()
    }

    fn commit(producer: &Client) {
        let position = OffsetAndMetadata { offset: 1, metadata: String::new() };
        let (group_id, member_id) = ("group".to_owned(), "member".to_owned());
        let group = GroupIdentity { group_id, member_id, generation: 1, instance_id: None };
        producer.begin_transaction().unwrap();
        producer.send_offsets(&[(TopicPartition::new("topic", 0), position)], &group).unwrap();
        producer.commit_transaction().unwrap();
    }

    /// Commits, loses the group's coordinator, and commits again.
    fn survive_the_coordinator() {
        let cluster = Cluster::start();
        cluster.move_coordinator(c"transaction", c"id", 1);
        cluster.move_coordinator(c"group", c"group", 2);
        let producer = client(&[
            ("bootstrap.servers", &cluster.bootstrap()),
            ("transactional.id", "id"),
            ("enable.sparse.connections", "false"),
            ("topic.metadata.refresh.interval.ms", "300"),
        ]);
        producer.init_transactions().unwrap();
        commit(&producer);
        cluster.kill(2);
        let cluster = &cluster;
        std::thread::scope(|threads| {
            threads.spawn(move || {
                std::thread::sleep(UNNOTICED);
                cluster.notice_death(2);
                cluster.move_coordinator(c"group", c"group", 3);
            });
            commit(&producer);
        });
    }

    #[test]
    fn offsets_are_sent_although_the_group_s_coordinator_is_gone_for_good() {
        let (done, waiting) = channel();
        std::thread::spawn(move || {
            survive_the_coordinator();
            done.send(()).unwrap();
        });
        waiting.recv_timeout(PATIENCE).unwrap();
    }
}
