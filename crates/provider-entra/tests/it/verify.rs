//! Trying a connection.

use directory_core::RunErrorCode;
use rstest::rstest;
use serde_json::json;
use wiremock::ResponseTemplate;

use crate::support::{
    Entra, GROUP, REQUEST_ID, answer, assert_configuration, assert_transient, graph_error, header, impatient, page,
};

#[tokio::test]
async fn a_directory_takes_one_small_request() {
    let entra = Entra::start().await;
    entra.graph([page(&["u1"], Some(&entra.link("a")))]).await;
    entra.users().verify().await.expect("verified");
    let reads = entra.reads().await;
    assert_eq!(reads.len(), 1);
    assert_eq!(reads[0].url.path(), "/v1.0/users");
    let query = "$select=id,accountEnabled,displayName,mail,userPrincipalName&$top=1";
    assert_eq!(reads[0].url.query(), Some(query));
}

#[tokio::test]
async fn a_group_takes_two() {
    let entra = Entra::start().await;
    entra.graph([answer(200).set_body_json(json!({"@odata.context": "x", "id": GROUP})), page(&[], None)]).await;
    entra.connect(Some(GROUP), true).verify().await.expect("an empty group is fine");
    let reads = entra.reads().await;
    assert_eq!(reads.len(), 2);
    assert_eq!(reads[0].url.path(), format!("/v1.0/groups/{GROUP}"));
    assert_eq!(reads[0].url.query(), Some("$select=id"));
    assert_eq!(reads[1].url.path(), format!("/v1.0/groups/{GROUP}/transitiveMembers/microsoft.graph.user"));
    assert!(reads[1].url.query().is_some_and(|query| query.ends_with("&$top=1&$count=true")));
    assert_eq!(header(&reads[1], "consistencylevel"), Some("eventual"));
}

#[rstest]
#[case(None, vec![graph_error(403, "Authorization_RequestDenied")], RunErrorCode::PermissionMissing, "User.Read.All")]
#[case(Some(GROUP), vec![graph_error(403, "Authorization_RequestDenied")], RunErrorCode::PermissionMissing, "GroupMember.Read.All")]
#[case(Some(GROUP), vec![graph_error(404, "Request_ResourceNotFound")], RunErrorCode::GroupNotFound, "group ID")]
#[case(
    Some(GROUP),
    vec![
        answer(200).set_body_json(json!({"id": GROUP})),
        answer(200).set_body_json(json!({"value": [{"@odata.type": "#microsoft.graph.user", "id": "u1"}]})),
    ],
    RunErrorCode::PermissionMissing,
    "User.Read.All"
)]
#[tokio::test]
async fn failures_are_those_of_a_listing(
    #[case] group: Option<&str>,
    #[case] answers: Vec<ResponseTemplate>,
    #[case] code: RunErrorCode,
    #[case] hint: &str,
) {
    let entra = Entra::start().await;
    entra.graph(answers).await;
    let error = entra.connect(group, false).verify().await.expect_err("refused");
    assert_configuration(&error, code, "", hint);
    assert_eq!(error.request_id.as_deref(), Some(REQUEST_ID));
}

#[tokio::test]
async fn a_person_does_not_wait_for_a_throttled_directory() {
    let entra = Entra::start().await;
    entra.graph([graph_error(429, "TooManyRequests").insert_header("retry-after", "30")]).await;
    assert_transient(&entra.users().verify().await.expect_err("throttled"), RunErrorCode::Throttled);
    assert_eq!(entra.reads().await.len(), 1);
}

#[tokio::test]
async fn nor_long_for_a_broken_one() {
    let mut entra = Entra::start().await;
    entra.bounds = impatient();
    entra.graph([graph_error(503, "serviceNotAvailable")]).await;
    assert_transient(&entra.users().verify().await.expect_err("gives up"), RunErrorCode::ProviderUnavailable);
}
