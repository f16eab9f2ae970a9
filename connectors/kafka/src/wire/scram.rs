//! The client's side of SCRAM (RFC 5802, RFC 7677), as Kafka has it: the password proves itself without being sent, and so
//! does the broker.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::{digest, hmac, pbkdf2};
use std::num::NonZeroU32;

/// RFC 7677 demands at least so many; fewer would let whoever listens guess passwords.
const MIN_ITERATIONS: u32 = 4_096;
/// A hundred times what brokers allow at most: more would only keep this thread busy.
const MAX_ITERATIONS: u32 = 1_638_400;

/// Which hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScramHash {
    Sha256,
    Sha512,
}

impl ScramHash {
    fn parts(self) -> (pbkdf2::Algorithm, hmac::Algorithm, &'static digest::Algorithm) {
        match self {
            Self::Sha256 => (pbkdf2::PBKDF2_HMAC_SHA256, hmac::HMAC_SHA256, &digest::SHA256),
            Self::Sha512 => (pbkdf2::PBKDF2_HMAC_SHA512, hmac::HMAC_SHA512, &digest::SHA512),
        }
    }
}

/// What is wrong with the broker's message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadMessage(pub(super) &'static str);

/// The first message was sent.
pub(super) struct First {
    hash: ScramHash,
    nonce: String,
    bare: String,
}

/// The final message was sent; the broker has yet to prove that it knows the password.
pub(super) struct Final {
    server_key: hmac::Key,
    signed: String,
}

impl First {
    /// `nonce` is fresh, printable and without commas.
    pub(super) fn new(hash: ScramHash, user: &str, nonce: String) -> Self {
        let escaped = user.replace('=', "=3D").replace(',', "=2C");
        Self { hash, bare: format!("n={escaped},r={nonce}"), nonce }
    }

    pub(super) fn message(&self) -> String {
        format!("n,,{}", self.bare)
    }

    /// Answers the broker's first message.
    pub(super) fn answer(self, password: &str, server_first: &str) -> Result<(Final, String), BadMessage> {
        let nonce = field(server_first, "r=").ok_or(BadMessage("it has no nonce"))?;
        if !nonce.starts_with(&self.nonce) || nonce.len() == self.nonce.len() {
            return Err(BadMessage("its nonce does not continue ours"));
        }
        let salt = field(server_first, "s=").and_then(|salt| BASE64.decode(salt).ok());
        let salt = salt.ok_or(BadMessage("its salt is unreadable"))?;
        let iterations = field(server_first, "i=").and_then(|number| number.parse().ok()).and_then(NonZeroU32::new);
        let allowed = |number: &NonZeroU32| (MIN_ITERATIONS..=MAX_ITERATIONS).contains(&number.get());
        let iterations = iterations.filter(allowed).ok_or(BadMessage("its number of iterations is out of bounds"))?;

        let (pbkdf2, hmac, hash) = self.hash.parts();
        let mut salted = vec![0; hash.output_len()];
        pbkdf2::derive(pbkdf2, iterations, &salt, password.as_bytes(), &mut salted);
        let salted = hmac::Key::new(hmac, &salted);
        let client_key = hmac::sign(&salted, b"Client Key");
        let stored_key = hmac::Key::new(hmac, digest::digest(hash, client_key.as_ref()).as_ref());
        let server_key = hmac::Key::new(hmac, hmac::sign(&salted, b"Server Key").as_ref());

        let unproved = format!("c=biws,r={nonce}");
        let signed = format!("{},{server_first},{unproved}", self.bare);
        let signature = hmac::sign(&stored_key, signed.as_bytes());
        let proof: Vec<u8> = client_key.as_ref().iter().zip(signature.as_ref()).map(|(key, sign)| key ^ sign).collect();
        Ok((Final { server_key, signed }, format!("{unproved},p={}", BASE64.encode(proof))))
    }
}

impl Final {
    /// Whether the broker knows the password too.
    pub(super) fn verify(&self, server_final: &str) -> Result<(), BadMessage> {
        let signature = field(server_final, "v=").and_then(|signature| BASE64.decode(signature).ok());
        let signature = signature.ok_or(BadMessage("it has no signature"))?;
        hmac::verify(&self.server_key, self.signed.as_bytes(), &signature)
            .map_err(|_| BadMessage("its signature is not of one who knows the password"))
    }
}

fn field<'m>(message: &'m str, name: &str) -> Option<&'m str> {
    message.split(',').find_map(|field| field.strip_prefix(name))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const NONCE: &str = "rOprNGfwEbeRWgbNEkqO";
    const SERVER_FIRST: &str = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

    fn first() -> First {
        First::new(ScramHash::Sha256, "user", NONCE.to_owned())
    }

    /// The example of RFC 7677.
    #[test]
    fn it_says_what_the_rfc_says() {
        assert_eq!(first().message(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let (last, message) = first().answer("pencil", SERVER_FIRST).unwrap();
        assert_eq!(
            message,
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        last.verify("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=").unwrap();
    }

    #[test]
    fn a_broker_that_does_not_know_the_password_is_found_out() {
        let (last, _) = first().answer("pencil", SERVER_FIRST).unwrap();
        let (other, _) = first().answer("pen", SERVER_FIRST).unwrap();
        let right = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
        assert!(other.verify(right).is_err());
        assert_eq!(last.verify("e=invalid-proof"), Err(BadMessage("it has no signature")));
    }

    #[test]
    fn messages_that_would_weaken_the_proof_are_refused() {
        let refusal = |message: &str| first().answer("pencil", message).err().map(|bad| bad.0);
        let nonce = "its nonce does not continue ours";
        assert_eq!(refusal(&SERVER_FIRST.replace(NONCE, "another")), Some(nonce));
        assert_eq!(refusal(&format!("r={NONCE},s=W22Z,i=4096")), Some(nonce));
        let iterations = "its number of iterations is out of bounds";
        for number in ["1", "4095", "0", "4000000000", "many"] {
            assert_eq!(refusal(&SERVER_FIRST.replace("4096", number)), Some(iterations), "{number}");
        }
        assert_eq!(refusal(&SERVER_FIRST.replace("W22Z", "-")), Some("its salt is unreadable"));
    }

    #[test]
    fn a_name_with_the_separators_is_escaped() {
        let first = First::new(ScramHash::Sha512, "a=b,c", "n".to_owned());
        assert_eq!(first.message(), "n,,n=a=3Db=2Cc,r=n");
    }
}
