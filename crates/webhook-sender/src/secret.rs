//! What messages are signed with.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use ring::hmac;
use zeroize::Zeroizing;

/// How long a secret is, in bytes.
const LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;

/// What the text of a secret begins with.
const PREFIX: &str = "whsec_";

/// A secret that a receiver checks messages with. It is wiped when it is dropped, and shown by nothing.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

/// Why a text is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a webhook's secret is whsec_ and base64 of 24 to 64 bytes")]
pub struct SecretFault;

impl Secret {
    /// Reads `whsec_BASE64`.
    pub fn parse(text: &str) -> Result<Self, SecretFault> {
        let encoded = text.strip_prefix(PREFIX).ok_or(SecretFault)?;
        let bytes = Zeroizing::new(BASE64_STANDARD.decode(encoded).map_err(|_| SecretFault)?);
        if LENGTHS.contains(&bytes.len()) { Ok(Self(bytes)) } else { Err(SecretFault) }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The value of `webhook-signature`: a signature with each of the secrets. `timestamp` is in seconds of Unix time.
#[must_use]
pub fn sign(id: &str, timestamp: i64, body: &[u8], secrets: &[Secret]) -> String {
    let signatures = secrets.iter().map(|Secret(bytes)| {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, bytes));
        context.update(format!("{id}.{timestamp}.").as_bytes());
        context.update(body);
        format!("v1,{}", BASE64_STANDARD.encode(context.sign()))
    });
    signatures.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// Of the libraries of Standard Webhooks.
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const TIMESTAMP: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    #[test]
    fn the_published_vector_is_signed_alike() {
        assert_eq!(sign(ID, TIMESTAMP, BODY, &[Secret::parse(SECRET).unwrap()]), SIGNATURE);
    }

    #[test]
    fn each_secret_signs_in_its_place() {
        let other = Secret::parse("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").unwrap();
        let secrets = [other.clone(), Secret::parse(SECRET).unwrap()];
        let both = sign(ID, TIMESTAMP, BODY, &secrets);
        let alone = sign(ID, TIMESTAMP, BODY, &[other]);
        assert_eq!(both, format!("{alone} {SIGNATURE}"));
        assert_ne!(alone, SIGNATURE);
    }

    #[rstest]
    #[case::id("msg_p5jXN8AQM9LWM0D4loKWxJeK", TIMESTAMP, BODY)]
    #[case::time(ID, TIMESTAMP + 1, BODY)]
    #[case::body(ID, TIMESTAMP, br#"{"test": 2432232315}"#)]
    fn whatever_is_signed_counts(#[case] id: &str, #[case] timestamp: i64, #[case] body: &[u8]) {
        assert_ne!(sign(id, timestamp, body, &[Secret::parse(SECRET).unwrap()]), SIGNATURE);
    }

    #[rstest]
    #[case::bare("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    #[case::other_prefix("whpk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    #[case::no_base64("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa--")]
    #[case::too_short("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLQ==")]
    #[case::empty("whsec_")]
    fn other_texts_are_no_secrets(#[case] text: &str) {
        assert_eq!(Secret::parse(text).err(), Some(SecretFault));
    }

    #[test]
    fn secrets_have_bounds() {
        let of = |length: usize| Secret::parse(&format!("whsec_{}", BASE64_STANDARD.encode(vec![7; length])));
        assert!(of(23).is_err() && of(24).is_ok() && of(64).is_ok() && of(65).is_err());
    }

    #[test]
    fn a_secret_is_not_shown() {
        assert_eq!(format!("{:?}", Secret::parse(SECRET).unwrap()), "Secret(..)");
    }
}
