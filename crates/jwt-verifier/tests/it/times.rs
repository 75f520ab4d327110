//! A minute's difference between two clocks, and no more.

use chrono::{DateTime, TimeDelta, Utc};
use jwt_verifier::Refusal;
use rstest::rstest;
use serde_json::{Value, json};

use crate::signer::{NOW, Signer, claims_with, judge, key_set};

#[rstest]
#[case(json!({"exp": NOW - 59}), None)]
#[case(json!({"exp": NOW - 60}), Some(Refusal::Expired))]
#[case(json!({"exp": NOW - 3_600}), Some(Refusal::Expired))]
#[case(json!({"exp": 0}), Some(Refusal::Expired))]
#[case(json!({"exp": null}), Some(Refusal::Claim("exp")))]
#[case(json!({"exp": (NOW + 300).to_string()}), Some(Refusal::Claim("exp")))]
#[case(json!({"exp": -1}), Some(Refusal::Claim("exp")))]
#[case(json!({"exp": 1e300}), Some(Refusal::Claim("exp")))]
#[case(json!({"exp": u64::MAX}), Some(Refusal::Claim("exp")))]
#[case(json!({"exp": [NOW + 300]}), Some(Refusal::Unreadable))]
#[case(json!({"exp": 1_795_428_000.5}), None)]
#[case(json!({"nbf": NOW + 60}), None)]
#[case(json!({"nbf": NOW + 61}), Some(Refusal::NotYet))]
#[case(json!({"nbf": "now"}), Some(Refusal::Claim("nbf")))]
#[case(json!({"iat": NOW + 60}), None)]
#[case(json!({"iat": NOW + 61}), Some(Refusal::NotYet))]
#[case(json!({"iat": NOW - 86_400}), None)]
#[case(json!({"iat": null}), None)]
#[case(json!({"iat": true}), Some(Refusal::Claim("iat")))]
fn clocks(#[case] changes: Value, #[case] refusal: Option<Refusal>) {
    let signer = Signer::ed();
    let token = signer.token(&json!({"alg": "EdDSA"}), &claims_with(&changes));
    assert_eq!(judge(&token, &key_set(&[signer.jwk("k1")])).err(), refusal);
}

#[test]
fn a_token_tells_when_it_ends() {
    let signer = Signer::ed();
    let token = signer.token(&json!({"alg": "EdDSA"}), &claims_with(&json!({})));
    let until = judge(&token, &key_set(&[signer.jwk("k1")])).unwrap().until;
    assert_eq!(until, DateTime::<Utc>::from_timestamp(NOW + 300, 0).unwrap() + TimeDelta::seconds(60));
}
