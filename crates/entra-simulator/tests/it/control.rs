//! The control API does what the handles do.

use entra_simulator::CLIENT_CERTIFICATE;
use reqwest::Method;
use serde_json::{Value, json};

use super::assertion::{Assertion, JWT_BEARER};
use super::{Answer, World};

impl World {
    pub(crate) async fn control(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let request = self.http.request(method, format!("{}/control{path}", self.simulator.graph_url()));
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        Answer::read(request.send().await.expect("an answer")).await
    }

    /// A control call that succeeds without an answer.
    pub(crate) async fn command(&self, method: Method, path: &str, body: Option<Value>) {
        let answer = self.control(method, path, body).await;
        assert_eq!(answer.status, 204, "{path}: {}", answer.body);
    }
}

#[tokio::test]
async fn users_are_changed() {
    let world = World::with_users(2).await;
    let created =
        world.control(Method::POST, "/users", Some(json!({"displayName": "Ada", "mail": "a@example.com"}))).await;
    assert_eq!(created.status, 201);
    let id = created.body["id"].as_str().expect("an id").to_owned();
    world.command(Method::PATCH, &format!("/users/{id}"), Some(json!({"mail": null}))).await;
    let read = world.control(Method::GET, &format!("/users/{id}"), None).await;
    assert_eq!((&read.body["displayName"], &read.body["mail"]), (&json!("Ada"), &Value::Null));
    assert_eq!(world.get(&format!("/users/{id}")).await.body["displayName"], "Ada");

    world.command(Method::DELETE, &format!("/users/{id}"), None).await;
    assert_eq!(world.get("/users").await.value().len(), 2);
    world.command(Method::POST, &format!("/users/{id}/restore"), None).await;
    assert_eq!(world.get("/users").await.value().len(), 3);
    world.command(Method::POST, &format!("/users/{id}/purge"), None).await;
    assert_eq!(world.control(Method::POST, &format!("/users/{id}/restore"), None).await.status, 404);

    let generated = world.control(Method::POST, "/users/generate", Some(json!({"count": 5}))).await;
    assert_eq!(generated.body, json!({"users": 7}));
    let listed = world.control(Method::GET, "/users?skip=6&limit=3", None).await;
    assert_eq!(listed.body["users"].as_array().map(Vec::len), Some(1));
    assert_eq!(listed.body["users"][0]["id"], world.simulator.directory().generated_user(6).to_string());
}

#[tokio::test]
async fn groups_are_changed() {
    let world = World::with_users(3).await;
    let created = world.control(Method::POST, "/groups", Some(json!({"displayName": "Team"}))).await;
    let group = created.body["id"].as_str().expect("an id").to_owned();
    let user = world.simulator.directory().generated_user(0);
    world.command(Method::PUT, &format!("/groups/{group}/members/{user}"), None).await;
    assert_eq!(world.get(&format!("/groups/{group}/members")).await.value().len(), 1);
    world.command(Method::DELETE, &format!("/groups/{group}/members/{user}"), None).await;
    assert_eq!(world.control(Method::DELETE, &format!("/groups/{group}/members/{user}"), None).await.status, 404);
    assert_eq!(world.get(&format!("/groups/{group}/members")).await.value().len(), 0);
    world.command(Method::DELETE, &format!("/groups/{group}"), None).await;
    assert_eq!(world.get(&format!("/groups/{group}/members")).await.status, 404);
}

#[tokio::test]
async fn the_application_is_changed() {
    let mut world = World::with_users(1).await;
    world.command(Method::PUT, "/permissions", Some(json!(["GroupMember.Read.All"]))).await;
    world.renew().await;
    assert_eq!(world.get("/users").await.status, 403);
    world.command(Method::POST, "/tokens/revoke", None).await;
    assert_eq!(world.get("/users").await.status, 401);
    world.command(Method::POST, "/secret/expire", None).await;
    assert_eq!(world.ask_token(&[]).await.body["error_codes"], json!([7_000_222]));
    world.command(Method::PUT, "/secret", Some(json!({"secret": "another"}))).await;
    assert_eq!(world.ask_token(&[("client_secret", "another")]).await.status, 200);
}

#[tokio::test]
async fn assertions_are_trusted_and_distrusted() {
    let world = World::with_users(1).await;
    let federated = [("client_secret", ""), ("client_assertion_type", JWT_BEARER), ("client_assertion", "ey.other")];
    let body = json!({"token": "ey.other"});
    world.command(Method::POST, "/federated-tokens", Some(body)).await;
    assert_eq!(world.ask_token(&federated).await.status, 200);
    world.command(Method::POST, "/certificates", Some(json!({"pem": CLIENT_CERTIFICATE}))).await;
    assert_eq!(world.ask_with(&Assertion::right(&world)).await.status, 200);
    world.command(Method::DELETE, "/assertions", None).await;
    assert_eq!(world.ask_token(&federated).await.status, 400);
    assert_eq!(world.ask_with(&Assertion::right(&world)).await.status, 401);
}

#[tokio::test]
async fn faults_latency_and_counters_are_set() {
    let world = World::with_users(1).await;
    let fault = json!({"on": "users", "kind": {"type": "status", "status": 503, "code": "serviceNotAvailable"}});
    world.command(Method::POST, "/faults", Some(fault.clone())).await;
    world.command(Method::POST, "/faults", Some(fault)).await;
    assert_eq!(world.get("/users").await.error(), (503, "serviceNotAvailable"));
    let pending = world.control(Method::GET, "/faults", None).await;
    assert_eq!(pending.body["faults"].as_array().map(Vec::len), Some(1));
    world.command(Method::DELETE, "/faults", None).await;
    assert_eq!(world.get("/users").await.status, 200);
    world.command(Method::PUT, "/latency", Some(json!({"milliseconds": 0}))).await;

    let counts = world.control(Method::GET, "/requests", None).await;
    let expected = json!({
        "token": 1, "users": 2, "userCount": 0, "user": 0, "group": 0, "groupMembers": 0, "userDelta": 0, "groupDelta": 0,
    });
    assert_eq!(counts.body, expected);
    world.command(Method::DELETE, "/requests", None).await;
    assert_eq!(world.control(Method::GET, "/requests", None).await.body["users"], 0);
}

#[tokio::test]
async fn what_cannot_be_done_is_said() {
    let world = World::with_users(1).await;
    let user = world.simulator.directory().generated_user(0);
    let unknown = "11111111-2222-4333-8444-555555555555";
    let cases = [
        (Method::POST, "/users".to_owned(), Some(json!({"mial": "x"})), 400),
        (Method::POST, "/users".to_owned(), Some(json!("x")), 400),
        (Method::PATCH, format!("/users/{user}"), Some(json!({"accountEnabled": "no"})), 400),
        (Method::PATCH, format!("/users/{unknown}"), Some(json!({})), 404),
        (Method::DELETE, format!("/groups/{user}"), None, 404),
        (Method::PUT, "/permissions".to_owned(), Some(json!(["User.Read.Some"])), 400),
        (Method::POST, "/certificates".to_owned(), Some(json!({"pem": "-----BEGIN"})), 400),
        (Method::POST, "/faults".to_owned(), Some(json!({"kind": {"type": "earthquake"}})), 400),
        (Method::PUT, "/delta".to_owned(), Some(json!({"pages": 3})), 400),
        (Method::POST, "/delta/expire".to_owned(), Some(json!({"form": "silence"})), 400),
        (Method::POST, "/users/generate".to_owned(), Some(json!({"count": u32::MAX})), 400),
        (Method::GET, format!("/users?directoryId={unknown}"), None, 404),
        (Method::GET, "/weather".to_owned(), None, 404),
    ];
    for (method, path, body, status) in cases {
        let answer = world.control(method, &path, body).await;
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.body["error"].is_string(), "{path}: {}", answer.body);
    }
}

#[tokio::test]
async fn the_overview_names_what_a_person_needs() {
    let world = World::with_users(4).await;
    let overview = world.control(Method::GET, "", None).await;
    let tenant = &overview.body["tenants"][0];
    assert_eq!(tenant["directoryId"], entra_simulator::DIRECTORY_ID.to_string());
    assert_eq!(tenant["users"], 4);
    assert_eq!(tenant["researchGroupId"], world.simulator.directory().research().to_string());
    assert!(!overview.body.to_string().contains(entra_simulator::CLIENT_SECRET));
}
