//! `GET /users`, one user, and what every answer of Graph has.

use std::collections::BTreeSet;
use std::time::Duration;

use entra_simulator::{Config, Mix, Permission, Route};
use serde_json::{Value, json};

use super::{Answer, World, ids};

const SELECT: &str = "$select=id,displayName,mail,userPrincipalName,accountEnabled,userType";

fn names(object: &Value) -> BTreeSet<&str> {
    object.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[tokio::test]
async fn every_answer_names_the_request() {
    let world = World::with_users(1).await;
    let request = world.request("/users").header("client-request-id", "mine-1");
    let answer = Answer::read(request.send().await.expect("an answer")).await;
    assert_eq!(answer.headers["client-request-id"], "mine-1");
    assert_eq!(answer.headers["request-id"].len(), 36);
    assert!(answer.headers.contains_key("x-ms-ags-diagnostic"));

    let failed = world.get("/users?$top=0").await;
    let inner = &failed.body["error"]["innerError"];
    assert_eq!(inner["request-id"], failed.headers["request-id"].to_str().expect("text"));
    assert_eq!(inner["client-request-id"], failed.headers["client-request-id"].to_str().expect("text"));
    assert_eq!(inner["date"].as_str().map(str::len), Some(19));
}

#[tokio::test]
async fn a_token_must_be_there_known_and_fresh() {
    let mut world = World::with_users(1).await;
    let without = world.http.get(world.url("/users")).send().await.expect("an answer");
    let without = Answer::read(without).await;
    assert_eq!(without.error(), (401, "InvalidAuthenticationToken"));
    assert!(without.headers["www-authenticate"].to_str().expect("text").starts_with("Bearer realm="));

    world.simulator.registration().revoke_tokens();
    assert_eq!(world.get("/users").await.error(), (401, "InvalidAuthenticationToken"));
    world.renew().await;
    assert_eq!(world.get("/users").await.status, 200);

    let world = World::start(Config { token_life: Duration::ZERO, ..Config::default() }).await;
    let expired = world.get("/users").await;
    assert_eq!(expired.error(), (401, "InvalidAuthenticationToken"));
    assert!(expired.body["error"]["message"].as_str().expect("text").contains("expired"));
}

#[tokio::test]
async fn users_need_a_permission_that_the_token_was_issued_with() {
    let mut world = World::with_permissions(&[Permission::GroupMemberReadAll]).await;
    for path in ["/users", "/users/$count", &format!("/users/{}", world.simulator.directory().generated_user(0))] {
        assert_eq!(world.get_advanced(path).await.error(), (403, "Authorization_RequestDenied"), "{path}");
    }
    world.simulator.registration().set_permissions([Permission::UserReadAll]);
    assert_eq!(world.get("/users").await.status, 403);
    world.renew().await;
    assert_eq!(world.get("/users").await.status, 200);
}

#[tokio::test]
async fn without_permissions_the_token_call_still_works() {
    let world = World::with_permissions(&[]).await;
    assert_eq!(world.get("/users").await.error(), (403, "Authorization_RequestDenied"));
}

#[tokio::test]
async fn only_what_is_selected_is_returned() {
    let world = World::with_users(50).await;
    let listed = world.get("/users").await;
    let expected = "businessPhones displayName givenName id jobTitle mail mobilePhone officeLocation preferredLanguage \
                    surname userPrincipalName";
    assert_eq!(names(&listed.value()[0]), expected.split(' ').collect());
    assert!(!listed.body["@odata.context"].as_str().expect("a context").contains('('));

    let selected = world.get("/users?$select=accountEnabled,mail,employeeId,faxNumber,otherMails&$top=1").await;
    let user = &selected.value()[0];
    assert_eq!(names(user), "accountEnabled employeeId faxNumber mail otherMails".split(' ').collect());
    assert_eq!((&user["faxNumber"], &user["otherMails"]), (&Value::Null, &json!([])));
    let context = selected.body["@odata.context"].as_str().expect("a context");
    assert!(
        context.ends_with("/v1.0/$metadata#users(accountEnabled,mail,employeeId,faxNumber,otherMails)"),
        "{context}"
    );
}

#[tokio::test]
async fn generated_users_are_varied_and_the_same_every_time() {
    let world = World::with_users(140).await;
    let path = format!("/users?{SELECT}&$top=999");
    let users = world.get(&path).await;
    let again = World::with_users(140).await.get(&path).await;
    assert_eq!(users.value(), again.value());
    let count = |test: fn(&Value) -> bool| users.value().iter().filter(|user| test(user)).count();
    assert_eq!(count(|user| user["userType"] == "Guest"), 3);
    assert_eq!(count(|user| user["accountEnabled"] == false), 2);
    assert_eq!(count(|user| user["mail"].is_null()), 2);
    assert_eq!(count(|user| user["userPrincipalName"].as_str().is_some_and(|name| name.contains("#EXT#@"))), 3);
    assert!(count(|user| user["displayName"].as_str().is_some_and(|name| !name.is_ascii())) > 20);
}

#[tokio::test]
async fn what_graph_refuses_is_refused() {
    let world = World::with_users(5).await;
    for (query, expected) in [
        ("$select=id,nickname", (400, "Request_BadRequest")),
        ("$select=id,aboutMe", (501, "NotImplemented")),
        ("$top=1000", (400, "Request_UnsupportedQuery")),
        ("$top=0", (400, "Request_UnsupportedQuery")),
        ("$skip=1", (400, "Request_BadRequest")),
        ("$top=1&$top=2", (400, "Request_BadRequest")),
        ("$filter=accountEnabled ne true", (400, "Request_UnsupportedQuery")),
        ("$orderby=displayName", (400, "Request_UnsupportedQuery")),
        ("$skiptoken=made-up", (400, "Request_BadRequest")),
    ] {
        assert_eq!(world.get(&format!("/users?{query}")).await.error(), expected, "{query}");
    }
    assert_eq!(world.get("/me").await.error(), (400, "BadRequest"));
    let posted = world.http.post(world.url("/users")).bearer_auth(&world.token).send().await.expect("an answer");
    assert_eq!(Answer::read(posted).await.error(), (400, "BadRequest"));
}

#[tokio::test]
async fn pages_cover_each_user_exactly_once() {
    let world = World::with_users(2_500).await;
    let (users, pages) = world.list(&format!("/users?{SELECT}&$top=999"), false).await;
    assert_eq!((users.len(), pages), (2_500, 3));
    assert_eq!(ids(&users).len(), 2_500);
    let directory = world.simulator.directory();
    assert_eq!(users[2_499]["id"], directory.generated_user(2_499).to_string());
    assert_eq!(world.simulator.requests(Route::Users), 3);
    let (users, pages) = world.list("/users", false).await;
    assert_eq!((ids(&users).len(), pages), (2_500, 25));
}

#[tokio::test]
async fn the_server_may_send_shorter_pages_than_asked() {
    let world = World::start(Config { max_page_size: 40, ..Config::with_users(100) }).await;
    let (users, pages) = world.list("/users?$top=999", false).await;
    assert_eq!((ids(&users).len(), pages), (100, 3));
}

#[tokio::test]
async fn a_next_link_is_good_only_as_it_is() {
    let world = World::with_users(10).await;
    let first = world.get("/users?$select=id&$top=4").await;
    let link = first.next().expect("a next link").to_owned();
    assert!(link.starts_with(&world.url("/users?$select=id&$top=4&$skiptoken=")), "{link}");
    assert_eq!(world.get(&link).await.value().len(), 4);
    assert_eq!(world.get(&link).await.value().len(), 4, "a link can be asked again");
    for changed in [
        format!("{link}&$top=4"),
        format!("{link}&$count=true"),
        link.replace("$top=4&", ""),
        link.replace("$select=id", "$select=mail"),
        link.replace("/users?", "/users/delta?"),
    ] {
        assert_eq!(world.get(&changed).await.status / 100, 4, "{changed}");
    }
    assert_ne!(world.get("/users?$select=id&$top=4").await.next(), Some(link.as_str()), "no two links are alike");
}

#[tokio::test]
async fn a_count_takes_the_header_and_comes_on_page_1_only() {
    let world = World::with_users(10).await;
    let plain = world.get("/users?$count=true&$top=6").await;
    assert_eq!((plain.status, &plain.body["@odata.count"]), (200, &Value::Null));
    let first = world.get_advanced("/users?$count=true&$top=6").await;
    assert_eq!(first.body["@odata.count"], 10);
    let link = first.next().expect("a next link");
    let second = world.get_advanced(link).await;
    assert_eq!((second.value().len(), &second.body["@odata.count"]), (4, &Value::Null));
    assert_eq!(world.get(link).await.status, 400, "the header is not remembered");

    assert_eq!(world.get("/users/$count").await.error(), (400, "Request_BadRequest"));
    let count = world.get_advanced("/users/$count").await;
    assert_eq!((count.status, &count.body), (200, &json!(10)));
    assert_eq!(count.headers["content-type"], "text/plain");
}

#[tokio::test]
async fn a_filter_on_the_account_splits_the_users() {
    let world = World::with_users(200).await;
    let filtered = |value| format!("/users?$filter=accountEnabled eq {value}&$select=id,accountEnabled&$top=30");
    let (enabled, _) = world.list(&filtered("true"), false).await;
    let (disabled, _) = world.list(&filtered("false"), false).await;
    assert_eq!((enabled.len(), disabled.len()), (196, 4));
    assert!(disabled.iter().all(|user| user["accountEnabled"] == false));
    assert!(ids(&enabled).is_disjoint(&ids(&disabled)));
    assert_eq!(world.get_advanced("/users/$count?$filter=accountEnabled eq false").await.body, 4);
}

#[tokio::test]
async fn one_user_is_read_by_id() {
    let mut config = Config::with_users(5);
    config.tenants[0].mix = Mix::PLAIN;
    let world = World::start(config).await;
    let id = world.simulator.directory().generated_user(2);
    let user = world.get(&format!("/users/{id}?$select=id,accountEnabled,identities")).await;
    assert_eq!((user.status, &user.body["id"], &user.body["accountEnabled"]), (200, &json!(id), &json!(true)));
    assert_eq!(user.body["identities"][0]["issuer"], "example.com");
    assert!(user.body["@odata.context"].as_str().is_some_and(|context| context.ends_with("/$entity")));
    let beyond = world.simulator.directory().generated_user(5);
    for unknown in [beyond.to_string(), "11111111-2222-4333-8444-555555555555".to_owned(), "x".to_owned()] {
        assert_eq!(
            world.get(&format!("/users/{unknown}")).await.error(),
            (404, "Request_ResourceNotFound"),
            "{unknown}"
        );
    }
}

#[tokio::test]
async fn edits_are_seen_by_the_next_request() {
    let world = World::with_users(3).await;
    let directory = world.simulator.directory();
    let (kept, gone) = (directory.generated_user(0), directory.generated_user(1));
    let added = directory.add_user(&json!({"displayName": "Ada", "mail": null})).expect("valid");
    directory.update_user(kept, &json!({"mail": "new@example.com", "givenName": null})).expect("live");
    directory.delete_user(gone).expect("live");
    let users = world.get("/users?$select=id,mail,givenName,displayName").await;
    let find = |id: uuid::Uuid| users.value().iter().find(|user| user["id"] == id.to_string());
    assert_eq!(users.value().len(), 3);
    assert_eq!(
        find(kept).map(|user| (&user["mail"], &user["givenName"])),
        Some((&json!("new@example.com"), &Value::Null))
    );
    assert_eq!(find(gone), None);
    assert_eq!(find(added).map(|user| &user["displayName"]), Some(&json!("Ada")));
    directory.restore_user(gone).expect("deleted");
    assert_eq!(world.get("/users").await.value().len(), 4);
}
