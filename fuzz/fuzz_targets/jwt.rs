//! JWTs that a platform signs people in with. The first byte chooses: after a 0 comes a header, a line break and claims, which
//! the issuer signs; after any other the token itself.

#![no_main]

use std::sync::LazyLock;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use jwt_verifier::{Keys, LONGEST_TOKEN, Refusal, Settings, verify};
use libfuzzer_sys::fuzz_target;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};

const ISSUER: &str = "https://login.example.test";
const AUDIENCE: &str = "directory";
/// 2026-11-23T10:00:00Z.
const NOW: DateTime<Utc> = DateTime::from_timestamp(1_795_428_000, 0).expect("a time");

/// A key for this alone. Its signatures are always the same, so that a finding is found again.
static PAIR: LazyLock<Ed25519KeyPair> =
    LazyLock::new(|| Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a key pair"));
static SETTINGS: LazyLock<Settings> = LazyLock::new(|| Settings::new(ISSUER, AUDIENCE));
static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let public = BASE64_URL_SAFE_NO_PAD.encode(PAIR.public_key());
    let set = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": public}]});
    Keys::parse(set.to_string().as_bytes()).expect("keys")
});

fuzz_target!(|bytes: &[u8]| {
    match bytes.split_first() {
        Some((0, rest)) => signed(rest),
        Some((_, token)) => judge(&String::from_utf8_lossy(token)),
        None => {}
    }
});

/// Whatever the issuer signs: what it says decides.
fn signed(text: &[u8]) {
    let mut lines = text.splitn(2, |byte| *byte == b'\n');
    let (header, claims) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let token = format!("{}.{}", BASE64_URL_SAFE_NO_PAD.encode(header), BASE64_URL_SAFE_NO_PAD.encode(claims));
    let token = format!("{token}.{}", signature(&token));
    judge(&token);
    if let Ok(found) = verify(&token, &KEYS, &SETTINGS, NOW) {
        let header: Value = serde_json::from_slice(header).expect("a header");
        assert!(header["alg"] == "EdDSA" && header.get("crit").is_none_or(Value::is_null));
        let claims: Value = serde_json::from_slice(claims).expect("claims");
        assert!(claims["iss"] == ISSUER && claims["sub"] == found.subject && claims["tenant"] == found.tenant);
        let audiences = [&claims["aud"]].into_iter().chain(claims["aud"].as_array().into_iter().flatten());
        assert!(audiences.into_iter().any(|audience| audience == AUDIENCE));
        assert!(!found.subject.is_empty() && !found.tenant.is_empty());
    }
}

fn judge(token: &str) {
    match verify(token, &KEYS, &SETTINGS, NOW) {
        Ok(claims) => {
            // Nobody comes in without the issuer's signature, in its one spelling.
            let (message, sent) = token.rsplit_once('.').expect("three parts");
            assert_eq!(sent, signature(message));
            assert!(token.len() <= LONGEST_TOKEN && claims.until > NOW);
            // It ends when it says.
            let last = claims.until - TimeDelta::nanoseconds(1);
            assert!(verify(token, &KEYS, &SETTINGS, last).is_ok());
            assert_eq!(verify(token, &KEYS, &SETTINGS, claims.until), Err(Refusal::Expired));
            // And it opens nobody else's door.
            assert_eq!(verify(token, &KEYS, &Settings::new("https://other.test", AUDIENCE), NOW), Err(Refusal::Issuer));
            assert_eq!(verify(token, &Keys::default(), &SETTINGS, NOW), Err(Refusal::UnknownKey));
        }
        Err(refusal) if refusal.is_of_a_genuine_token() => {
            let (message, sent) = token.rsplit_once('.').expect("three parts");
            assert_eq!(sent, signature(message), "{refusal}");
        }
        Err(_) => {}
    }
}

fn signature(message: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(PAIR.sign(message.as_bytes()))
}
