//! The audit log, and when tokens were last used.

use reqwest::Method;
use serde_json::{Value, json};
use store::TokenRole;

use crate::{
    api::{ABSENT, Api, SECRET, config, send, text},
    sign_in::Platform,
};

/// The id of the tenant's admin token, as `Api::account` makes it.
async fn admins_id(api: &Api, account: &crate::api::Account) -> String {
    let tokens = api.store.tokens(account.id).await.unwrap();
    tokens.iter().find(|token| token.role == TokenRole::Admin).unwrap().id.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_is_told_of_with_its_request() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    let connection = api.connection(&acme.admin, "Acme").await;
    let edit = api.request(Method::PATCH, &format!("/connections/{connection}"), &acme.admin);
    let edit = edit.header("x-request-id", "edge-7").json(&json!({"schedule": "every 15m", "paused": true}));
    assert_eq!(send(edit).await.status, 200);

    let newest = api.items(&acme.viewer, "/audit").await.swap_remove(0);
    assert!(newest["id"].is_string() && newest["at"].is_string(), "{newest}");
    let actor = json!({"kind": "token", "id": admins_id(&api, &acme).await, "name": "test"});
    let expected = [
        ("actor", actor),
        ("action", json!("connection.updated")),
        ("subject", json!({"kind": "connection", "id": connection})),
        ("before", json!({"schedule": null, "state": "active"})),
        ("after", json!({"schedule": "every 15m", "state": "paused"})),
        ("requestId", json!("edge-7")),
    ];
    for (member, value) in expected {
        assert_eq!(newest[member], value, "{member}");
    }
    let registered = api.items(&acme.viewer, "/audit?action=connection.created").await.swap_remove(0);
    assert!(registered["requestId"].is_string(), "one that the server made: {registered}");

    // What changes nothing leaves no trace, and neither does what is refused.
    let told = api.items(&acme.viewer, "/audit").await;
    let path = format!("/connections/{connection}");
    assert_eq!(api.call(Method::PATCH, &acme.admin, &path, &json!({"paused": true})).await.status, 200);
    api.call(Method::PATCH, &acme.admin, &path, &json!({"schedule": "sometimes"})).await.problem(400, "bad_request");
    api.call(Method::DELETE, &acme.viewer, &path, &json!({})).await.problem(403, "forbidden");
    assert_eq!(api.items(&acme.viewer, "/audit").await, told);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_is_told_of_by_their_id() {
    let platform = Platform::default();
    let api = Api::with_sign_in(config(), platform.port()).await;
    let acme = api.account("acme").await;
    platform.signs_in("h.admin.s", "person-7", "acme", TokenRole::Admin, chrono::TimeDelta::hours(1));
    api.connection("h.admin.s", "Acme").await;
    let newest = api.items(&acme.viewer, "/audit").await.swap_remove(0);
    assert_eq!(newest["action"], "connection.created");
    assert_eq!(newest["actor"], json!({"kind": "person", "id": "person-7", "name": "https://login.example.test"}));
    assert_eq!(api.items(&acme.viewer, "/audit?actorId=person-7").await, [newest]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_write_says_who_made_it() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    api.start_worker();
    let (connection, run) = api.held(&acme.admin).await;
    let at = format!("/connections/{connection}");
    let user = text(&api.items(&acme.admin, "/users").await[0]["id"]);
    let run = text(&run["id"]);
    let secret = json!({"clientSecret": SECRET});
    for (method, path, body, status, action) in [
        (Method::PUT, format!("{at}/credential"), secret, 204, "connection.credential_set"),
        (Method::DELETE, format!("/users/{user}/link"), Value::Null, 200, "user.unlinked"),
        (Method::POST, format!("/runs/{run}/reject"), Value::Null, 200, "run.rejected"),
        (Method::PUT, format!("{at}/ignored/e9"), Value::Null, 204, "user.ignored"),
        (Method::DELETE, format!("{at}/ignored/e9"), Value::Null, 204, "user.heeded"),
        (Method::POST, format!("{at}/preview"), json!({}), 202, "run.requested"),
        (Method::DELETE, at.clone(), Value::Null, 204, "connection.deleted"),
    ] {
        let answer = match &body {
            Value::Null => api.bare(method, &acme.admin, &path).await,
            body => api.call(method, &acme.admin, &path, body).await,
        };
        assert_eq!(answer.status, status, "{path}: {}", answer.text);
        let newest = api.items(&acme.viewer, "/audit?limit=1").await.swap_remove(0);
        assert_eq!((&newest["action"], &newest["actor"]["kind"]), (&json!(action), &json!("token")), "{newest}");
        assert_eq!(newest["requestId"].as_str(), answer.header("x-request-id"), "{action}");
    }
    let all = Value::from(api.items(&acme.viewer, "/audit?limit=200").await).to_string();
    assert!(!all.contains(SECRET) && !all.contains(&acme.admin) && !all.contains("example.org"), "{all}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_is_paged_filtered_and_the_tenants_own() {
    let api = Api::start().await;
    let (acme, other) = (api.account("acme").await, api.account("other").await);
    let connection = api.connection(&acme.admin, "Acme").await;
    api.queue(&acme.admin, &connection, &json!({})).await;
    let all = api.items(&acme.viewer, "/audit").await;
    let actions: Vec<&str> = all.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["run.requested", "connection.created", "token.created", "token.created", "tenant.created"]);

    let first = api.get(&acme.viewer, "/audit?limit=2").await.json();
    assert_eq!(first["items"], json!(all[..2]));
    let next = format!("/audit?limit=200&cursor={}", text(&first["nextCursor"]));
    let rest = api.get(&acme.viewer, &next).await.json();
    assert_eq!((&rest["items"], &rest["nextCursor"]), (&json!(all[2..]), &Value::Null));

    let of_connection = format!("/audit?subjectId={}", connection.to_uppercase());
    assert_eq!(api.items(&acme.viewer, &of_connection).await, all[1..2]);
    let admin = admins_id(&api, &acme).await;
    assert_eq!(api.items(&acme.viewer, &format!("/audit?actorId={admin}")).await, all[..2]);
    assert_eq!(
        api.items(&acme.viewer, &format!("/audit?actorId={admin}&action=token.created")).await,
        [] as [Value; 0]
    );
    assert_eq!(api.items(&acme.viewer, &format!("/audit?subjectId={ABSENT}")).await, [] as [Value; 0]);
    let wrong = api.get(&acme.viewer, "/audit?action=token.shown&subjectId=&actorId=%07&who=me").await;
    assert_eq!(wrong.pointers(), ["?action", "?subjectId", "?actorId", "?who"]);

    let theirs = api.items(&other.admin, "/audit").await;
    assert_eq!(theirs.len(), 3, "their own tenant and tokens: {theirs:?}");
    assert!(theirs.iter().all(|entry| !all.contains(entry)));
    assert_eq!(api.items(&other.admin, &of_connection).await, [] as [Value; 0]);
    api.get(&other.admin, &next).await.json();
    assert_eq!(api.items(&other.admin, &next).await.iter().filter(|entry| all.contains(entry)).count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_used_says_so() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    let last_use = async |role: TokenRole| {
        let tokens = api.store.tokens(acme.id).await.unwrap();
        tokens.into_iter().find(|token| token.role == role).unwrap().last_used_at
    };
    assert_eq!(last_use(TokenRole::Viewer).await, None);
    api.get(&acme.viewer, "/users").await.json();
    // It is noted behind the answer.
    for _ in 0..3_000 {
        if last_use(TokenRole::Viewer).await.is_some() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let first = last_use(TokenRole::Viewer).await;
    assert!(first.is_some());
    assert_eq!(last_use(TokenRole::Admin).await, None);
}
