//! Stripe's signature of webhooks: an HMAC-SHA256 over the time and the body, and none that is old.
//!
//! Source: Stripe's documentation, "Verify webhook signatures manually": `Stripe-Signature: t=…,v1=…[,v1=…]`; the
//! signed text is `<t>.<body>`, the key the endpoint's secret as it is, with its `whsec_`.

use ring::hmac;
use std::fmt::Write as _;

/// Seconds between a signature and its arrival that are believed, as Stripe's own libraries have it.
pub const TOLERANCE_S: i64 = 300;

/// Why a signature is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Without a time or a `v1` signature.
    #[error("the Stripe-Signature header is not of the form t=…,v1=…")]
    Malformed,
    /// None of the signatures fits: somebody else's, or the secret was changed.
    #[error("no signature fits the body")]
    Forged,
    /// Too old, or from the future: a replay, or a wrong clock.
    #[error("the signature's time is not within the tolerance")]
    Stale,
}

/// Verifies a header against the body as it came, at `now_s` (seconds since 1970).
///
/// # Errors
/// If the body is not Stripe's.
pub fn verify(header: &str, body: &[u8], secret: &str, now_s: i64) -> Result<(), SignatureError> {
    let parts = || header.split(',').filter_map(|part| part.trim().split_once('='));
    let time = parts().find(|(name, _)| *name == "t").map(|(_, time)| time).ok_or(SignatureError::Malformed)?;
    let signed_at: i64 = time.parse().map_err(|_| SignatureError::Malformed)?;
    let mut signatures = parts().filter(|(name, _)| *name == "v1").map(|(_, hex)| hex).peekable();
    signatures.peek().ok_or(SignatureError::Malformed)?;
    let (key, text) = (key(secret), signed_text(time, body));
    // While a secret is being changed there are several.
    let fits = |hex: &str| bytes_of(hex).is_some_and(|signature| hmac::verify(&key, &text, &signature).is_ok());
    if !signatures.any(fits) {
        return Err(SignatureError::Forged);
    }
    if now_s.abs_diff(signed_at) > TOLERANCE_S.unsigned_abs() { Err(SignatureError::Stale) } else { Ok(()) }
}

/// The header that Stripe sends with a body.
pub fn sign(body: &[u8], secret: &str, now_s: i64) -> String {
    let tag = hmac::sign(&key(secret), &signed_text(&now_s.to_string(), body));
    let hex = tag.as_ref().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    format!("t={now_s},v1={hex}")
}

fn key(secret: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes())
}

fn signed_text(time: &str, body: &[u8]) -> Vec<u8> {
    [time.as_bytes(), b".", body].concat()
}

fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    let pairs = hex.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok().filter(|_| pair.len() == 2)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_test";
    const BODY: &[u8] = br#"{"id":"evt_1"}"#;

    /// Made by Stripe's own library: `WebhookSignature._compute_signature('1700000000.{"id":"evt_1"}', 'whsec_test')`.
    const THEIRS: &str = "c89214b5b5da833daed6f0b8c5bb6bd58cea9022bd80ccc78230f3942d632925";

    #[test]
    fn our_signature_is_stripe_s() {
        assert_eq!(sign(BODY, SECRET, 1_700_000_000), format!("t=1700000000,v1={THEIRS}"));
        assert_eq!(verify(&format!("t=1700000000,v1={THEIRS}"), BODY, SECRET, 1_700_000_299), Ok(()));
    }

    #[test]
    fn one_of_several_signatures_is_enough_and_other_schemes_do_not_count() {
        let good = sign(BODY, SECRET, 1_000);
        let other = good.replace("v1=", "v1=00").replace("t=1000,", "");
        assert_eq!(verify(&format!("t=1000,{other},{}", &good[7..]), BODY, SECRET, 1_000), Ok(()));
        assert_eq!(verify(&good.replace("v1=", "v0="), BODY, SECRET, 1_000), Err(SignatureError::Malformed));
    }

    #[test]
    fn what_is_changed_old_or_of_another_secret_is_not_believed() {
        let header = sign(BODY, SECRET, 1_000);
        assert_eq!(verify(&header, b"{}", SECRET, 1_000), Err(SignatureError::Forged));
        assert_eq!(verify(&header, BODY, "whsec_other", 1_000), Err(SignatureError::Forged));
        assert_eq!(verify(&header.replace("t=1000", "t=1001"), BODY, SECRET, 1_000), Err(SignatureError::Forged));
        assert_eq!(verify(&header, BODY, SECRET, 1_300), Ok(()));
        assert_eq!(verify(&header, BODY, SECRET, 1_301), Err(SignatureError::Stale));
        assert_eq!(verify(&header, BODY, SECRET, 699), Err(SignatureError::Stale));
        assert_eq!(verify("", BODY, SECRET, 1_000), Err(SignatureError::Malformed));
    }
}
