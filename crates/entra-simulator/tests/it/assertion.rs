//! Client assertions instead of a secret.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entra_simulator::{CLIENT_CERTIFICATE, CLIENT_ID, DIRECTORY_ID, Permission};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use uuid::Uuid;

use super::token::{Failure, failure};
use super::{Answer, World};

pub(crate) const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const EXPIRED: &str = include_str!("../credentials/expired.pem");

/// An assertion before it is signed.
#[derive(Clone)]
pub(crate) struct Assertion {
    pem: &'static str,
    header: Value,
    claims: Value,
    encoding: &'static dyn RsaEncoding,
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

fn thumbprint(pem: &str) -> String {
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate");
    URL_SAFE_NO_PAD.encode(digest(&SHA256, &certificate))
}

impl Assertion {
    /// One that is accepted if [`CLIENT_CERTIFICATE`] is trusted.
    pub(crate) fn right(world: &World) -> Self {
        let url = format!("{}/{DIRECTORY_ID}/oauth2/v2.0/token", world.simulator.login_url());
        let claims = json!({
            "aud": url, "iss": CLIENT_ID, "sub": CLIENT_ID, "jti": Uuid::new_v4(),
            "nbf": now(), "iat": now(), "exp": now() + 600,
        });
        let header = json!({"alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint(CLIENT_CERTIFICATE)});
        Self { pem: CLIENT_CERTIFICATE, header, claims, encoding: &RSA_PSS_SHA256 }
    }

    fn sign(&self) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&self.header), part(&self.claims));
        let key = PrivatePkcs8KeyDer::from_pem_slice(self.pem.as_bytes()).expect("a key");
        let key = RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).expect("an RSA key");
        let mut signature = vec![0; key.public().modulus_len()];
        key.sign(self.encoding, &SystemRandom::new(), signed.as_bytes(), &mut signature).expect("signed");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

impl World {
    pub(crate) async fn ask_with(&self, assertion: &Assertion) -> Answer {
        self.ask_with_text(&assertion.sign()).await
    }

    async fn ask_with_text(&self, assertion: &str) -> Answer {
        let instead = [("client_secret", ""), ("client_assertion_type", JWT_BEARER), ("client_assertion", assertion)];
        self.ask_token(&instead).await
    }

    async fn that_trusts() -> Self {
        let world = Self::with_users(1).await;
        world.simulator.registration().trust_certificate(CLIENT_CERTIFICATE).expect("trusted");
        world
    }
}

#[tokio::test]
async fn a_trusted_certificate_gets_tokens_and_an_unknown_one_none() {
    let mut world = World::with_users(1).await;
    let unknown = world.ask_with(&Assertion::right(&world)).await;
    assert_eq!(failure(&unknown), (401, "invalid_client", 700_027));
    world.simulator.registration().trust_certificate(CLIENT_CERTIFICATE).expect("trusted");
    world.token = world.ask_with(&Assertion::right(&world)).await.access_token();
    assert_eq!(world.get("/users").await.status, 200);
    world.simulator.registration().distrust_assertions();
    let removed = world.ask_with(&Assertion::right(&world)).await;
    assert_eq!(failure(&removed), (401, "invalid_client", 700_027));
}

#[tokio::test]
async fn each_wrong_claim_has_its_error() {
    let world = World::that_trusts().await;
    let other = "11111111-2222-4333-8444-555555555555";
    let cases: [(&str, Value, u64); 12] = [
        ("aud", json!("https://login.example.test/token"), 700_023),
        ("aud", json!(world.simulator.login_url()), 700_023),
        ("iss", json!(other), 700_021),
        ("sub", json!(other), 700_021),
        ("exp", json!(now() - 3600), 700_024),
        ("nbf", json!(now() + 3600), 700_024),
        ("exp", json!(0), 700_024),
        ("exp", json!(u64::MAX), 50027),
        ("nbf", json!(u64::MAX), 50027),
        ("exp", json!("tomorrow"), 50027),
        ("jti", Value::Null, 50027),
        ("aud", json!([]), 50027),
    ];
    for (claim, value, code) in cases {
        let mut assertion = Assertion::right(&world);
        assertion.claims[claim] = value.clone();
        assert_eq!(failure(&world.ask_with(&assertion).await), (401, "invalid_client", code), "{claim}: {value}");
    }
}

#[tokio::test]
async fn each_wrong_signature_has_its_error() {
    let world = World::that_trusts().await;
    let right = Assertion::right(&world);
    let with = |name: &str, value: Value| {
        let mut assertion = right.clone();
        assertion.header[name] = value;
        assertion.sign()
    };
    let mut tampered = right.sign();
    tampered.replace_range(tampered.len() - 8.., "AAAAAAAA");
    let mut legacy = right.clone();
    legacy.header = json!({"alg": "RS256", "typ": "JWT", "x5t": "AAAA"});
    let cases: [(String, Failure); 7] = [
        (tampered, (401, "invalid_client", 700_027)),
        (Assertion { pem: EXPIRED, ..right.clone() }.sign(), (401, "invalid_client", 700_027)),
        (Assertion { encoding: &RSA_PKCS1_SHA256, ..right.clone() }.sign(), (401, "invalid_client", 700_027)),
        (with("alg", json!("RS256")), (401, "invalid_client", 50012)),
        (with("alg", json!("none")), (401, "invalid_client", 50012)),
        (legacy.sign(), (401, "invalid_client", 50012)),
        (with("x5t#S256", Value::Null), (400, "invalid_request", 70021)),
    ];
    for (assertion, expected) in cases {
        assert_eq!(failure(&world.ask_with_text(&assertion).await), expected, "{assertion}");
    }
}

#[tokio::test]
async fn an_expired_certificate_is_refused_though_trusted() {
    let world = World::that_trusts().await;
    world.simulator.registration().trust_certificate(EXPIRED).expect("readable");
    let mut assertion = Assertion { pem: EXPIRED, ..Assertion::right(&world) };
    assertion.header["x5t#S256"] = json!(thumbprint(EXPIRED));
    let answer = world.ask_with(&assertion).await;
    assert_eq!(failure(&answer), (401, "invalid_client", 700_027));
    assert!(answer.body["error_description"].as_str().is_some_and(|text| text.contains("expired")));
}

#[tokio::test]
async fn an_assertion_counts_once() {
    let world = World::that_trusts().await;
    let assertion = Assertion::right(&world).sign();
    assert_eq!(world.ask_with_text(&assertion).await.status, 200);
    assert_eq!(failure(&world.ask_with_text(&assertion).await), (401, "invalid_client", 50012));
    assert_eq!(world.ask_with(&Assertion::right(&world)).await.status, 200);
}

#[tokio::test]
async fn a_federated_token_counts_as_often_as_it_is_shown() {
    let world = World::with_users(1).await;
    for text in ["ey.other.token", "opaque"] {
        assert_eq!(failure(&world.ask_with_text(text).await), (400, "invalid_request", 70021), "{text}");
        world.simulator.registration().trust_federated_token(text);
        for _ in 0..2 {
            assert_eq!(world.ask_with_text(text).await.status, 200, "{text}");
        }
    }
}

#[tokio::test]
async fn the_type_of_an_assertion_is_named() {
    let world = World::with_users(1).await;
    world.simulator.registration().trust_federated_token("opaque");
    for kind in ["", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"] {
        let answer = world.ask_token(&[("client_assertion", "opaque"), ("client_assertion_type", kind)]).await;
        assert_eq!(failure(&answer), (400, "invalid_request", 900_144), "{kind}");
    }
}

#[tokio::test]
async fn tokens_name_the_permissions_they_were_issued_with() {
    let mut world = World::with_permissions(&[Permission::UserReadAll]).await;
    let claims = |token: &str| -> Value {
        let [_, claims, _] = token.split('.').collect::<Vec<_>>()[..] else { panic!("{token}") };
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).expect("base64url")).expect("JSON")
    };
    assert_eq!(claims(&world.token)["roles"], json!(["User.Read.All"]));
    world.simulator.registration().set_permissions([]);
    world.renew().await;
    assert_eq!(claims(&world.token).get("roles"), None);
}
