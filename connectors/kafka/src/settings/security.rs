//! Encryption and authentication of the own connections, by librdkafka's settings of these names.

use super::KafkaSettings;
use crate::KafkaError;
use crate::wire::{BadFile, Credentials, Mechanism, Pem, Tls};

/// What the own connections know of it.
pub(super) const KNOWN: [&str; 12] = [
    "security.protocol",
    "ssl.ca.location",
    "ssl.ca.pem",
    "ssl.certificate.location",
    "ssl.certificate.pem",
    "ssl.key.location",
    "ssl.key.pem",
    "sasl.mechanism",
    "sasl.mechanisms",
    "sasl.username",
    "sasl.password",
    "ssl.endpoint.identification.algorithm",
];

/// librdkafka's word for "wherever the system keeps its authorities".
const PROBE: &str = "probe";

/// Encryption and credentials, each if `security.protocol` has it.
///
/// # Errors
/// [`KafkaError::InvalidSetting`] for a value that the own connections do not have, a file that cannot be read, or a
/// setting that is missing.
pub(super) fn security(settings: &KafkaSettings) -> Result<(Option<Tls>, Option<Credentials>), KafkaError> {
    const NAME: &str = "security.protocol";
    let protocol = settings.admin(NAME).unwrap_or("plaintext");
    let (encrypted, authenticated) = match &*protocol.to_ascii_lowercase() {
        "plaintext" => (false, false),
        "ssl" => (true, false),
        "sasl_plaintext" => (false, true),
        "sasl_ssl" => (true, true),
        _ => return Err(invalid(NAME, protocol, "plaintext, ssl, sasl_plaintext or sasl_ssl")),
    };
    let tls = encrypted.then(|| tls(settings)).transpose()?;
    let credentials = authenticated.then(|| credentials(settings)).transpose()?;
    Ok((tls, credentials))
}

fn tls(settings: &KafkaSettings) -> Result<Tls, KafkaError> {
    let ca = pem(settings, "ssl.ca.location", "ssl.ca.pem").filter(|pem| *pem != Pem::File(PROBE.to_owned()));
    let chain = pem(settings, "ssl.certificate.location", "ssl.certificate.pem");
    let key = pem(settings, "ssl.key.location", "ssl.key.pem");
    let own = match (&chain, &key) {
        (Some(chain), Some(key)) => Some((chain, key)),
        (None, None) => None,
        (Some(_), None) => return Err(invalid("ssl.key.location", "", "needed beside ssl.certificate.location")),
        (None, Some(_)) => return Err(invalid("ssl.certificate.location", "", "needed beside ssl.key.location")),
    };
    Tls::new(ca.as_ref(), own).map_err(|BadFile(name, reason)| {
        let value = settings.admin(name).unwrap_or_default();
        invalid(name, value, &reason)
    })
}

/// The file, or the text if that is what was given.
fn pem(settings: &KafkaSettings, file: &str, text: &str) -> Option<Pem> {
    let text = settings.admin(text).map(|text| Pem::Text(text.to_owned()));
    text.or_else(|| settings.admin(file).map(|path| Pem::File(path.to_owned())))
}

fn credentials(settings: &KafkaSettings) -> Result<Credentials, KafkaError> {
    const MECHANISM: &str = "sasl.mechanism";
    // librdkafka's default, GSSAPI, is none of them.
    let name = settings.last_of_own(&[MECHANISM, "sasl.mechanisms"]).unwrap_or_default();
    let mechanism = Mechanism::named(name).ok_or_else(|| {
        let reason = "the group and admin connections have PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512";
        invalid(MECHANISM, name, reason)
    })?;
    let needed = |name: &str| {
        let value = settings.admin(name).filter(|value| !value.is_empty());
        value.map(str::to_owned).ok_or_else(|| invalid(name, "", "needed by the mechanism"))
    };
    Ok(Credentials { mechanism, user: needed("sasl.username")?, password: needed("sasl.password")? })
}

fn invalid(key: &str, value: &str, reason: &str) -> KafkaError {
    KafkaError::InvalidSetting { key: key.to_owned(), value: value.to_owned(), reason: reason.to_owned() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> KafkaSettings {
        let start = KafkaSettings::new("localhost:9092");
        pairs.iter().fold(start, |settings, (key, value)| settings.with(*key, *value))
    }

    fn error(pairs: &[(&str, &str)]) -> String {
        settings(pairs).endpoint().unwrap_err().to_string()
    }

    const SCRAM: [(&str, &str); 4] = [
        ("security.protocol", "SASL_PLAINTEXT"),
        ("sasl.mechanisms", "SCRAM-SHA-512"),
        ("sasl.username", "alice"),
        ("sasl.password", "secret"),
    ];

    #[test]
    fn nothing_is_encrypted_or_authenticated_unless_asked_for() {
        let endpoint = settings(&[("sasl.username", "alice")]).endpoint().unwrap();
        assert!(endpoint.tls.is_none() && endpoint.credentials.is_none());
    }

    #[test]
    fn credentials_are_read_under_librdkafkas_names_and_aliases() {
        let found = settings(&SCRAM).endpoint().unwrap().credentials.unwrap();
        assert_eq!((&*found.user, &*found.password), ("alice", "secret"));
        assert_eq!(format!("{found:?}"), "SCRAM-SHA-512 as alice", "a password is not for the log");
        let last = [&SCRAM[..], &[("sasl.mechanism", "PLAIN"), ("admin.sasl.username", "bob")]].concat();
        assert_eq!(format!("{:?}", settings(&last).endpoint().unwrap().credentials.unwrap()), "PLAIN as bob");
    }

    #[test]
    fn what_the_own_connections_do_not_have_is_refused_by_name() {
        let with = |key, value| error(&[&SCRAM[..], &[(key, value)]].concat());
        assert!(with("sasl.mechanism", "GSSAPI").contains("sasl.mechanism=GSSAPI"));
        assert!(error(&[("security.protocol", "sasl_ssl")]).contains("sasl.mechanism="), "librdkafka's default");
        assert!(with("security.protocol", "tls").contains("security.protocol=tls"));
        assert!(with("sasl.password", "").contains("sasl.password= is invalid: needed"));
    }

    #[test]
    fn files_that_cannot_be_used_are_named_at_the_start() {
        let with = |key, value| error(&[("security.protocol", "ssl"), (key, value)]);
        let missing = with("ssl.ca.location", "/nowhere/ca.pem");
        assert!(missing.contains("ssl.ca.location=/nowhere/ca.pem"), "{missing}");
        assert!(with("ssl.ca.pem", "no certificate").contains("no PEM certificate"));
        assert!(with("ssl.certificate.pem", "x").contains("ssl.key.location"));
        assert!(with("ssl.key.pem", "x").contains("ssl.certificate.location"));
    }
}
