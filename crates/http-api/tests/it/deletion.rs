//! Ending connections.

use reqwest::Method;
use serde_json::{Value, json};

use crate::api::{ABSENT, Api, person, registration, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_connection_is_gone_and_its_users_stay() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    api.start_worker();
    let (connection, held) = api.held(&acme.admin).await;
    // Of the same scope it would inherit the users.
    let mut body = registration();
    body["groupId"] = json!(ABSENT);
    let other = text(&api.post(&acme.admin, "/entra", &body).await.json()["id"]);
    let path = format!("/connections/{connection}");
    let users = api.items(&acme.admin, "/users").await;
    assert_eq!(api.bare(Method::DELETE, &acme.admin, &format!("{path}?x=1")).await.pointers(), ["?x"]);

    let answer = api.bare(Method::DELETE, &acme.admin, &path).await;
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    for (method, path) in [
        (Method::GET, path.clone()),
        (Method::DELETE, path.clone()),
        (Method::PATCH, path.clone()),
        (Method::POST, format!("{path}/sync")),
        (Method::POST, format!("{path}/preview")),
        (Method::PUT, format!("{path}/ignored/e1")),
        (Method::GET, format!("{path}/ignored")),
        (Method::GET, format!("{path}/runs")),
    ] {
        let answer = match method {
            Method::GET => api.get(&acme.admin, &path).await,
            method => api.call(method, &acme.admin, &path, &json!({})).await,
        };
        answer.problem(404, "not_found");
    }
    api.bare(Method::DELETE, &acme.admin, &format!("/connections/{ABSENT}")).await.problem(404, "not_found");
    let left = api.items(&acme.admin, "/connections").await;
    assert_eq!((left.len(), &left[0]["id"]), (1, &json!(other)));
    assert_eq!(api.items(&acme.admin, "/users").await, users);

    let run = text(&held["id"]);
    assert_eq!(api.get(&acme.admin, &format!("/runs/{run}")).await.json()["status"], "cancelled");
    assert_eq!(api.items(&acme.admin, &format!("/runs/{run}/changes")).await.len(), 3, "the history stays");
    let body = json!({"planDigest": held["planDigest"]});
    api.post(&acme.admin, &format!("/runs/{run}/approve"), &body).await.problem(409, "run_not_held");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_connections_queued_run_is_cancelled() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    let connection = api.connection(&acme.admin, "Acme").await;
    let run = api.queue(&acme.admin, &connection, &json!({})).await;
    assert_eq!(api.bare(Method::DELETE, &acme.admin, &format!("/connections/{connection}")).await.status, 204);
    assert_eq!(api.get(&acme.admin, &format!("/runs/{run}")).await.json()["status"], "cancelled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_directory_registered_again_takes_up_its_users() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    api.start_worker();
    let connection = api.connection(&acme.admin, "Acme").await;
    api.directory_lists(vec![person("e1", "ada")]);
    api.sync(&acme.admin, &connection, &json!({})).await;
    let users = api.items(&acme.admin, "/users").await;
    api.bare(Method::DELETE, &acme.admin, &format!("/connections/{connection}")).await;

    let again = api.post(&acme.admin, "/entra", &registration()).await;
    assert_eq!(again.status, 201, "{}", again.text);
    let again = text(&again.json()["id"]);
    let run = api.sync(&acme.admin, &again, &json!({})).await;
    assert_eq!((&run["status"], &run["counts"]["unchanged"]), (&json!("succeeded"), &json!(1)), "{run}");
    assert_eq!(api.items(&acme.admin, &format!("/runs/{}/changes", text(&run["id"]))).await, Vec::<Value>::new());
    assert_eq!(api.items(&acme.admin, &format!("/users?connectionId={again}")).await, users);
}
