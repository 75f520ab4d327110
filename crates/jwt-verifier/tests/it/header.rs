//! What a token's header may ask for: nothing but the algorithm and the key.

use jwt_verifier::Refusal;
use rstest::rstest;
use serde_json::{Value, json};

use crate::signer::{Signer, base64, claims, judge, key_set};

/// The issuer has an RSA key `rsa` and an Ed25519 key `ed`; the token is signed by the latter.
#[rstest]
#[case(json!({"alg": "EdDSA", "kid": "ed"}), None)]
#[case(json!({"alg": "EdDSA"}), None)]
#[case(json!({"alg": "EdDSA", "typ": "at+jwt"}), None)]
#[case(json!({"alg": "EdDSA", "typ": "application/AT+JWT"}), None)]
#[case(json!({"alg": "none"}), Some(Refusal::Unreadable))]
#[case(json!({"alg": "NONE", "kid": "ed"}), Some(Refusal::Unreadable))]
#[case(json!({"alg": "ES256K"}), Some(Refusal::Unreadable))]
#[case(json!({}), Some(Refusal::Unreadable))]
#[case(json!({"alg": "EdDSA", "kid": 7}), Some(Refusal::Unreadable))]
#[case(json!({"alg": "HS256", "kid": "ed"}), Some(Refusal::Algorithm))]
#[case(json!({"alg": "HS384"}), Some(Refusal::Algorithm))]
#[case(json!({"alg": "HS512", "kid": "rsa"}), Some(Refusal::Algorithm))]
#[case(json!({"alg": "EdDSA", "kid": "rsa"}), Some(Refusal::Algorithm))]
#[case(json!({"alg": "RS256", "kid": "ed"}), Some(Refusal::Algorithm))]
#[case(json!({"alg": "RS256", "kid": "rsa"}), Some(Refusal::Signature))]
#[case(json!({"alg": "EdDSA", "kid": "ED"}), Some(Refusal::UnknownKey))]
#[case(json!({"alg": "EdDSA", "kid": ""}), Some(Refusal::UnknownKey))]
#[case(json!({"alg": "ES256"}), Some(Refusal::UnknownKey))]
#[case(json!({"alg": "EdDSA", "crit": ["exp"]}), Some(Refusal::Header))]
#[case(json!({"alg": "EdDSA", "crit": []}), Some(Refusal::Header))]
#[case(json!({"alg": "EdDSA", "zip": "DEF"}), Some(Refusal::Header))]
#[case(json!({"alg": "EdDSA", "enc": "A256GCM"}), Some(Refusal::Header))]
#[case(json!({"alg": "EdDSA", "typ": "logout+jwt"}), Some(Refusal::Header))]
#[case(json!({"alg": "EdDSA", "typ": "dpop+jwt"}), Some(Refusal::Header))]
fn headers(#[case] header: Value, #[case] refusal: Option<Refusal>) {
    let signer = Signer::ed();
    let keys = key_set(&[Signer::rsa().jwk("rsa"), signer.jwk("ed")]);
    assert_eq!(judge(&signer.token(&header, &claims()), &keys).err(), refusal);
}

#[test]
fn a_key_that_the_sender_brings_counts_for_nothing() {
    let (issuer, forger) = (Signer::p256(), Signer::p256());
    let keys = key_set(&[issuer.jwk("k1")]);
    for header in [
        json!({"alg": "ES256", "kid": "k1", "jwk": forger.jwk("k1")}),
        json!({"alg": "ES256", "jwk": forger.jwk("k1")}),
        json!({"alg": "ES256", "kid": "k1", "jku": "http://127.0.0.1:9/keys", "x5u": "http://127.0.0.1:9/chain"}),
    ] {
        assert_eq!(judge(&forger.token(&header, &claims()), &keys), Err(Refusal::Signature));
        assert!(judge(&issuer.token(&header, &claims()), &keys).is_ok(), "nor does it do harm");
    }
}

/// The classic: the public key, which everybody has, taken for a shared secret.
#[test]
fn a_public_key_is_no_secret() {
    let signer = Signer::rsa();
    let jwk = signer.jwk("k1");
    let keys = key_set(std::slice::from_ref(&jwk));
    let message =
        format!("{}.{}", base64(json!({"alg": "HS256", "kid": "k1"}).to_string()), base64(claims().to_string()));
    let secret = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, jwk["n"].as_str().unwrap().as_bytes());
    let forged = format!("{message}.{}", base64(ring::hmac::sign(&secret, message.as_bytes())));
    assert_eq!(judge(&forged, &keys), Err(Refusal::Algorithm));
    let shared = json!({"kty": "oct", "kid": "k1", "alg": "HS256", "k": jwk["n"]});
    assert_eq!(judge(&forged, &key_set(&[shared])), Err(Refusal::Algorithm));
}
