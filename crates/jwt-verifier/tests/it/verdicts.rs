//! What a token must say, and that nobody but the issuer can say it.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jwt_verifier::{LONGEST_TOKEN, Refusal, Role};
use rstest::rstest;
use serde_json::{Value, json};

use crate::signer::{Signer, base64, claims, claims_with, judge, key_set};

#[rstest]
#[case::rs256("RS256", Signer::rsa())]
#[case::rs384("RS384", Signer::rsa())]
#[case::rs512("RS512", Signer::rsa())]
#[case::ps256("PS256", Signer::rsa())]
#[case::ps384("PS384", Signer::rsa())]
#[case::ps512("PS512", Signer::rsa())]
#[case::es256("ES256", Signer::p256())]
#[case::es384("ES384", Signer::p384())]
#[case::eddsa("EdDSA", Signer::ed())]
fn a_good_token_is_taken_and_a_changed_one_is_not(#[case] algorithm: &str, #[case] signer: Signer) {
    let keys = key_set(&[signer.jwk("k1")]);
    let header = json!({"alg": algorithm, "kid": "k1", "typ": "JWT"});
    let token = signer.token(&header, &claims());
    let taken = judge(&token, &keys).unwrap();
    assert_eq!((taken.subject.as_str(), taken.tenant.as_str(), taken.role), ("ada", "acme", Role::Admin));

    let parts: Vec<&str> = token.split('.').collect();
    let other_claims = base64(claims_with(&json!({"tenant": "other"})).to_string());
    assert_eq!(judge(&format!("{}.{other_claims}.{}", parts[0], parts[2]), &keys), Err(Refusal::Signature));
    let other_header = base64(json!({"alg": algorithm, "kid": "k1"}).to_string());
    assert_eq!(judge(&format!("{other_header}.{}.{}", parts[1], parts[2]), &keys), Err(Refusal::Signature));
    let signature = BASE64_URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
    for signature in [String::new(), base64([0; 64]), base64(&signature[..signature.len() - 1])] {
        assert_eq!(judge(&format!("{}.{}.{signature}", parts[0], parts[1]), &keys), Err(Refusal::Signature));
    }
}

#[test]
fn another_key_of_the_same_name_signs_nothing() {
    let (issuer, another) = (Signer::p256(), Signer::p256());
    let keys = key_set(&[issuer.jwk("k1")]);
    let forged = another.token(&json!({"alg": "ES256", "kid": "k1"}), &claims());
    assert_eq!(judge(&forged, &keys), Err(Refusal::Signature));
}

#[rstest]
#[case(json!({"iss": null}), Refusal::Issuer)]
#[case(json!({"iss": "https://login.example.test/"}), Refusal::Issuer)]
#[case(json!({"iss": "https://LOGIN.example.test"}), Refusal::Issuer)]
#[case(json!({"iss": ["https://login.example.test"]}), Refusal::Issuer)]
#[case(json!({"aud": null}), Refusal::Claim("aud"))]
#[case(json!({"aud": 7}), Refusal::Claim("aud"))]
#[case(json!({"aud": "director"}), Refusal::Audience)]
#[case(json!({"aud": []}), Refusal::Audience)]
#[case(json!({"aud": ["other", "directory2"]}), Refusal::Audience)]
#[case(json!({"sub": null}), Refusal::Claim("sub"))]
#[case(json!({"sub": ""}), Refusal::Claim("sub"))]
#[case(json!({"sub": 7}), Refusal::Claim("sub"))]
#[case(json!({"sub": "x".repeat(256)}), Refusal::Claim("sub"))]
#[case(json!({"tenant": null}), Refusal::NoTenant)]
#[case(json!({"tenant": ["acme"]}), Refusal::NoTenant)]
#[case(json!({"roles": null}), Refusal::NoRole)]
#[case(json!({"roles": ["admin"]}), Refusal::NoRole)]
fn claims_that_are_refused(#[case] changes: Value, #[case] refusal: Refusal) {
    let signer = Signer::ed();
    let keys = key_set(&[signer.jwk("k1")]);
    let token = signer.token(&json!({"alg": "EdDSA", "kid": "k1"}), &claims_with(&changes));
    assert_eq!(judge(&token, &keys), Err(refusal));
    let says = refusal.to_string();
    assert!(!says.contains("ada") && !says.contains("acme"), "{says}");
}

#[test]
fn an_audience_may_be_one_of_several() {
    let signer = Signer::ed();
    let claims = claims_with(&json!({"aud": ["other", "directory"], "roles": "directory.viewer"}));
    let token = signer.token(&json!({"alg": "EdDSA"}), &claims);
    assert_eq!(judge(&token, &key_set(&[signer.jwk("k1")])).unwrap().role, Role::Viewer);
}

#[test]
fn only_a_genuine_token_without_rights_is_forbidden() {
    for refusal in [Refusal::NoTenant, Refusal::NoRole] {
        assert!(refusal.is_of_a_genuine_token());
    }
    for refusal in [Refusal::Signature, Refusal::Expired, Refusal::Audience, Refusal::Issuer, Refusal::Claim("sub")] {
        assert!(!refusal.is_of_a_genuine_token());
    }
}

#[rstest]
#[case("")]
#[case("..")]
#[case("a.b.c")]
#[case("e30.e30.e30")]
#[case("e30.e30")]
#[case("🦀.🦀.🦀")]
fn what_is_no_token_is_unreadable(#[case] token: &str) {
    assert_eq!(judge(token, &key_set(&[Signer::ed().jwk("k1")])), Err(Refusal::Unreadable));
}

#[test]
fn a_long_token_is_not_looked_at() {
    let signer = Signer::ed();
    let keys = key_set(&[signer.jwk("k1")]);
    let token = |length| {
        let claims = claims_with(&json!({"more": "x".repeat(length)}));
        signer.token(&json!({"alg": "EdDSA"}), &claims)
    };
    let fits = token(5_500);
    assert!(fits.len() < LONGEST_TOKEN && judge(&fits, &keys).is_ok());
    let long = token(6_500);
    assert!(long.len() > LONGEST_TOKEN);
    assert_eq!(judge(&long, &keys), Err(Refusal::TooLong));
}
