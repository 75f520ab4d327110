//! Who may do what: tokens, roles, tenants, hosts.

use chrono::{TimeDelta, Utc};
use crypto::ApiToken;
use http_api::ApiConfig;
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use store::{Actor, NewToken, TokenRole};
use uuid::Uuid;

use crate::api::{ABSENT, Api, SECRET, config, registration, send, text};

const READS: [&str; 12] = [
    "/audit",
    "/connections",
    "/connections/ID",
    "/connections/ID/ignored",
    "/connections/ID/runs",
    "/events",
    "/runs/ID",
    "/runs/ID/changes",
    "/users",
    "/users/ID",
    "/users?limit=0",
    "/connections/no-id",
];
pub(crate) const WRITES: [(Method, &str); 14] = [
    (Method::POST, "/entra"),
    (Method::PATCH, "/connections/ID"),
    (Method::POST, "/connections/ID/sync"),
    (Method::POST, "/connections/ID/preview"),
    (Method::PUT, "/connections/ID/credential"),
    (Method::POST, "/connections/ID/test"),
    (Method::PUT, "/connections/ID/ignored/e1"),
    (Method::DELETE, "/connections/ID/ignored/e1"),
    (Method::POST, "/runs/ID/approve"),
    (Method::POST, "/runs/ID/reject"),
    (Method::POST, "/runs/ID/cancel"),
    (Method::POST, "/users/ID/link"),
    (Method::DELETE, "/users/ID/link"),
    (Method::DELETE, "/connections/ID"),
];

fn path(pattern: &str) -> String {
    pattern.replace("ID", ABSENT)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_looked_at_without_a_token() {
    let api = Api::start().await;
    for pattern in READS {
        let request = api.client.get(format!("{}/api/directory{}", api.url, path(pattern)));
        let answer = send(request).await;
        answer.problem(401, "unauthorized");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{pattern}");
    }
    for (method, pattern) in WRITES {
        let request = api.client.request(method, format!("{}/api/directory{}", api.url, path(pattern)));
        send(request.body("not even JSON")).await.problem(401, "unauthorized");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_must_be_usable() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    let stranger = ApiToken::generate().unwrap().0;
    let cut = &acme.admin[..acme.admin.len() - 1];
    for token in [stranger.expose_secret(), cut, "x", ""] {
        api.get(token, "/users").await.problem(401, "unauthorized");
    }

    let (expired, hash) = ApiToken::generate().unwrap();
    let new = NewToken {
        id: Uuid::now_v7(),
        tenant: acme.id,
        name: "expired".to_owned(),
        role: TokenRole::Admin,
        hash: *hash.as_bytes(),
        expires_at: Some(Utc::now() - TimeDelta::days(1)),
    };
    api.store.create_token(Actor::SYSTEM, &new).await.unwrap();
    api.get(expired.expose_secret(), "/users").await.problem(401, "unauthorized");

    assert_eq!(api.get(&acme.admin, "/users").await.status, 200);
    for token in api.store.tokens(acme.id).await.unwrap() {
        api.store.revoke_token(Actor::SYSTEM, acme.id, token.id).await.unwrap();
    }
    api.get(&acme.admin, "/users").await.problem(401, "unauthorized");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_reads_and_does_not_write() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    api.start_worker();
    let (connection, run) = api.held(&acme.admin).await;
    let user = api.items(&acme.viewer, "/users").await[0].clone();
    let before = api.get(&acme.viewer, &format!("/connections/{connection}")).await.json();
    for (method, pattern) in WRITES {
        let id = match pattern.split('/').nth(1) {
            Some("runs") => text(&run["id"]),
            Some("users") => text(&user["id"]),
            _ => connection.clone(),
        };
        let path = pattern.replace("ID", &id);
        api.call(method, &acme.viewer, &path, &registration()).await.problem(403, "forbidden");
    }
    assert_eq!(api.items(&acme.viewer, "/connections").await, [before]);
    assert_eq!(api.items(&acme.viewer, &format!("/connections/{connection}/ignored")).await, Vec::<Value>::new());
    assert_eq!(api.get(&acme.viewer, &format!("/users/{}", text(&user["id"]))).await.json(), user);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_tenants_things_are_as_absent_as_absent_ones() {
    let api = Api::start().await;
    let (acme, other) = (api.account("acme").await, api.account("other").await);
    api.start_worker();
    api.directory_lists(vec![crate::api::person("e1", "ada")]);
    let connection = api.connection(&acme.admin, "Acme").await;
    let run = api.sync(&acme.admin, &connection, &json!({})).await["id"].clone();
    let user = api.items(&acme.admin, "/users").await[0]["id"].clone();

    let ids = [("/connections", json!(connection)), ("/runs", run.clone()), ("/users", user)];
    let mut paths: Vec<(String, String)> = Vec::new();
    for (list, id) in ids {
        let id = id.as_str().unwrap();
        paths.push((format!("{list}/{id}"), format!("{list}/{ABSENT}")));
    }
    let run = run.as_str().unwrap();
    paths.push((format!("/runs/{run}/changes"), format!("/runs/{ABSENT}/changes")));
    for list in ["runs", "ignored"] {
        paths.push((format!("/connections/{connection}/{list}"), format!("/connections/{ABSENT}/{list}")));
    }
    for (theirs, absent) in paths {
        assert_eq!(api.get(&acme.admin, &theirs).await.status, 200, "{theirs}");
        let mut answers = Vec::new();
        for path in [&theirs, &absent, &absent.replace(ABSENT, "no-id")] {
            let mut problem = api.get(&other.admin, path).await.problem(404, "not_found");
            problem["requestId"] = Value::Null;
            answers.push(problem);
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{theirs}");
    }
    for id in [connection.as_str(), ABSENT, "no-id"] {
        api.post(&other.admin, &format!("/connections/{id}/sync"), &json!({})).await.problem(404, "not_found");
    }
    for list in ["/connections", "/users", &format!("/users?connectionId={connection}")] {
        assert_eq!(api.items(&other.admin, list).await, Vec::<Value>::new(), "{list}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_tenants_things_cannot_be_written() {
    let api = Api::start().await;
    let (acme, other) = (api.account("acme").await, api.account("other").await);
    api.start_worker();
    let (connection, held) = api.held(&acme.admin).await;
    let own = api.connection(&other.admin, "Other").await;
    let user = api.items(&acme.admin, "/users").await[0].clone();
    let run = text(&held["id"]);
    api.bare(Method::PUT, &acme.admin, &format!("/connections/{connection}/ignored/e1")).await;
    let before = api.get(&acme.admin, &format!("/connections/{connection}")).await.json();
    for (method, pattern) in WRITES.into_iter().filter(|(_, pattern)| pattern.contains("ID")) {
        let (id, body) = match pattern.split('/').nth(1) {
            Some("runs") if pattern.ends_with("approve") => (run.clone(), json!({"planDigest": held["planDigest"]})),
            Some("runs") => (run.clone(), json!({})),
            Some("users") => (text(&user["id"]), json!({"connectionId": own, "externalId": "e1"})),
            _ if pattern.ends_with("credential") => (connection.clone(), json!({"clientSecret": SECRET})),
            _ => (connection.clone(), json!({})),
        };
        for id in [id.as_str(), ABSENT, "no-id"] {
            let path = pattern.replace("ID", id);
            api.call(method.clone(), &other.admin, &path, &body).await.problem(404, "not_found");
        }
    }
    assert_eq!(api.get(&acme.admin, &format!("/connections/{connection}")).await.json(), before);
    assert_eq!(api.get(&acme.admin, &format!("/runs/{run}")).await.json(), held);
    assert_eq!(api.get(&acme.admin, &format!("/users/{}", text(&user["id"]))).await.json(), user);
    assert_eq!(api.items(&acme.admin, &format!("/connections/{connection}/ignored")).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_base_domain_the_host_must_be_the_tenants() {
    let api = Api::with_config(ApiConfig { base_domain: Some("example.org".to_owned()), ..config() }).await;
    let (acme, _other) = (api.account("acme").await, api.account("other").await);
    let ask = |host: &'static str| send(api.request(Method::GET, "/users", &acme.admin).header("host", host));
    for host in ["acme.example.org", "ACME.example.org:8443"] {
        assert_eq!(ask(host).await.status, 200, "{host}");
    }
    for host in ["other.example.org", "nobody.example.org", "example.org", "acme.example.com", "127.0.0.1"] {
        ask(host).await.problem(403, "forbidden");
    }
    let unknown = api.request(Method::GET, "/users", "x").header("host", "acme.example.org");
    send(unknown).await.problem(401, "unauthorized");
    assert_eq!(send(api.client.get(format!("{}/healthz", api.url))).await.status, 200);
}
