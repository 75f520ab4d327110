//! Certificates and federated tokens: what is sent instead of a secret, and what is refused before anything is sent.

use std::{fs, time::Duration};

use directory_core::{Check, CheckOutcome, Credential, FailureKind, ProviderError, ProviderFactory, RunErrorCode};
use rstest::rstest;
use serde_json::json;
use wiremock::{Request, ResponseTemplate};

use crate::support::{
    CLIENT, DIRECTORY, Entra, GROUP, SECRET, assert_configuration, assert_transient, form, ids, impatient, page,
    secret, settings, token,
};

pub(crate) const KEY: &str = include_str!("../credentials/rsa.key.pem");
pub(crate) const CERTIFICATE: &str = include_str!("../credentials/rsa.crt.pem");
const EXPIRED: &str = include_str!("../credentials/rsa.expired.crt.pem");
const OTHER: &str = include_str!("../credentials/other.crt.pem");

pub(crate) fn certificate() -> Credential {
    pem(&[KEY, CERTIFICATE])
}

fn pem(parts: &[&str]) -> Credential {
    Credential::Certificate(parts.concat().into())
}

/// What only the server's operator can mend is no fault of the connection, and quarantines nothing.
fn assert_refused(error: &ProviderError, code: RunErrorCode, message: &str, hint: &str) {
    if code == RunErrorCode::Internal {
        assert_transient(error, code);
        assert!(error.message.contains(message) && error.hint.contains(hint), "{error:?}");
    } else {
        assert_configuration(error, code, message, hint);
    }
}

fn refusal(status: u16, error: &str, code: u32) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(json!({"error": error, "error_codes": [code], "trace_id": "trace-1"}))
}

/// The assertion of a token request that is the documented one apart from it.
fn assertion_of(request: &Request) -> String {
    let mut form = form(request);
    let assertion = form.remove("client_assertion").expect("an assertion");
    let expected = [
        ("grant_type", "client_credentials"),
        ("client_id", CLIENT),
        ("scope", "https://graph.microsoft.com/.default"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
    ];
    assert_eq!(form, expected.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
    assertion
}

#[tokio::test]
async fn a_certificate_signs_each_token_request_anew() {
    let mut entra = Entra::with_login([token("short", 0), token("long", 3600)]).await;
    entra.credential = certificate();
    entra.graph([page(&["u1"], Some(&entra.link("a"))), page(&["u2"], None)]).await;
    assert_eq!(ids(&*entra.users()).await.expect("listed"), ["u1", "u2"]);
    let asked = entra.tokens_asked().await;
    let assertions: Vec<_> = asked.iter().map(assertion_of).collect();
    assert_eq!(assertions.len(), 2);
    assert_ne!(assertions[0], assertions[1]);
    let audience = format!("\"aud\":\"{}/{DIRECTORY}/oauth2/v2.0/token\"", entra.server.uri());
    for assertion in assertions {
        let [_, claims, _] = assertion.split('.').collect::<Vec<_>>()[..] else { panic!("{assertion}") };
        assert!(decoded(claims).contains(&audience), "{}", decoded(claims));
    }
}

fn decoded(part: &str) -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    String::from_utf8(URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("text")
}

#[tokio::test]
async fn a_federated_token_is_read_for_each_token_request() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("token");
    let mut entra = Entra::with_login([token("short", 0), token("long", 3600)]).await;
    (entra.credential, entra.token_file) = (Credential::FederatedToken, Some(file.clone()));
    entra.graph([page(&["u1"], Some(&entra.link("a"))), page(&["u2"], None)]).await;
    let provider = entra.connect(Some(GROUP), true);
    let mut listing = provider.list().await.expect("started");
    for text in ["ey.first.token\n", "ey.second.token\n"] {
        fs::write(&file, text).expect("written");
        listing.next_page().await.expect("read");
    }
    let asked = entra.tokens_asked().await;
    assert_eq!(asked.iter().map(assertion_of).collect::<Vec<_>>(), ["ey.first.token", "ey.second.token"]);
}

#[rstest]
#[case(None)]
#[case(Some("ey.but not a token"))]
#[tokio::test]
async fn a_file_without_a_token_asks_nobody(#[case] content: Option<&str>) {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("token");
    if let Some(content) = content {
        fs::write(&file, content).expect("written");
    }
    let mut entra = Entra::start().await;
    (entra.credential, entra.token_file) = (Credential::FederatedToken, Some(file));
    let error = ids(&*entra.users()).await.expect_err("no token");
    assert_refused(&error, RunErrorCode::Internal, "federated token", "DIRECTORY_FEDERATED_TOKEN_FILE");
    assert!(entra.server.received_requests().await.expect("recorded").is_empty());
}

#[rstest]
#[case(secret(), 401, "invalid_client", 700_027, RunErrorCode::CredentialInvalid, "client secret")]
#[case(certificate(), 401, "invalid_client", 700_027, RunErrorCode::CredentialInvalid, "certificate")]
#[case(certificate(), 401, "invalid_client", 700_024, RunErrorCode::Internal, "clock")]
#[case(Credential::FederatedToken, 401, "invalid_client", 700_024, RunErrorCode::Internal, "renews the token")]
#[case(Credential::FederatedToken, 400, "invalid_request", 50_012, RunErrorCode::CredentialInvalid, "issuer")]
#[tokio::test]
async fn refusals_speak_of_the_credential(
    #[case] credential: Credential,
    #[case] status: u16,
    #[case] error: &str,
    #[case] aadsts: u32,
    #[case] code: RunErrorCode,
    #[case] hint: &str,
) {
    let file = token_file();
    let mut entra = Entra::with_login([refusal(status, error, aadsts)]).await;
    (entra.credential, entra.token_file) = (credential, Some(file.path().to_owned()));
    let error = ids(&*entra.users()).await.expect_err("refused");
    assert_refused(&error, code, &format!("AADSTS{aadsts}"), hint);
    assert_eq!(entra.tokens_asked().await.len(), 1);
}

fn token_file() -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().expect("file");
    fs::write(file.path(), "ey.federated.token").expect("written");
    file
}

#[tokio::test]
async fn a_federated_credential_that_is_new_is_waited_for() {
    let file = token_file();
    let unmatched = refusal(400, "invalid_request", 70_021);
    let mut entra = Entra::with_login([unmatched.clone(), unmatched, token("token-1", 3600)]).await;
    (entra.credential, entra.token_file) = (Credential::FederatedToken, Some(file.path().to_owned()));
    entra.graph([page(&["u1"], None)]).await;
    assert_eq!(ids(&*entra.users()).await.expect("listed"), ["u1"]);
}

#[tokio::test]
async fn one_that_does_not_exist_is_a_configuration_error_in_the_end() {
    let file = token_file();
    let mut entra = Entra::with_login([refusal(401, "invalid_client", 700_213)]).await;
    (entra.credential, entra.token_file) = (Credential::FederatedToken, Some(file.path().to_owned()));
    entra.bounds = impatient();
    let checks = entra.users().verify().await;
    assert!(matches!(&checks[0], Check { outcome: CheckOutcome::Failed(error), .. } if error.hint.contains("minutes")));
    assert_eq!(entra.tokens_asked().await.len(), 1, "whoever looks on is told at once");
    let error = ids(&*entra.users()).await.expect_err("refused");
    assert_configuration(&error, RunErrorCode::CredentialInvalid, "AADSTS700213", "minutes");
    assert!(entra.tokens_asked().await.len() > 3);
}

#[rstest]
#[case(Credential::ClientSecret("".into()), RunErrorCode::CredentialInvalid, "client secret")]
#[case(Credential::Certificate(SECRET.into()), RunErrorCode::CredentialInvalid, "PEM")]
#[case(pem(&[KEY, OTHER]), RunErrorCode::CredentialInvalid, "belong together")]
#[case(pem(&[KEY, EXPIRED]), RunErrorCode::CredentialExpired, "2021-02-03T04:05:06Z")]
#[case(Credential::FederatedToken, RunErrorCode::Internal, "federated token")]
#[tokio::test]
async fn what_cannot_work_is_refused_before_any_request(
    #[case] credential: Credential,
    #[case] code: RunErrorCode,
    #[case] message: &str,
) {
    let entra = Entra::start().await;
    let error = entra.factory().connect(&settings(None, true, None), credential).err().expect("refused");
    assert_refused(&error, code, message, "");
}

#[rstest]
#[case(secret(), None)]
#[case(Credential::FederatedToken, None)]
#[case(certificate(), Some(2_524_607_998))]
#[case(pem(&[KEY, EXPIRED]), Some(1_612_325_106))]
#[tokio::test]
async fn only_a_certificate_says_when_it_ends(#[case] credential: Credential, #[case] unix_seconds: Option<u64>) {
    let entra = Entra::start().await;
    let end = unix_seconds.map(|seconds| std::time::UNIX_EPOCH + Duration::from_secs(seconds));
    assert_eq!(entra.factory().expiry(&credential).expect("readable"), end);
    let error = entra.factory().expiry(&pem(&[CERTIFICATE])).expect_err("no key");
    assert_eq!(error.kind, FailureKind::Configuration);
}
