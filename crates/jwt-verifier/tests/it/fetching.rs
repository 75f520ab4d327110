//! The verifier with an issuer on the network.

use chrono::Utc;
use jwt_verifier::{JwtVerifier, Refusal, Role, Settings, VerifyError};
use rstest::rstest;
use serde_json::{Value, json};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{method, path},
};

use crate::signer::{AUDIENCE, Signer, claims_with};

const CONFIGURATION: &str = "/.well-known/openid-configuration";

fn set(keys: &[Value]) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({"keys": keys}))
}

async fn answer(server: &MockServer, at: &str, with: ResponseTemplate) {
    Mock::given(method("GET")).and(path(at)).respond_with(with).mount(server).await;
}

async fn asked(server: &MockServer, at: &str) -> usize {
    server.received_requests().await.unwrap().iter().filter(|request| request.url.path() == at).count()
}

fn discovered(server: &MockServer) -> JwtVerifier {
    JwtVerifier::new(Settings::new(server.uri(), AUDIENCE)).unwrap()
}

fn given(server: &MockServer, issuer: &str) -> JwtVerifier {
    let jwks_url = Some(format!("{}/keys", server.uri()).parse().unwrap());
    JwtVerifier::new(Settings { jwks_url, ..Settings::new(issuer, AUDIENCE) }).unwrap()
}

/// A good token of an issuer, now.
fn token(signer: &Signer, id: &str, issuer: &str) -> String {
    let now = Utc::now().timestamp();
    let claims = claims_with(&json!({"iss": issuer, "iat": now, "exp": now + 300}));
    signer.token(&json!({"alg": "EdDSA", "kid": id}), &claims)
}

#[tokio::test]
async fn keys_are_discovered() {
    let (server, signer) = (MockServer::start().await, Signer::ed());
    let configuration = json!({"issuer": server.uri(), "jwks_uri": format!("{}/elsewhere?v=2", server.uri())});
    answer(&server, CONFIGURATION, ResponseTemplate::new(200).set_body_json(configuration)).await;
    answer(&server, "/elsewhere", set(&[signer.jwk("k1")])).await;
    let verifier = discovered(&server);
    for _ in 0..3 {
        let claims = verifier.verify(&token(&signer, "k1", &server.uri())).await.unwrap();
        assert_eq!((claims.subject.as_str(), claims.role), ("ada", Role::Admin));
    }
    assert_eq!((asked(&server, CONFIGURATION).await, asked(&server, "/elsewhere").await), (1, 1));
    assert_eq!(server.received_requests().await.unwrap()[1].url.query(), Some("v=2"));
}

#[rstest]
#[case(json!({"issuer": "https://login.example.test", "jwks_uri": "SELF/keys"}))]
#[case(json!({"issuer": "SELF/", "jwks_uri": "SELF/keys"}))]
#[case(json!({"issuer": "SELF", "jwks_uri": "file:///keys"}))]
#[case(json!({"issuer": "SELF", "jwks_uri": "http://10.0.0.1/keys"}))]
#[case(json!({"issuer": "SELF", "jwks_uri": "/keys"}))]
#[case(json!({"issuer": "SELF"}))]
#[tokio::test]
async fn an_issuer_that_describes_another_is_not_believed(#[case] configuration: Value) {
    let (server, signer) = (MockServer::start().await, Signer::ed());
    let configuration = configuration.to_string().replace("SELF", &server.uri());
    answer(&server, CONFIGURATION, ResponseTemplate::new(200).set_body_string(configuration)).await;
    answer(&server, "/keys", set(&[signer.jwk("k1")])).await;
    let verdict = discovered(&server).verify(&token(&signer, "k1", &server.uri())).await;
    assert_eq!(verdict, Err(VerifyError::Unavailable));
    assert_eq!(asked(&server, "/keys").await, 0);
}

#[tokio::test]
async fn given_keys_need_no_address_for_an_issuer() {
    let (server, signer) = (MockServer::start().await, Signer::ed());
    answer(&server, "/keys", set(&[signer.jwk("k1")])).await;
    let verifier = given(&server, "the-platform");
    verifier.prepare().await;
    assert!(verifier.verify(&token(&signer, "k1", "the-platform")).await.is_ok());
    let other = verifier.verify(&token(&signer, "k1", "another-platform")).await;
    assert_eq!(other, Err(VerifyError::Refused(Refusal::Issuer)));
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[rstest]
#[case::missing(ResponseTemplate::new(404))]
#[case::broken(ResponseTemplate::new(500))]
#[case::moved(ResponseTemplate::new(302).insert_header("location", "/good"))]
#[case::not_json(ResponseTemplate::new(200).set_body_string("<html>"))]
#[case::endless(ResponseTemplate::new(200).set_body_string(format!("{{\"keys\":[{}]}}", " ".repeat(256 * 1024))))]
#[tokio::test]
async fn without_keys_nobody_can_tell(#[case] keys: ResponseTemplate) {
    let (server, signer) = (MockServer::start().await, Signer::ed());
    answer(&server, "/keys", keys).await;
    answer(&server, "/good", set(&[signer.jwk("k1")])).await;
    let verifier = given(&server, "the-platform");
    for _ in 0..3 {
        let verdict = verifier.verify(&token(&signer, "k1", "the-platform")).await;
        assert_eq!(verdict, Err(VerifyError::Unavailable));
    }
    assert_eq!((asked(&server, "/keys").await, asked(&server, "/good").await), (1, 0));
}

#[tokio::test]
async fn forged_tokens_do_not_reach_the_issuer() {
    let (server, signer, forger) = (MockServer::start().await, Signer::ed(), Signer::ed());
    answer(&server, "/keys", set(&[signer.jwk("k1")])).await;
    let verifier = given(&server, "the-platform");
    for n in 0..50 {
        let verdict = verifier.verify(&token(&forger, &format!("forged-{n}"), "the-platform")).await;
        assert_eq!(verdict, Err(VerifyError::Refused(Refusal::UnknownKey)));
        let verdict = verifier.verify(&token(&forger, "k1", "the-platform")).await;
        assert_eq!(verdict, Err(VerifyError::Refused(Refusal::Signature)));
    }
    assert!(verifier.verify(&token(&signer, "k1", "the-platform")).await.is_ok());
    assert_eq!(asked(&server, "/keys").await, 2, "at first, and once to look for newer ones");
}

#[tokio::test]
async fn a_new_key_is_found_when_it_is_first_seen() {
    let (server, old, new) = (MockServer::start().await, Signer::ed(), Signer::ed());
    answer(&server, "/keys", set(&[old.jwk("old")])).await;
    let verifier = given(&server, "the-platform");
    assert!(verifier.verify(&token(&old, "old", "the-platform")).await.is_ok());
    server.reset().await;
    answer(&server, "/keys", set(&[new.jwk("new")])).await;
    assert!(verifier.verify(&token(&new, "new", "the-platform")).await.is_ok());
    let taken_back = verifier.verify(&token(&old, "old", "the-platform")).await;
    assert_eq!(taken_back, Err(VerifyError::Refused(Refusal::UnknownKey)));
    assert_eq!(asked(&server, "/keys").await, 1, "since the change");
}

#[tokio::test]
async fn an_issuer_that_is_not_there_is_no_obstacle() {
    // A port that was free a moment ago; nothing listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let verifier = JwtVerifier::new(Settings::new(format!("http://127.0.0.1:{port}"), AUDIENCE)).unwrap();
    verifier.prepare().await;
    let verdict = verifier.verify(&token(&Signer::ed(), "k1", "x")).await;
    assert_eq!(verdict, Err(VerifyError::Unavailable));
}
