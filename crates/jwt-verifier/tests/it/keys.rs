//! Key sets: what is left out of them, and what is no key set at all.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jwt_verifier::{Keys, KeysFault, Refusal};
use rstest::rstest;
use serde_json::{Value, json};

use crate::signer::{Signer, base64, claims, judge, key_set};

#[rstest]
#[case(json!({"use": "sig"}), true)]
#[case(json!({"use": "enc"}), false)]
#[case(json!({"key_ops": ["verify"]}), true)]
#[case(json!({"key_ops": ["sign"]}), false)]
#[case(json!({"alg": "EdDSA"}), true)]
#[case(json!({"alg": "ES256"}), false)]
#[case(json!({"alg": "HS256"}), false)]
#[case(json!({"alg": "ML-DSA-44"}), false)]
#[case(json!({"crv": "Ed448"}), false)]
#[case(json!({"crv": "X25519"}), false)]
#[case(json!({"kty": "oct", "k": "AAAA"}), false)]
#[case(json!({"kty": "AKP"}), false)]
#[case(json!({"x": "not base64!"}), false)]
#[case(json!({"x": "AAAA"}), false)]
#[case(json!({"x": 7}), false)]
#[case(json!({"x5t": "abc", "nbf": 7, "issuer": "x"}), true)]
fn keys_for_something_else_are_left_out(#[case] changes: Value, #[case] kept: bool) {
    let (signer, other) = (Signer::ed(), Signer::p256());
    let mut jwk = signer.jwk("k1");
    jwk.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    let keys = key_set(&[jwk, json!("no key"), other.jwk("k2")]);
    assert_eq!((keys.len(), keys.skipped()), if kept { (2, 1) } else { (1, 2) });
    let token = signer.token(&json!({"alg": "EdDSA", "kid": "k1"}), &claims());
    assert_eq!(judge(&token, &keys).err(), (!kept).then_some(Refusal::UnknownKey));
    let token = other.token(&json!({"alg": "ES256", "kid": "k2"}), &claims());
    assert!(judge(&token, &keys).is_ok(), "the others stay");
}

#[test]
fn a_key_for_one_algorithm_is_not_for_its_neighbour() {
    let signer = Signer::rsa();
    let mut jwk = signer.jwk("k1");
    jwk["alg"] = json!("PS256");
    let keys = key_set(&[jwk]);
    let token = |algorithm: &str| signer.token(&json!({"alg": algorithm, "kid": "k1"}), &claims());
    assert!(judge(&token("PS256"), &keys).is_ok());
    assert_eq!(judge(&token("RS256"), &keys), Err(Refusal::Algorithm));
}

#[test]
fn numbers_of_the_wrong_size_are_no_keys() {
    let signer = Signer::rsa();
    let mut small = signer.jwk("k1");
    small["n"] = json!(base64([0x81; 128]));
    assert!(key_set(&[small]).is_empty(), "1024 bits");

    let mut cut = Signer::p256().jwk("k1");
    cut["y"] = json!("AAAA");
    assert!(key_set(&[cut]).is_empty());
    let mut curve = Signer::p256().jwk("k1");
    curve["crv"] = json!("P-384");
    assert!(key_set(&[curve]).is_empty());
}

/// Some issuers write the modulus with a zero in front.
#[test]
fn a_padded_modulus_is_the_same_key() {
    let signer = Signer::rsa();
    let mut jwk = signer.jwk("k1");
    let modulus = BASE64_URL_SAFE_NO_PAD.decode(jwk["n"].as_str().unwrap()).unwrap();
    jwk["n"] = json!(base64([&[0], modulus.as_slice()].concat()));
    assert!(judge(&signer.token(&json!({"alg": "RS256"}), &claims()), &key_set(&[jwk])).is_ok());
}

#[test]
fn a_token_that_names_no_key_is_for_an_issuer_with_one() {
    let (old, new) = (Signer::ed(), Signer::ed());
    let token = new.token(&json!({"alg": "EdDSA"}), &claims());
    assert_eq!(judge(&token, &key_set(&[old.jwk("k1"), new.jwk("k2")])), Err(Refusal::AmbiguousKey));
    assert!(judge(&token, &key_set(&[Signer::p256().jwk("k1"), new.jwk("k2")])).is_ok(), "one of its kind");
}

#[test]
fn a_set_is_json_with_a_hundred_keys_at_most() {
    for body in ["[[]]", "", "[]", "{}", r#"{"keys":{}}"#, "<html>"] {
        assert_eq!(Keys::parse(body.as_bytes()).err(), Some(KeysFault::NotKeys), "{body}");
    }
    assert!(Keys::parse(br#"{"keys":[]}"#).unwrap().is_empty());
    let set = |count: usize| json!({"keys": vec![Signer::ed().jwk("k1"); count]}).to_string();
    assert_eq!(Keys::parse(set(100).as_bytes()).unwrap().len(), 100);
    assert_eq!(Keys::parse(set(101).as_bytes()).err(), Some(KeysFault::TooMany));
}
