//! Says to a broker who we are (KIP-43, KIP-152): PLAIN, or SCRAM.

use super::Connection;
use super::scram::{BadMessage, First, ScramHash};
use super::text;
use crate::KafkaError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use kafka_protocol::messages::{SaslAuthenticateRequest, SaslHandshakeRequest};
use ring::rand::{SecureRandom, SystemRandom};
use std::fmt;
use std::time::{Duration, Instant};

const HANDSHAKE_VERSION: i16 = 1;
const AUTHENTICATE_VERSION: i16 = 2;
/// Of a session's time, in percent, after which a new connection is made (KIP-368): the broker ends the old one.
const USED_UP_PERCENT: u32 = 85;
/// Bytes of a nonce before it is written as text.
const NONCE_BYTES: usize = 24;

/// How the password is proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mechanism {
    /// It is sent: on an encrypted connection only does it stay a secret.
    Plain,
    /// It is not sent.
    Scram(ScramHash),
}

impl Mechanism {
    /// By Kafka's name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let all = [Self::Plain, Self::Scram(ScramHash::Sha256), Self::Scram(ScramHash::Sha512)];
        all.into_iter().find(|mechanism| mechanism.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Scram(ScramHash::Sha256) => "SCRAM-SHA-256",
            Self::Scram(ScramHash::Sha512) => "SCRAM-SHA-512",
        }
    }
}

/// Who we are.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) mechanism: Mechanism,
    pub(crate) user: String,
    pub(crate) password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} as {}", self.mechanism.name(), self.user)
    }
}

impl Credentials {
    /// Authenticates the connection; until when it can be used, if the broker bounds that.
    ///
    /// # Errors
    /// [`KafkaError::Answer`] with Kafka's code 58 for a wrong name or password, 33 for a mechanism that the listener does
    /// not have.
    pub(super) fn authenticate(&self, connection: &mut Connection) -> Result<Option<Instant>, KafkaError> {
        let handshake = SaslHandshakeRequest::default().with_mechanism(text(self.mechanism.name()));
        let answer = connection.call(&handshake, HANDSHAKE_VERSION)?;
        if answer.error_code != 0 {
            let offered: Vec<&str> = answer.mechanisms.iter().map(|name| name.as_str()).collect();
            let words = format!("it offers {}", offered.join(", "));
            return Err(self.refused(connection, answer.error_code, &words));
        }
        let lifetime_ms = match self.mechanism {
            Mechanism::Plain => self.say(connection, &format!("\0{}\0{}", self.user, self.password))?.1,
            Mechanism::Scram(hash) => self.prove(connection, hash)?,
        };
        let lifetime = u64::try_from(lifetime_ms).ok().filter(|ms| *ms > 0).map(Duration::from_millis);
        Ok(lifetime.map(|lifetime| Instant::now() + lifetime * USED_UP_PERCENT / 100))
    }

    fn prove(&self, connection: &mut Connection, hash: ScramHash) -> Result<i64, KafkaError> {
        let mut nonce = [0; NONCE_BYTES];
        SystemRandom::new().fill(&mut nonce).map_err(|_| connection.misunderstood("no randomness to be had"))?;
        let first = First::new(hash, &self.user, BASE64.encode(nonce));
        let (server_first, _) = self.say(connection, &first.message())?;
        let bad = |BadMessage(reason)| connection.misunderstood(format!("the SCRAM message is refused: {reason}"));
        let (last, message) = first.answer(&self.password, &server_first).map_err(bad)?;
        let (server_final, lifetime_ms) = self.say(connection, &message)?;
        last.verify(&server_final).map_err(|BadMessage(reason)| {
            connection.misunderstood(format!("the SCRAM message is refused: {reason}"))
        })?;
        Ok(lifetime_ms)
    }

    /// One message, its answer, and how long the session lasts after it, in milliseconds.
    fn say(&self, connection: &mut Connection, message: &str) -> Result<(String, i64), KafkaError> {
        let request = SaslAuthenticateRequest::default().with_auth_bytes(message.to_owned().into_bytes().into());
        let answer = connection.call(&request, AUTHENTICATE_VERSION)?;
        if answer.error_code != 0 {
            let words = answer.error_message.map(|words| words.to_string()).unwrap_or_default();
            return Err(self.refused(connection, answer.error_code, &words));
        }
        let text = String::from_utf8(answer.auth_bytes.to_vec()).map_err(|e| connection.misunderstood(e))?;
        Ok((text, answer.session_lifetime_ms))
    }

    fn refused(&self, connection: &Connection, code: i16, words: &str) -> KafkaError {
        let reason = format!("{} refuses SASL {self:?}: {words}", connection.address());
        KafkaError::Answer { code, reason }
    }
}
