//! Trying a connection.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use directory_core::{Check, CheckOutcome, CheckSubject, DirectoryProvider, ProviderError, RunErrorCode};
use rstest::rstest;
use serde_json::json;
use wiremock::ResponseTemplate;

use crate::support::{
    Entra, GROUP, REQUEST_ID, answer, assert_configuration, assert_transient, graph_error, header, impatient, page,
    token,
};

const USERS: CheckSubject = CheckSubject::Permission("User.Read.All");
const MEMBERS: CheckSubject = CheckSubject::Permission("GroupMember.Read.All");

/// A token like Entra's own.
fn token_with(roles: &[&str]) -> ResponseTemplate {
    let claims = json!({"aud": "https://graph.microsoft.com", "roles": roles}).to_string();
    token(&format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims)), 3600)
}

fn group() -> ResponseTemplate {
    answer(200).set_body_json(json!({"@odata.context": "x", "id": GROUP}))
}

/// A member who shows nothing but an id.
fn concealed() -> ResponseTemplate {
    answer(200).set_body_json(json!({"value": [{"@odata.type": "#microsoft.graph.user", "id": "u1"}]}))
}

fn denied() -> ResponseTemplate {
    graph_error(403, "Authorization_RequestDenied")
}

/// The subjects, each with `+`, `-` or `?`.
async fn verify(provider: &dyn DirectoryProvider) -> Vec<(CheckSubject, char)> {
    let sign = |Check { subject, outcome }| match outcome {
        CheckOutcome::Passed => (subject, '+'),
        CheckOutcome::Failed(_) => (subject, '-'),
        CheckOutcome::Unknown => (subject, '?'),
    };
    provider.verify().await.into_iter().map(sign).collect()
}

/// Why this check failed.
async fn failure(provider: &dyn DirectoryProvider, of: CheckSubject) -> ProviderError {
    let found = provider.verify().await.into_iter().find(|check| check.subject == of);
    let Some(Check { outcome: CheckOutcome::Failed(error), .. }) = found else { panic!("{of:?}: {found:?}") };
    error
}

#[tokio::test]
async fn a_directory_takes_one_small_request() {
    let entra = Entra::with_login([token_with(&["User.Read.All"])]).await;
    entra.graph([page(&["u1"], Some(&entra.link("a")))]).await;
    let checks = verify(&*entra.users()).await;
    assert_eq!(checks, [(CheckSubject::Token, '+'), (USERS, '+'), (CheckSubject::Users, '+')]);
    let reads = entra.reads().await;
    assert_eq!((reads.len(), entra.tokens_asked().await.len()), (1, 1));
    assert_eq!(reads[0].url.path(), "/v1.0/users");
    let query = "$select=id,accountEnabled,displayName,mail,userPrincipalName&$top=1";
    assert_eq!(reads[0].url.query(), Some(query));
}

#[tokio::test]
async fn a_group_takes_three() {
    let entra = Entra::with_login([token_with(&["Directory.Read.All"])]).await;
    entra.graph([page(&["u1"], None), group(), page(&[], None)]).await;
    let checks = verify(&*entra.connect(Some(GROUP), true)).await;
    let subjects = [CheckSubject::Token, USERS, MEMBERS, CheckSubject::Users, CheckSubject::Group];
    assert_eq!(checks, subjects.map(|subject| (subject, '+')), "an empty group is fine");
    let reads = entra.reads().await;
    assert_eq!((reads.len(), entra.tokens_asked().await.len()), (3, 1));
    assert_eq!(reads[0].url.path(), "/v1.0/users");
    assert_eq!(reads[1].url.path(), format!("/v1.0/groups/{GROUP}"));
    assert_eq!(reads[1].url.query(), Some("$select=id"));
    assert_eq!(reads[2].url.path(), format!("/v1.0/groups/{GROUP}/transitiveMembers/microsoft.graph.user"));
    assert!(reads[2].url.query().is_some_and(|query| query.ends_with("&$top=1&$count=true")));
    assert_eq!(header(&reads[2], "consistencylevel"), Some("eventual"));
}

/// In the report's order: token, users' permission, members' permission, users, group.
#[rstest]
#[case::a_token_that_nobody_can_read(token("opaque", 3600), vec![page(&["u1"], None), group(), page(&[], None)], "+??++")]
#[case::a_token_without_roles(token_with(&[]), vec![page(&["u1"], None), group(), page(&[], None)], "+??++")]
#[case::nothing_consented(token_with(&[]), vec![denied()], "+----")]
#[case::nothing_consented_and_opaque(token("opaque", 3600), vec![denied()], "+----")]
#[case::no_users(token_with(&["GroupMember.Read.All"]), vec![denied(), group(), concealed()], "+-+--")]
#[case::no_members(token_with(&["User.Read.All"]), vec![page(&["u1"], None), denied()], "++-+-")]
#[case::concealed_members(
    token_with(&["User.Read.All", "Group.Read.All"]),
    vec![page(&["u1"], None), group(), concealed()],
    "++++-"
)]
#[case::hidden_members(
    token_with(&["User.Read.All", "Group.Read.All"]),
    vec![page(&["u1"], None), group(), denied()],
    "++++-"
)]
#[case::no_group(token("opaque", 3600), vec![page(&["u1"], None), graph_error(404, "Request_ResourceNotFound")], "+??+-")]
#[case::refused_tokens(token_with(&["User.Read.All"]), vec![graph_error(401, "InvalidAuthenticationToken")], "++?-?")]
#[case::no_token(ResponseTemplate::new(400).set_body_json(json!({"error": "invalid_client"})), vec![], "-????")]
#[tokio::test]
async fn each_thing_has_its_outcome(
    #[case] login: ResponseTemplate,
    #[case] graph: Vec<ResponseTemplate>,
    #[case] outcomes: &str,
) {
    let entra = Entra::with_login([login]).await;
    if !graph.is_empty() {
        entra.graph(graph).await;
    }
    let checks = verify(&*entra.connect(Some(GROUP), false)).await;
    let subjects = [CheckSubject::Token, USERS, MEMBERS, CheckSubject::Users, CheckSubject::Group];
    let expected: Vec<_> = subjects.into_iter().zip(outcomes.chars()).collect();
    assert_eq!(checks, expected);
}

#[rstest]
#[case(None, USERS, vec![denied()], RunErrorCode::PermissionMissing, "User.Read.All")]
#[case(None, CheckSubject::Users, vec![denied()], RunErrorCode::PermissionMissing, "User.Read.All")]
#[case(Some(GROUP), MEMBERS, vec![page(&[], None), denied()], RunErrorCode::PermissionMissing, "GroupMember.Read.All")]
#[case(Some(GROUP), CheckSubject::Group, vec![page(&[], None), graph_error(404, "Request_ResourceNotFound")], RunErrorCode::GroupNotFound, "group ID")]
#[case(Some(GROUP), CheckSubject::Group, vec![page(&[], None), group(), concealed()], RunErrorCode::PermissionMissing, "User.Read.All")]
#[tokio::test]
async fn failures_are_those_of_a_listing(
    #[case] scope: Option<&str>,
    #[case] subject: CheckSubject,
    #[case] answers: Vec<ResponseTemplate>,
    #[case] code: RunErrorCode,
    #[case] hint: &str,
) {
    let entra = Entra::start().await;
    entra.graph(answers).await;
    let error = failure(&*entra.connect(scope, false), subject).await;
    assert_configuration(&error, code, "", hint);
    assert_eq!(error.request_id.as_deref(), Some(REQUEST_ID));
}

#[tokio::test]
async fn a_person_does_not_wait_for_a_throttled_directory() {
    let entra = Entra::start().await;
    entra.graph([graph_error(429, "TooManyRequests").insert_header("retry-after", "30")]).await;
    let provider = entra.connect(Some(GROUP), false);
    assert_transient(&failure(&*provider, CheckSubject::Users).await, RunErrorCode::Throttled);
    assert_eq!(entra.reads().await.len(), 1);
}

#[tokio::test]
async fn nor_for_a_throttled_login() {
    let busy = ResponseTemplate::new(429).insert_header("retry-after", "60").set_body_string("Too Many Requests");
    let entra = Entra::with_login([busy]).await;
    assert_transient(&failure(&*entra.users(), CheckSubject::Token).await, RunErrorCode::Throttled);
    assert_eq!((entra.tokens_asked().await.len(), entra.reads().await.len()), (1, 0));
}

#[tokio::test]
async fn nor_long_for_a_broken_one() {
    let mut entra = Entra::start().await;
    entra.bounds = impatient();
    entra.graph([graph_error(503, "serviceNotAvailable")]).await;
    assert_transient(&failure(&*entra.users(), CheckSubject::Users).await, RunErrorCode::ProviderUnavailable);
}

#[tokio::test]
async fn all_checks_share_one_budget() {
    let mut entra = Entra::start().await;
    entra.bounds = impatient();
    let never = Duration::from_mins(10);
    entra.graph([page(&["u1"], None), group().set_delay(never)]).await;
    let provider = entra.connect(Some(GROUP), false);
    assert_transient(&failure(&*provider, CheckSubject::Group).await, RunErrorCode::ProviderUnavailable);
    assert_eq!(entra.reads().await.len(), 2);
}
