//! Listings of a group.

use directory_core::{DirectoryEntry, RunErrorCode};
use rstest::rstest;
use serde_json::json;

use crate::support::{
    Entra, GROUP, REQUEST_ID, answer, assert_configuration, assert_protocol, graph_error, header, ids, list, page, user,
};

#[rstest]
#[case(false, "members")]
#[case(true, "transitiveMembers")]
#[tokio::test]
async fn members_are_cast_and_the_header_is_sent_with_every_page(#[case] nested: bool, #[case] members: &str) {
    let entra = Entra::start().await;
    let path = format!("/v1.0/groups/{GROUP}/{members}/microsoft.graph.user");
    let next = format!("{}{path}?$skiptoken=a", entra.server.uri());
    let last = format!("{next}b");
    entra.graph([page(&["u1"], Some(&next)), page(&[], Some(&last)), page(&["u2"], None)]).await;
    let users = ids(&*entra.connect(Some(GROUP), nested)).await.expect("listed");
    assert_eq!(users, ["u1", "u2"]);

    let reads = entra.reads().await;
    assert_eq!(reads.len(), 3);
    let query = reads[0].url.query().expect("query");
    assert!(query.ends_with("&$top=999&$count=true") && query.contains("accountEnabled,userType"), "{query}");
    for read in &reads {
        assert_eq!(read.url.path(), path);
        assert_eq!(header(read, "consistencylevel"), Some("eventual"), "{}", read.url);
    }
}

#[tokio::test]
async fn only_users_are_taken_where_the_cast_is_not_heeded() {
    let entra = Entra::start().await;
    let mut typed = user("u1");
    typed["@odata.type"] = "#microsoft.graph.user".into();
    let device = json!({"@odata.type": "#microsoft.graph.device", "id": "d1", "displayName": null});
    entra.graph([answer(200).set_body_json(json!({"value": [device, typed]}))]).await;
    assert_eq!(ids(&*entra.connect(Some(GROUP), false)).await.expect("listed"), ["u1"]);
}

#[tokio::test]
async fn pages_of_other_members_are_not_empty_ones() {
    let mut entra = Entra::start().await;
    entra.bounds.empty_pages = 3;
    let device = json!({"@odata.type": "#microsoft.graph.device", "id": "d1"});
    let devices = |n| json!({"value": [device], "@odata.nextLink": entra.link(&format!("{n}"))});
    let mut pages: Vec<_> = (0..8).map(|n| answer(200).set_body_json(devices(n))).collect();
    pages.push(page(&["u1"], None));
    entra.graph(pages).await;
    assert_eq!(ids(&*entra.connect(Some(GROUP), true)).await.expect("listed"), ["u1"]);
}

#[tokio::test]
async fn a_proxys_bad_moment_says_nothing_of_the_group() {
    let entra = Entra::start().await;
    let (denied, gone) = (answer(403).set_body_string("<html>Denied</html>"), answer(404).set_body_string("<html>"));
    let next = entra.link("a");
    entra.graph([denied.clone(), gone.clone(), page(&["u1"], Some(&next)), gone, page(&["u2"], None), denied]).await;
    let provider = entra.connect(Some(GROUP), false);
    assert_eq!(ids(&*provider).await.expect("listed"), ["u1", "u2"]);
    assert_eq!(entra.reads().await.len(), 5);
    assert_protocol(&ids(&*provider).await.expect_err("stays so"), "HTTP 403");
    assert_eq!(entra.reads().await.len(), 8, "asked for twice more");
}

#[rstest]
#[case(404, "Request_ResourceNotFound", RunErrorCode::GroupNotFound, "group ID")]
#[case(403, "Authorization_RequestDenied", RunErrorCode::PermissionMissing, "GroupMember.Read.All")]
#[case(403, "Authorization_RequestDenied", RunErrorCode::PermissionMissing, "User.Read.All")]
#[tokio::test]
async fn a_group_that_cannot_be_read(
    #[case] status: u16,
    #[case] graph_code: &str,
    #[case] code: RunErrorCode,
    #[case] hint: &str,
) {
    let entra = Entra::start().await;
    entra.graph([graph_error(status, graph_code)]).await;
    let error = ids(&*entra.connect(Some(GROUP), true)).await.expect_err("refused");
    assert_configuration(&error, code, graph_code, hint);
    assert_eq!(error.request_id.as_deref(), Some(REQUEST_ID));
    assert_eq!(entra.reads().await.len(), 1);
}

#[tokio::test]
async fn members_of_nulls_are_a_missing_permission() {
    let entra = Entra::start().await;
    let concealed = json!({
        "@odata.type": "#microsoft.graph.user", "id": "u2", "displayName": null, "givenName": null, "surname": null,
        "mail": null, "userPrincipalName": null, "accountEnabled": null, "userType": null,
    });
    let body = json!({"@odata.nextLink": entra.link("a"), "value": [user("u1"), concealed]});
    entra.graph([answer(200).set_body_json(body)]).await;
    let mut listing = entra.connect(Some(GROUP), false).list().await.expect("listing");
    let error = listing.next_page().await.expect_err("no page with nameless people");
    assert_configuration(&error, RunErrorCode::PermissionMissing, "User.Read.All", "admin consent");
    assert_eq!(error.request_id.as_deref(), Some(REQUEST_ID));
    assert_eq!(listing.next_page().await.expect_err("stays failed"), error);
    assert_eq!(entra.reads().await.len(), 1, "the listing does not go on");
}

#[tokio::test]
async fn a_user_with_few_values_is_data() {
    let entra = Entra::start().await;
    let sparse = json!({"id": "u1", "displayName": null, "mail": null, "userPrincipalName": "u1@example.org"});
    entra.graph([answer(200).set_body_json(json!({"value": [sparse]}))]).await;
    let entries = list(&*entra.connect(Some(GROUP), false)).await.expect("listed");
    let [DirectoryEntry::Present(user)] = entries.as_slice() else { panic!("{entries:?}") };
    assert_eq!((user.enabled, &user.display_name, &user.mail), (None, &None, &None));
}
