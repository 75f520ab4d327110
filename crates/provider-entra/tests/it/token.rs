//! The token: asked for as documented, kept, renewed, refused.

use directory_core::{FailureKind, ProviderError, RunErrorCode, first_failure};
use rstest::rstest;
use serde_json::json;
use std::time::Duration;
use wiremock::{MockServer, ResponseTemplate};

use crate::support::{
    CLIENT, DIRECTORY, Entra, GROUP, SECRET, answer, assert_configuration, assert_protocol, assert_transient, form,
    graph_error, header, ids, impatient, page, token,
};

fn refusal(status: u16, error: &str, code: u32) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(json!({
        "error": error,
        "error_description": format!("AADSTS{code}: text\r\nTrace ID: t\r\nCorrelation ID: c"),
        "error_codes": [code], "timestamp": "2026-11-23 08:00:00Z", "trace_id": "trace-1", "correlation_id": "c",
    }))
}

async fn refused(entra: &Entra) -> ProviderError {
    entra.graph([page(&["u1"], None)]).await;
    let error = ids(&*entra.users()).await.expect_err("refused");
    assert!(entra.reads().await.is_empty(), "Graph was asked without a token");
    error
}

#[tokio::test]
async fn the_request_is_the_documented_one() {
    let mut entra = Entra::start().await;
    entra.cloud = Some("usGov".to_owned());
    entra.graph([page(&["u1"], None)]).await;
    ids(&*entra.users()).await.expect("listed");

    let asked = entra.tokens_asked().await;
    let [request] = asked.as_slice() else { panic!("{} token requests", asked.len()) };
    assert_eq!(request.url.path(), format!("/{DIRECTORY}/oauth2/v2.0/token"));
    assert_eq!(request.url.query(), None);
    assert_eq!(header(request, "content-type"), Some("application/x-www-form-urlencoded"));
    assert!(header(request, "client-request-id").is_some());
    assert_eq!(header(request, "authorization"), None);
    let expected = [
        ("grant_type", "client_credentials"),
        ("client_id", CLIENT),
        ("client_secret", SECRET),
        ("scope", "https://graph.microsoft.us/.default"),
    ];
    assert_eq!(form(request), expected.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
    let read = &entra.reads().await[0];
    assert_eq!(header(read, "authorization"), Some("Bearer token-1"));
}

#[tokio::test]
async fn one_token_serves_pages_listings_and_verifications() {
    let entra = Entra::start().await;
    entra.graph([page(&["u1"], Some(&entra.link("a"))), page(&["u2"], None)]).await;
    let provider = entra.users();
    assert_eq!(ids(&*provider).await.expect("listed"), ["u1", "u2"]);
    ids(&*provider).await.expect("listed");
    first_failure(provider.verify().await).expect("verified");
    assert_eq!(entra.tokens_asked().await.len(), 1);
    assert_eq!(entra.reads().await.len(), 4);
}

#[tokio::test]
async fn a_token_that_ends_mid_run_is_renewed() {
    let entra = Entra::with_login([token("short", 0), token("long", 3600)]).await;
    entra.graph([page(&["u1"], Some(&entra.link("a"))), page(&["u2"], Some(&entra.link("b"))), page(&[], None)]).await;
    ids(&*entra.connect(Some(GROUP), true)).await.expect("listed");
    let reads = entra.reads().await;
    let used: Vec<_> = reads.iter().map(|read| header(read, "authorization")).collect();
    assert_eq!(used, [Some("Bearer short"), Some("Bearer long"), Some("Bearer long")]);
    assert_eq!(entra.tokens_asked().await.len(), 2);
}

#[tokio::test]
async fn a_401_mid_run_gets_a_new_token_and_the_same_page() {
    let entra = Entra::start().await;
    let challenge = graph_error(401, "InvalidAuthenticationToken").insert_header("www-authenticate", "Bearer");
    entra.graph([page(&["u1"], Some(&entra.link("a"))), challenge, page(&["u2"], None)]).await;
    assert_eq!(ids(&*entra.users()).await.expect("listed"), ["u1", "u2"]);
    let reads = entra.reads().await;
    assert_eq!(reads[1].url, reads[2].url);
    assert_eq!(header(&reads[1], "authorization"), Some("Bearer token-1"));
    assert_eq!(header(&reads[2], "authorization"), Some("Bearer token-2"));
    assert_eq!(entra.tokens_asked().await.len(), 2);
}

#[rstest]
#[case("InvalidAuthenticationToken", RunErrorCode::CredentialInvalid, "cloud")]
#[case("Authorization_IdentityNotFound", RunErrorCode::AppNotFound, "consent")]
#[tokio::test]
async fn a_second_401_is_the_end(#[case] graph_code: &str, #[case] code: RunErrorCode, #[case] hint: &str) {
    let entra = Entra::start().await;
    entra.graph([graph_error(401, graph_code)]).await;
    let error = ids(&*entra.users()).await.expect_err("refused");
    assert_configuration(&error, code, graph_code, hint);
    assert!(error.request_id.is_some());
    assert_eq!((entra.reads().await.len(), entra.tokens_asked().await.len()), (2, 2));
}

#[tokio::test]
async fn a_401_that_is_not_graphs_does_not_condemn_the_connection() {
    let entra = Entra::start().await;
    entra.graph([answer(401).set_body_string("<html>Sign in to the proxy</html>")]).await;
    assert_protocol(&ids(&*entra.users()).await.expect_err("refused"), "HTTP 401");
    assert_eq!(entra.tokens_asked().await.len(), 2, "it may have been the token all the same");
}

#[tokio::test]
async fn a_token_from_before_the_consent_is_not_used_after_a_403() {
    let entra = Entra::start().await;
    entra.graph([graph_error(403, "Authorization_RequestDenied"), page(&["u1"], None)]).await;
    let provider = entra.users();
    ids(&*provider).await.expect_err("no consent yet");
    ids(&*provider).await.expect("consent given");
    assert_eq!(header(&entra.reads().await[1], "authorization"), Some("Bearer token-2"));
}

#[rstest]
#[case(401, "invalid_client", 7_000_215, RunErrorCode::CredentialInvalid, "not its Secret ID")]
#[case(401, "invalid_client", 7_000_222, RunErrorCode::CredentialExpired, "new client secret")]
#[case(400, "unauthorized_client", 700_016, RunErrorCode::AppNotFound, "client ID")]
#[case(400, "invalid_request", 90_002, RunErrorCode::DirectoryNotFound, "cloud")]
#[case(400, "invalid_request", 900_382, RunErrorCode::DirectoryNotFound, "cloud")]
#[case(400, "interaction_required", 53_003, RunErrorCode::PermissionMissing, "Conditional Access")]
#[tokio::test]
async fn refusals_say_what_to_do(
    #[case] status: u16,
    #[case] error: &str,
    #[case] aadsts: u32,
    #[case] code: RunErrorCode,
    #[case] hint: &str,
) {
    let entra = Entra::with_login([refusal(status, error, aadsts)]).await;
    let error = refused(&entra).await;
    assert_configuration(&error, code, &format!("AADSTS{aadsts}"), hint);
    assert_eq!(error.request_id.as_deref(), Some("trace-1"));
    assert_eq!(entra.tokens_asked().await.len(), 1);
}

#[tokio::test]
async fn a_refused_scope_is_a_protocol_error() {
    let entra = Entra::with_login([refusal(400, "invalid_scope", 1_002_012)]).await;
    assert_protocol(&refused(&entra).await, "AADSTS1002012");
    assert_eq!(entra.tokens_asked().await.len(), 1);
}

#[tokio::test]
async fn plain_text_throttling_is_waited_out() {
    let throttled = ResponseTemplate::new(429).insert_header("retry-after", "0").set_body_string("Too Many Requests");
    let entra = Entra::with_login([throttled.clone(), throttled, token("token-1", 3600)]).await;
    entra.graph([page(&["u1"], None)]).await;
    assert_eq!(ids(&*entra.users()).await.expect("listed"), ["u1"]);
    assert_eq!(entra.tokens_asked().await.len(), 3);
}

#[tokio::test]
async fn throttling_for_too_long_ends_the_run_at_once() {
    let throttled =
        ResponseTemplate::new(429).insert_header("retry-after", "3600").set_body_string("Too Many Requests");
    let entra = Entra::with_login([throttled.insert_header("x-ms-request-id", "login-1")]).await;
    let error = refused(&entra).await;
    assert_eq!(error.code, RunErrorCode::Throttled);
    assert_eq!(error.kind, FailureKind::Transient { retry_after: Some(Duration::from_hours(1)) });
    assert_eq!(error.request_id.as_deref(), Some("login-1"));
    assert_eq!(entra.tokens_asked().await.len(), 1);
}

#[rstest]
#[case(ResponseTemplate::new(503))]
#[case(ResponseTemplate::new(504).set_body_string("<html>Gateway timeout</html>"))]
#[case(refusal(400, "invalid_request", 90_033))]
#[case(refusal(400, "temporarily_unavailable", 1))]
#[tokio::test]
async fn passing_failures_are_repeated(#[case] failure: ResponseTemplate) {
    let entra = Entra::with_login([failure.clone(), failure, token("token-1", 3600)]).await;
    entra.graph([page(&["u1"], None)]).await;
    assert_eq!(ids(&*entra.users()).await.expect("listed"), ["u1"]);
    assert_eq!(entra.tokens_asked().await.len(), 3);
}

#[tokio::test]
async fn a_login_service_that_stays_broken_is_unavailable() {
    let mut entra = Entra::with_login([ResponseTemplate::new(503)]).await;
    entra.bounds = impatient();
    assert_transient(&refused(&entra).await, RunErrorCode::ProviderUnavailable);
    assert!(entra.tokens_asked().await.len() > 1);
}

#[rstest]
#[case(ResponseTemplate::new(200).set_body_string("<html>Welcome</html>"), 3, "not JSON")]
#[case(ResponseTemplate::new(200), 3, "not JSON")]
#[case(ResponseTemplate::new(200).set_body_json(json!({"expires_in": 3600})), 1, "no usable token")]
#[case(ResponseTemplate::new(200).set_body_string(" ".repeat(300 << 10)), 1, "larger")]
#[tokio::test]
async fn answers_without_a_token(#[case] response: ResponseTemplate, #[case] requests: usize, #[case] message: &str) {
    let entra = Entra::with_login([response]).await;
    assert_protocol(&refused(&entra).await, message);
    assert_eq!(entra.tokens_asked().await.len(), requests);
}

#[rstest]
#[case(302)]
#[case(307)]
#[case(308)]
#[tokio::test]
async fn the_secret_does_not_follow_a_redirect(#[case] status: u16) {
    let elsewhere = MockServer::start().await;
    let entra = Entra::with_login([answer(status).insert_header("location", elsewhere.uri())]).await;
    assert_protocol(&refused(&entra).await, "redirect");
    assert!(elsewhere.received_requests().await.expect("recorded").is_empty());
    assert_eq!(entra.tokens_asked().await.len(), 1);
}
