//! Encrypted and authenticated listeners: the whole port through each, and what a refusal says.

use crate::fixture::*;
use comanda_kafka::{KafkaBroker, KafkaSettings};
use comanda_servers::{OwnServer, free_port, unique_name};
use comanda_streams::broker::{Broker, ConsumerRole, ErrorKind, GroupRequest, GroupResponse, NewTopic, error_code};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// After so long the broker ends a connection on the listener without encryption (KIP-368).
const SESSION: Duration = Duration::from_millis(2_000);

/// A broker with listeners of each kind, and the files that its clients need.
struct Secured {
    server: OwnServer,
    files: tempfile::TempDir,
    /// SASL_SSL.
    secure: String,
    /// SASL_PLAINTEXT, with short sessions.
    open: String,
    /// SSL, for clients that have a certificate.
    mutual: String,
}

static SECURED: LazyLock<Secured> = LazyLock::new(Secured::start);

impl Secured {
    fn start() -> Self {
        let files = tempfile::tempdir().unwrap();
        write_keys(&files);
        let [secure, open, mutual] = [(); 3].map(|()| format!("127.0.0.1:{}", free_port()));
        let server = OwnServer::start_kafka_with(&properties(&files, [&secure, &open, &mutual]));
        for scram in ["SCRAM-SHA-256=[password=secret-256]", "SCRAM-SHA-512=[password=secret-512]"] {
            let tool = ["kafka.admin.ConfigCommand", "--bootstrap-server", server.address()];
            let user = ["--alter", "--entity-type", "users", "--entity-name", "alice", "--add-config", scram];
            server.kafka_tool(&[&tool[..], &user].concat());
        }
        Self { server, files, secure, open, mutual }
    }

    fn file(&self, name: &str) -> String {
        path(&self.files, name).display().to_string()
    }

    fn sasl_ssl(&self, mechanism: &str, password: &str) -> KafkaSettings {
        KafkaSettings::new(&*self.secure)
            .with("security.protocol", "SASL_SSL")
            .with("ssl.ca.location", self.file("authority.pem"))
            .with("sasl.mechanism", mechanism)
            .with("sasl.username", "alice")
            .with("sasl.password", password)
    }
}

fn path(files: &tempfile::TempDir, name: &str) -> PathBuf {
    files.path().join(name)
}

/// An authority, what it gave the broker and a client, and an authority that nobody knows.
fn write_keys(files: &tempfile::TempDir) {
    let named = |name: &str, hosts: Vec<String>| {
        let mut params = CertificateParams::new(hosts).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params
    };
    let authority = |name: &str| {
        let (key, mut params) = (KeyPair::generate().unwrap(), named(name, vec![]));
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        std::fs::write(path(files, &format!("{name}.pem")), params.self_signed(&key).unwrap().pem()).unwrap();
        Issuer::new(params, key)
    };
    authority("stranger");
    let issuer = authority("authority");
    for (name, hosts) in [("broker", vec!["127.0.0.1".to_owned()]), ("client", vec![])] {
        let key = KeyPair::generate().unwrap();
        let certificate = named(name, hosts).signed_by(&key, &issuer).unwrap().pem();
        std::fs::write(path(files, &format!("{name}-key.pem")), key.serialize_pem()).unwrap();
        std::fs::write(path(files, &format!("{name}.pem")), &certificate).unwrap();
        std::fs::write(path(files, &format!("{name}-store.pem")), key.serialize_pem() + &certificate).unwrap();
    }
}

fn properties(files: &tempfile::TempDir, [secure, open, mutual]: [&str; 3]) -> String {
    let outside = format!("PLAINTEXT://127.0.0.1:@PORT@,SECURE://{secure},OPEN://{open},MUTUAL://{mutual}");
    let (store, authority) = (path(files, "broker-store.pem"), path(files, "authority.pem"));
    let modules = "org.apache.kafka.common.security";
    let mut text = format!(
        "listeners={outside},CONTROLLER://127.0.0.1:@CONTROLLER_PORT@\nadvertised.listeners={outside}\n\
         listener.security.protocol.map=\
         CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SECURE:SASL_SSL,OPEN:SASL_PLAINTEXT,MUTUAL:SSL\n\
         ssl.keystore.type=PEM\nssl.keystore.location={}\nssl.truststore.type=PEM\nssl.truststore.location={}\n\
         listener.name.mutual.ssl.client.auth=required\n\
         listener.name.open.connections.max.reauth.ms={}\n",
        store.display(),
        authority.display(),
        SESSION.as_millis(),
    );
    for listener in ["secure", "open"] {
        text += &format!(
            "listener.name.{listener}.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512\n\
             listener.name.{listener}.plain.sasl.jaas.config=\
             {modules}.plain.PlainLoginModule required user_alice=\"plain-secret\";\n\
             listener.name.{listener}.scram-sha-256.sasl.jaas.config={modules}.scram.ScramLoginModule required;\n\
             listener.name.{listener}.scram-sha-512.sasl.jaas.config={modules}.scram.ScramLoginModule required;\n"
        );
    }
    text
}

/// Administration, membership, a transaction with offsets, and reading.
fn goes_through_the_whole_port(settings: KafkaSettings) {
    let broker = KafkaBroker::new(settings).unwrap();
    let [topic, group_id, id] = ["secured", "group", "tx"].map(unique_name);
    let new = NewTopic { name: topic.clone(), partitions: 1, replication: 1, configs: Vec::new() };
    let mut admin = broker.admin().unwrap();
    admin.create_topics(&[new]).unwrap();
    let member = join_alone(&mut *broker.group(&group_id).unwrap(), &group_id, &topic);
    let mut producer = broker.producer(Some(&id)).unwrap();
    producer.init_transactions().unwrap();
    producer.begin_transaction().unwrap();
    send_values(&mut *producer, &topic, &["v"]);
    producer.send_offsets(&[(partition(&topic, 0), offset(1, "m"))], &member).unwrap();
    producer.commit_transaction().unwrap();
    let mut consumer = broker.consumer(ConsumerRole::Main).unwrap();
    consumer.assign(ID, &partition(&topic, 0), 0).unwrap();
    // The commit's marker may land after its acknowledgement.
    let mut records = Vec::new();
    while records.is_empty() {
        records = read_to_end(&mut *consumer).0;
    }
    assert_eq!(records.len(), 1);
    let committed = admin.committed_offsets(&group_id, &[partition(&topic, 0)]).unwrap();
    assert_eq!(committed, [Some(offset(1, "m"))]);
}

#[test]
fn plain_and_both_scrams_go_through_an_encrypted_listener() {
    for (mechanism, password) in
        [("PLAIN", "plain-secret"), ("SCRAM-SHA-256", "secret-256"), ("SCRAM-SHA-512", "secret-512")]
    {
        goes_through_the_whole_port(SECURED.sasl_ssl(mechanism, password));
    }
}

#[test]
fn a_plaintext_listener_beside_it_is_used_as_ever() {
    goes_through_the_whole_port(KafkaSettings::new(SECURED.server.address()));
}

#[test]
fn a_client_shows_its_certificate_where_the_broker_asks_for_one() {
    let settings = |own: bool| {
        let settings = KafkaSettings::new(&*SECURED.mutual)
            .with("security.protocol", "ssl")
            .with("ssl.ca.location", SECURED.file("authority.pem"));
        let with = |settings: KafkaSettings, name: &str, file: &str| settings.with(name, SECURED.file(file));
        if !own {
            return settings;
        }
        with(with(settings, "ssl.certificate.location", "client.pem"), "ssl.key.location", "client-key.pem")
    };
    goes_through_the_whole_port(settings(true));
    let error = KafkaBroker::new(settings(false)).unwrap().admin().unwrap().list_topics().unwrap_err();
    assert!(error.kind == ErrorKind::Fatal && error.to_string().contains("ssl.certificate.location"), "{error}");
}

#[test]
fn a_wrong_password_is_final_for_each_client_and_is_not_shown() {
    for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
        let broker = KafkaBroker::new(SECURED.sasl_ssl(mechanism, "wrong-secret")).unwrap();
        let by_admin = broker.admin().unwrap().list_topics().unwrap_err();
        let mut group = broker.group("g").unwrap();
        group.send(join_request("", "t", b""));
        let GroupResponse::Failed { error: by_group } = answer(&mut *group) else { panic!("not failed") };
        let by_producer = broker.producer(Some(&unique_name("tx"))).unwrap().init_transactions().unwrap_err();
        for error in [by_admin, by_group, by_producer] {
            let text = error.to_string();
            assert_eq!(error.kind, ErrorKind::Fatal, "{mechanism}: {text}");
            assert!(text.to_lowercase().contains("authentication failed"), "{mechanism}: {text}");
            assert!(!text.contains("wrong-secret"), "{text}");
        }
    }
}

#[test]
fn a_broker_that_an_unknown_authority_vouches_for_is_not_talked_to() {
    let settings = SECURED.sasl_ssl("PLAIN", "plain-secret").with("ssl.ca.location", SECURED.file("stranger.pem"));
    let error = KafkaBroker::new(settings).unwrap().admin().unwrap().list_topics().unwrap_err();
    assert!(error.kind == ErrorKind::Fatal && error.to_string().contains("UnknownIssuer"), "{error}");
}

#[test]
fn a_session_that_the_broker_bounds_is_renewed_without_losing_a_heartbeat() {
    let settings = SECURED.sasl_ssl("SCRAM-SHA-256", "secret-256").with("security.protocol", "sasl_plaintext");
    let broker = KafkaBroker::new(KafkaSettings { bootstrap_servers: SECURED.open.clone(), ..settings }).unwrap();
    let [topic, group_id] = ["sessions", "group"].map(unique_name);
    let new = NewTopic { name: topic.clone(), partitions: 1, replication: 1, configs: Vec::new() };
    broker.admin().unwrap().create_topics(&[new]).unwrap();
    let mut group = broker.group(&group_id).unwrap();
    let member = join_alone(&mut *group, &group_id, &topic);
    let end = Instant::now() + 3 * SESSION;
    while Instant::now() < end {
        let (generation, member_id) = (member.generation, member.member_id.clone());
        group.send(GroupRequest::Heartbeat { generation, member_id, instance_id: None });
        let answer = answer(&mut *group);
        assert!(matches!(answer, GroupResponse::Heartbeat { error: error_code::NONE }), "{answer:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}
