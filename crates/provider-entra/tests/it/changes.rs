//! Listings of what changed.

use directory_core::{
    ChangesTold, Continuation, DirectoryEntry, DirectoryProvider, ExternalId, FailureKind, ListingEnd, ProviderError,
    RunErrorCode,
};
use rstest::rstest;
use serde_json::{Value, json};
use wiremock::{MockServer, ResponseTemplate};

use crate::support::{Entra, GROUP, answer, assert_protocol, graph_error, ids, page, user};

const ADA: &str = "1f6a2c0e-0b1d-4c58-9b1e-5f6a1d2c3b4a";
const BOB: &str = "2f6a2c0e-0b1d-4c58-9b1e-5f6a1d2c3b4a";

fn id(text: &str) -> ExternalId {
    ExternalId::parse(text).expect("id")
}

/// A page of changes that ends with a link of this kind.
fn changes(items: &[Value], kind: &str, link: &str) -> ResponseTemplate {
    let mut body = json!({"value": items});
    body[format!("@odata.{kind}Link")] = link.into();
    answer(200).set_body_json(body)
}

/// The place that a whole listing leaves.
async fn place(provider: &dyn DirectoryProvider) -> Option<Continuation> {
    let mut listing = provider.list().await.expect("listing");
    while listing.next_page().await.expect("page").end.is_none() {
        assert!(listing.continuation().is_none(), "not before the end");
    }
    listing.continuation()
}

struct Told {
    entries: Vec<DirectoryEntry>,
    continuation: Option<Continuation>,
}

async fn told(
    provider: &dyn DirectoryProvider,
    since: &Continuation,
    reread: Vec<ExternalId>,
) -> Result<Told, ProviderError> {
    let mut listing = provider.list_changes(since, reread).await?;
    let mut entries = Vec::new();
    loop {
        let page = listing.next_page().await?;
        entries.extend(page.entries);
        if let Some(end) = page.end {
            assert_eq!(end, ListingEnd::Incremental);
            return Ok(Told { entries, continuation: listing.continuation() });
        }
        assert!(listing.continuation().is_none(), "not before the end");
    }
}

/// A directory without users, and the place that its listing left; what it answers to the next reads.
async fn after_a_listing(answers: impl FnOnce(&Entra) -> Vec<ResponseTemplate>) -> (Entra, Continuation) {
    let entra = Entra::start().await;
    let mut all = vec![page(&[], None)];
    all.extend(answers(&entra));
    entra.graph(all).await;
    let since = place(&*entra.users()).await.expect("a place");
    (entra, since)
}

#[tokio::test]
async fn a_whole_listing_begins_with_the_place_and_a_round_ends_with_the_next() {
    let (entra, since) = after_a_listing(|entra| {
        let next = format!("{}/v1.0/users/delta?$skiptoken=x", entra.server.uri());
        let gone = json!({"id": BOB, "@removed": {"reason": "changed"}});
        vec![changes(&[user(ADA)], "next", &next), changes(&[gone], "delta", &entra.delta_link("second"))]
    })
    .await;
    assert_eq!(entra.latest_asked().await.len(), 1);
    assert!(since.expose().contains("$deltatoken=now") && !format!("{since:?}").contains("now"));

    let Told { entries, continuation } = told(&*entra.users(), &since, vec![]).await.expect("changes");
    let [DirectoryEntry::Present(ada), DirectoryEntry::Removed(bob)] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!((&ada.external_id, bob), (&id(ADA), &id(BOB)));
    assert!(continuation.expect("a place").expose().contains("$deltatoken=second"));
    let reads = entra.reads().await;
    let url = &reads[1].url;
    assert_eq!(
        (url.path(), url.query()),
        ("/v1.0/users/delta", Some("$deltatoken=now")),
        "options are inside the token"
    );
}

#[tokio::test]
async fn who_is_not_told_as_a_whole_is_read_anew() {
    let (entra, since) = after_a_listing(|entra| {
        let part = json!({"id": ADA, "displayName": "Only this", "accountEnabled": false});
        vec![changes(&[part], "delta", &entra.delta_link("second")), page(&[ADA], None)]
    })
    .await;
    let Told { entries, continuation } = told(&*entra.users(), &since, vec![]).await.expect("changes");
    let [DirectoryEntry::Present(ada)] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!(ada.mail.as_deref(), Some(format!("{ADA}@example.org").as_str()), "not taken for cleared");
    let said = (ada.display_name.as_deref(), ada.enabled);
    assert_eq!(said, (Some("Only this"), Some(false)), "whoever answers the second time may lag");
    assert!(continuation.is_some());
    let read = entra.reads().await.pop().expect("a read").url;
    assert_eq!(read.path(), "/v1.0/users");
    let filter = read.query_pairs().find(|(name, _)| name == "$filter").expect("a filter").1.into_owned();
    assert_eq!(filter, format!("id in ('{ADA}')"));
}

/// Whoever is not to be found may be deleted, or not be known everywhere yet: nobody is called absent for that, and the
/// next round tells it again.
#[tokio::test]
async fn who_is_not_found_leaves_the_place_where_it_is() {
    let (entra, since) = after_a_listing(|entra| {
        let part = json!({"id": ADA});
        vec![changes(&[part, user(BOB)], "delta", &entra.delta_link("second")), page(&[], None)]
    })
    .await;
    let Told { entries, continuation } = told(&*entra.users(), &since, vec![]).await.expect("changes");
    assert!(matches!(&entries[..], [DirectoryEntry::Present(bob)] if bob.external_id == id(BOB)), "{entries:?}");
    assert!(continuation.is_none());
}

#[tokio::test]
async fn who_is_told_later_of_the_same_round_is_not_left_open() {
    let (entra, since) = after_a_listing(|entra| {
        let next = format!("{}/v1.0/users/delta?$skiptoken=x", entra.server.uri());
        let part = json!({"id": ADA, "displayName": "Only this"});
        let gone = json!({"id": ADA, "@removed": {"reason": "changed"}});
        vec![changes(&[part], "next", &next), page(&[], None), changes(&[gone], "delta", &entra.delta_link("second"))]
    })
    .await;
    let Told { entries, continuation } = told(&*entra.users(), &since, vec![]).await.expect("changes");
    assert_eq!(entries, [DirectoryEntry::Removed(id(ADA))]);
    assert!(continuation.expect("a place").expose().contains("$deltatoken=second"));
}

#[tokio::test]
async fn whoever_is_asked_for_is_read_first() {
    let guid = |n: usize| format!("{n:08}-0b1d-4c58-9b1e-5f6a1d2c3b4a");
    let all: Vec<String> = (0..20).map(guid).collect();
    let (entra, since) = after_a_listing(|entra| {
        let some = |some: &[String]| page(&some.iter().map(String::as_str).collect::<Vec<_>>(), None);
        let end = changes(&[], "delta", &entra.delta_link("second"));
        vec![some(&all[..15]), some(&all[15..]), end]
    })
    .await;
    let asked = all.iter().map(|text| id(text)).collect();
    let Told { entries, continuation } = told(&*entra.users(), &since, asked).await.expect("changes");
    assert_eq!((entries.len(), continuation.is_some()), (20, true));
    assert_eq!(entra.reads().await.len(), 1 + 2 + 1, "fifteen at a time");
}

#[tokio::test]
async fn an_id_that_is_no_guid_goes_into_no_filter() {
    let (entra, since) = after_a_listing(|entra| vec![changes(&[], "delta", &entra.delta_link("second"))]).await;
    let Told { entries, continuation } =
        told(&*entra.users(), &since, vec![id("x') or (id ne 'y")]).await.expect("changes");
    assert_eq!((entries.len(), continuation.is_some()), (0, false));
    assert_eq!(entra.reads().await.len(), 2);
}

#[rstest]
#[case(410, "Gone")]
#[case(400, "syncStateNotFound")]
#[case(404, "SYNCSTATENOTFOUND")]
#[case(400, "ResyncRequired")]
#[case(400, "Request_BadRequest")]
#[tokio::test]
async fn a_place_that_is_refused_has_expired(#[case] status: u16, #[case] code: &str) {
    let (entra, since) = after_a_listing(|_| vec![graph_error(status, code)]).await;
    let error = told(&*entra.users(), &since, vec![]).await.err().expect("refused");
    assert_eq!(error.kind, FailureKind::ListingExpired, "{error:?}");
}

#[tokio::test]
async fn a_place_of_another_graph_is_not_asked() {
    let (entra, _) = after_a_listing(|_| vec![]).await;
    let other = MockServer::start().await;
    let link = format!("{}/v1.0/users/delta?$deltatoken=x", other.uri());
    let since = Continuation::new(json!({"users": link}).to_string());
    let error = told(&*entra.users(), &since, vec![]).await.err().expect("refused");
    assert_eq!(error.kind, FailureKind::ListingExpired);
    assert!(other.received_requests().await.expect("recorded").is_empty());
}

#[tokio::test]
async fn a_permission_that_was_taken_away_is_no_expiry() {
    let (entra, since) = after_a_listing(|_| vec![graph_error(403, "Authorization_RequestDenied")]).await;
    let error = told(&*entra.users(), &since, vec![]).await.err().expect("refused");
    assert_eq!((error.kind, error.code), (FailureKind::Configuration, RunErrorCode::PermissionMissing));
}

#[tokio::test]
async fn links_that_lead_astray_are_not_followed() {
    let astray = "https://evil.test/v1.0/users/delta?$deltatoken=x";
    for kind in ["next", "delta"] {
        let (entra, since) = after_a_listing(|_| vec![changes(&[user(ADA)], kind, astray)]).await;
        let error = told(&*entra.users(), &since, vec![]).await.err().expect("refused");
        assert_protocol(&error, "link");
    }
    let (entra, since) = after_a_listing(|entra| vec![changes(&[], "next", &entra.delta_link("now"))]).await;
    assert_protocol(&told(&*entra.users(), &since, vec![]).await.err().expect("refused"), "already followed");
}

#[rstest]
#[case(graph_error(400, "Request_UnsupportedQuery"))]
#[case(graph_error(501, "NotImplemented"))]
#[case(answer(200).set_body_json(json!({"value": []})))]
#[case(answer(200).set_body_json(json!({"value": [], "@odata.deltaLink": "https://evil.test/v1.0/users/delta"})))]
#[tokio::test]
async fn a_directory_that_tells_no_changes_is_listed_all_the_same(#[case] latest: ResponseTemplate) {
    let entra = Entra::start().await;
    entra.latest("users", latest).await;
    entra.graph([page(&["u1"], None)]).await;
    assert!(place(&*entra.users()).await.is_none());
    assert_eq!(ids(&*entra.users()).await.expect("users").len(), 1);
}

#[tokio::test]
async fn nested_groups_leave_no_place() {
    let entra = Entra::start().await;
    entra.graph([page(&["u1"], None)]).await;
    let provider = entra.connect(Some(GROUP), true);
    assert_eq!((provider.tells_changes(), entra.users().tells_changes()), (ChangesTold::Nothing, ChangesTold::OfScope));
    assert!(place(&*provider).await.is_none());
    assert!(entra.latest_asked().await.is_empty());
}

/// What a group's members are is told by ids, and users are told of whoever they are.
#[tokio::test]
async fn a_group_is_followed_by_two_rounds() {
    let entra = Entra::start().await;
    let members = |link: &str| format!("{}/v1.0/groups/delta?$deltatoken={link}", entra.server.uri());
    let group = |members: Value| json!({"id": GROUP.to_uppercase(), "members@delta": members});
    let gone = json!({"reason": "deleted"});
    let next = format!("{}/v1.0/groups/delta?$skiptoken=x", entra.server.uri());
    entra
        .graph([
            page(&[], None),
            changes(
                &[user("u9"), json!({"id": "u8", "@removed": {"reason": "changed"}})],
                "delta",
                &entra.delta_link("2"),
            ),
            changes(
                &[json!({"id": BOB, "@removed": gone}), group(json!([{"id": ADA}, {"id": BOB, "@removed": gone}]))],
                "next",
                &next,
            ),
            changes(&[group(json!([{"id": "u7", "@removed": gone}]))], "delta", &members("second")),
            page(&[ADA], None),
        ])
        .await;
    let provider = entra.connect(Some(GROUP), false);
    assert_eq!(provider.tells_changes(), ChangesTold::OfDirectory);
    let since = place(&*provider).await.expect("a place");
    let asked = entra.latest_asked().await[1].url.clone();
    assert_eq!(asked.path(), "/v1.0/groups/delta");
    assert!(asked.query_pairs().any(|(name, value)| name == "$filter" && value == format!("id eq '{GROUP}'")));

    let Told { mut entries, continuation } = told(&*provider, &since, vec![]).await.expect("changes");
    assert!(matches!(&entries.remove(0), DirectoryEntry::Changed(user) if user.external_id == id("u9")));
    assert_eq!(entries.remove(0), DirectoryEntry::Removed(id("u8")));
    assert!(matches!(entries.pop(), Some(DirectoryEntry::Present(user)) if user.external_id == id(ADA)), "read anew");
    entries.sort_by_key(|entry| format!("{entry:?}"));
    assert_eq!(entries, [DirectoryEntry::Removed(id(BOB)), DirectoryEntry::Removed(id("u7"))]);
    let text = continuation.expect("a place").expose().to_owned();
    assert!(text.contains("$deltatoken=2") && text.contains("$deltatoken=second"), "{text}");
}

/// Whoever was asked for and not found may not be linked, and then it tells nobody that something of theirs changed.
#[tokio::test]
async fn a_change_of_anybody_does_not_answer_for_who_was_asked_for() {
    for (told_of, is_open) in [(user(ADA), true), (json!({"id": ADA, "@removed": {"reason": "deleted"}}), false)] {
        let entra = Entra::start().await;
        let members = format!("{}/v1.0/groups/delta?$deltatoken=second", entra.server.uri());
        let rounds = [
            page(&[], None),
            page(&[], None),
            changes(&[told_of], "delta", &entra.delta_link("2")),
            changes(&[], "delta", &members),
        ];
        entra.graph(rounds).await;
        let provider = entra.connect(Some(GROUP), false);
        let since = place(&*provider).await.expect("a place");
        let told = told(&*provider, &since, vec![id(ADA)]).await.expect("changes");
        assert_eq!(told.continuation.is_none(), is_open);
    }
}

#[tokio::test]
async fn a_group_that_was_deleted_is_no_empty_one() {
    let entra = Entra::start().await;
    let link = format!("{}/v1.0/groups/delta?$deltatoken=x", entra.server.uri());
    let gone = json!({"id": GROUP, "@removed": {"reason": "deleted"}});
    let answers = [page(&[], None), changes(&[], "delta", &entra.delta_link("2")), changes(&[gone], "delta", &link)];
    entra.graph(answers).await;
    let provider = entra.connect(Some(GROUP), false);
    let since = place(&*provider).await.expect("a place");
    let error = told(&*provider, &since, vec![]).await.err().expect("refused");
    assert_eq!(error.kind, FailureKind::ListingExpired, "the listing says whether it is there: {error:?}");
}
