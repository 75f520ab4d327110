//! Listings of a whole directory.

use std::collections::HashSet;

use directory_core::{DirectoryEntry, ExternalId, FailureKind, ListingEnd, RunErrorCode};
use rstest::rstest;
use serde_json::json;

use crate::support::{
    Entra, REQUEST_ID, answer, assert_configuration, assert_protocol, graph_error, header, ids, list, page, user,
};

const FIRST: &str = "/v1.0/users?$select=id,displayName,givenName,surname,mail,userPrincipalName,accountEnabled,\
                     userType&$top=999";

#[tokio::test]
async fn pages_are_followed_to_the_last_even_through_empty_ones() {
    let entra = Entra::start().await;
    let (second, third) = (entra.link("RFNwdA~-_%27x"), entra.link("b&$select=id%2cmail&$top=999"));
    entra.graph([page(&["u1", "u2"], Some(&second)), page(&[], Some(&third)), page(&["u3"], None)]).await;

    let mut listing = entra.users().list().await.expect("listing");
    let mut seen = Vec::new();
    for _ in 0..3 {
        let page = listing.next_page().await.expect("page");
        seen.push((page.entries.len(), page.end));
    }
    assert_eq!(seen, [(2, None), (0, None), (1, Some(ListingEnd::Complete))]);

    let reads = entra.reads().await;
    let path = |link: &str| link.strip_prefix(&entra.server.uri()).expect("own link").to_owned();
    let targets: Vec<_> =
        reads.iter().map(|read| format!("{}?{}", read.url.path(), read.url.query().unwrap())).collect();
    assert_eq!(targets, [FIRST.to_owned(), path(&second), path(&third)]);
    let client_ids: HashSet<_> = reads.iter().map(|read| header(read, "client-request-id").expect("sent")).collect();
    assert_eq!(client_ids.len(), 3, "each request has an id of its own");
    for read in &reads {
        assert_eq!(header(read, "authorization"), Some("Bearer token-1"));
        assert_eq!(header(read, "accept"), Some("application/json"));
        assert_eq!(header(read, "consistencylevel"), None, "users are read from the directory itself");
    }

    let after = listing.next_page().await.expect("still complete");
    assert_eq!((after.entries.len(), after.end), (0, Some(ListingEnd::Complete)));
    assert_eq!(entra.reads().await.len(), 3, "nothing is asked for after the last page");
}

#[rstest]
#[case(400, "Directory_ExpiredPageToken")]
#[case(400, "DirectoryPageTokenNotFoundException")]
#[case(410, "syncStateNotFound")]
#[case(404, "resyncRequired")]
#[tokio::test]
async fn an_expired_page_token_asks_for_a_new_listing(#[case] status: u16, #[case] code: &str) {
    let entra = Entra::start().await;
    let next = entra.link("a");
    let expired = graph_error(status, code);
    entra.graph([page(&["u1"], Some(&next)), expired, page(&["u1"], Some(&next)), page(&["u2"], None)]).await;
    let provider = entra.users();

    let mut listing = provider.list().await.expect("listing");
    listing.next_page().await.expect("first page");
    let error = listing.next_page().await.expect_err("expired");
    assert_eq!(error.kind, FailureKind::ListingExpired);
    assert_eq!(error.request_id.as_deref(), Some(REQUEST_ID));
    assert!(error.message.contains(code), "{error:?}");
    assert_eq!(entra.reads().await.len(), 2, "the dead link is not asked for again");
    assert_eq!(listing.next_page().await.expect_err("stays failed"), error);

    assert_eq!(ids(&*provider).await.expect("listed"), ["u1", "u2"]);
    let reads = entra.reads().await;
    assert_eq!(reads.len(), 4);
    assert_eq!(reads[2].url, reads[0].url, "a new listing starts at page 1");
}

#[tokio::test]
async fn an_unreadable_item_is_one_entry() {
    let entra = Entra::start().await;
    let items = json!({"value": [user("u1"), {"id": "u2", "displayName": 7}, {"displayName": "?"}, user("u3")]});
    entra.graph([answer(200).set_body_json(items)]).await;
    let entries = list(&*entra.users()).await.expect("listed");
    let id = ExternalId::parse("u2");
    assert_eq!(entries[1..3], [DirectoryEntry::Unreadable(id), DirectoryEntry::Unreadable(None)]);
    assert!(matches!(&entries[3], DirectoryEntry::Present(user) if user.external_id.as_str() == "u3"));
}

#[rstest]
#[case(json!({"error": {"code": "UnknownError"}}))]
#[case(json!({"value": null}))]
#[case(json!({"value": {"id": "u1"}}))]
#[case(json!([]))]
#[tokio::test]
async fn a_page_without_a_list_is_never_an_empty_directory(#[case] body: serde_json::Value) {
    let entra = Entra::start().await;
    entra.graph([answer(200).set_body_json(body), page(&["u1"], None)]).await;
    let mut listing = entra.users().list().await.expect("listing");
    let error = listing.next_page().await.expect_err("refused");
    assert_protocol(&error, "lacks what was asked for");
    assert_eq!(error.request_id.as_deref(), Some(REQUEST_ID));
    assert_eq!(listing.next_page().await.expect_err("stays failed"), error);
    assert_eq!(entra.reads().await.len(), 1);
}

#[tokio::test]
async fn a_403_names_the_permission() {
    let entra = Entra::start().await;
    entra.graph([graph_error(403, "Authorization_RequestDenied")]).await;
    let error = ids(&*entra.users()).await.expect_err("denied");
    assert_configuration(&error, RunErrorCode::PermissionMissing, "Authorization_RequestDenied", "User.Read.All");
    assert!(error.hint.contains("admin consent") && !error.hint.contains("GroupMember"), "{error:?}");
    assert_eq!(error.request_id.as_deref(), Some(REQUEST_ID));
    assert!(!format!("{error:?}").contains("ada@example.org"), "quotes Graph: {error:?}");
    assert_eq!(entra.reads().await.len(), 1);
}

#[rstest]
#[case(400, "Request_UnsupportedQuery")]
#[case(404, "Request_ResourceNotFound")]
#[case(501, "NotImplemented")]
#[tokio::test]
async fn refusals_that_nobody_can_cure_are_protocol_errors(#[case] status: u16, #[case] code: &str) {
    let entra = Entra::start().await;
    entra.graph([graph_error(status, code)]).await;
    let error = ids(&*entra.users()).await.expect_err("refused");
    assert_protocol(&error, code);
    assert_eq!(error.request_id.as_deref(), Some(REQUEST_ID));
    assert_eq!(entra.reads().await.len(), 1);
}

#[tokio::test]
async fn the_code_may_be_in_either_inner_error() {
    let entra = Entra::start().await;
    let body =
        json!({"error": {"code": "BadRequest", "innererror": {"innerError": {"code": "Directory_ExpiredPageToken"}}}});
    entra.graph([answer(400).set_body_json(body)]).await;
    let error = ids(&*entra.users()).await.expect_err("expired");
    assert_eq!(error.kind, FailureKind::ListingExpired);
}
