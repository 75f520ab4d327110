//! Asking for runs, and what they leave behind.

use reqwest::Method;
use serde_json::{Value, json};

use crate::api::{ABSENT, Api, person, send, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sync_may_be_asked_for_without_a_body() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    let connection = api.connection(&acme.admin, "Acme").await;
    let answer = send(api.request(Method::POST, &format!("/connections/{connection}/sync"), &acme.admin)).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let run = answer.json();
    let id = text(&run["id"]);
    assert_eq!(answer.header("location"), Some(format!("/api/directory/runs/{id}").as_str()));
    assert_eq!((&run["status"], &run["mode"], &run["dryRun"]), (&json!("queued"), &json!("auto"), &json!(false)));
    assert_eq!((&run["trigger"], &run["connectionId"]), (&json!("manual"), &json!(connection)));
    assert_eq!(api.get(&acme.viewer, &format!("/runs/{id}")).await.json(), run);
    assert_eq!(api.items(&acme.viewer, &format!("/connections/{connection}/runs")).await, [run]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sync_is_run_as_asked() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    for (body, mode, dry_run) in [
        (json!({}), "auto", false),
        (json!({"mode": null, "dryRun": null}), "auto", false),
        (json!({"mode": "full"}), "full", false),
        (json!({"mode": "delta", "dryRun": true}), "delta", true),
    ] {
        let connection = api.connection(&acme.admin, "Acme").await;
        let run = api.post(&acme.admin, &format!("/connections/{connection}/sync"), &body).await.json();
        assert_eq!((&run["mode"], &run["dryRun"]), (&json!(mode), &json!(dry_run)), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_wish_is_pointed_at_and_queues_nothing() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    let connection = api.connection(&acme.admin, "Acme").await;
    let sync = format!("/connections/{connection}/sync");
    for (body, pointer) in [
        (json!({"mode": "fast"}), "/mode"),
        (json!({"mode": 1}), "/mode"),
        (json!({"dryRun": "yes"}), "/dryRun"),
        (json!({"dryrun": true}), "/dryrun"),
        (json!([]), ""),
        (json!(null), ""),
    ] {
        assert_eq!(api.post(&acme.admin, &sync, &body).await.pointers(), [pointer], "{body}");
    }
    assert_eq!(api.post(&acme.admin, &format!("{sync}?dryRun=true"), &json!({})).await.pointers(), ["?dryRun"]);
    assert_eq!(api.items(&acme.admin, &format!("/connections/{connection}/runs")).await, Vec::<Value>::new());
    api.post(&acme.admin, &format!("/connections/{ABSENT}/sync"), &json!({})).await.problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_sync_is_told_the_active_run() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    let connection = api.connection(&acme.admin, "Acme").await;
    let run = api.queue(&acme.admin, &connection, &json!({})).await;
    let again = api.post(&acme.admin, &format!("/connections/{connection}/sync"), &json!({"mode": "full"})).await;
    assert_eq!(again.problem(409, "run_active")["activeRunId"], json!(run));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_shows_what_it_did() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    api.start_worker();
    let connection = api.connection(&acme.admin, "Acme").await;
    api.directory_lists(vec![person("e1", "ada"), person("e2", "bob")]);
    let first = api.sync(&acme.admin, &connection, &json!({})).await;
    assert_eq!(first["status"], "succeeded", "{first}");
    assert_eq!((&first["counts"]["seen"], &first["counts"]["created"]), (&json!(2), &json!(2)));
    assert!(first["finishedAt"].is_string(), "{first}");
    let shown = api.get(&acme.admin, &format!("/connections/{connection}")).await.json();
    assert_eq!(shown["lastRun"], first);

    api.directory_lists(vec![person("e1", "ada.l")]);
    let dry = api.sync(&acme.admin, &connection, &json!({"dryRun": true})).await;
    assert_eq!(dry["status"], "planned", "{dry}");
    assert_eq!(text(&dry["planDigest"]).len(), 64);
    let users = api.items(&acme.admin, "/users?status=active").await;
    assert_eq!(users.len(), 2, "a dry run writes nothing");

    let second = api.sync(&acme.admin, &connection, &json!({})).await;
    let changes = api.items(&acme.admin, &format!("/runs/{}/changes", text(&second["id"]))).await;
    let of = |action: &str| changes.iter().find(|change| change["action"] == action).unwrap().clone();
    let update = of("update");
    assert_eq!(update["before"], json!({"email": "ada@example.org"}));
    assert_eq!(update["after"], json!({"email": "ada.l@example.org"}));
    assert_eq!((&update["outcome"], &update["externalId"]), (&json!("applied"), &json!("e1")));
    let deactivation = of("deactivate");
    let user = text(&deactivation["userId"]);
    let user = api.get(&acme.admin, &format!("/users/{user}")).await.json();
    assert_eq!(user["status"], "inactive");
    assert_eq!(
        (&user["deactivation"]["by"], &user["deactivation"]["runId"]),
        (&json!("directory_absent"), &second["id"])
    );
    assert!(user["deactivation"]["at"].is_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_run_says_why() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    api.start_worker();
    let connection = api.connection(&acme.admin, "Acme").await;
    api.directory_lists(vec![person("e1", "ada")]);
    api.sync(&acme.admin, &connection, &json!({})).await;
    api.directory_lists(Vec::new());
    let held = api.sync(&acme.admin, &connection, &json!({})).await;
    assert_eq!(held["status"], "held", "{held}");
    let reason = &held["hold"]["reasons"][0];
    assert_eq!((&reason["code"], &reason["deactivations"]), (&json!("all_deactivated"), &json!(1)));
    assert!(reason["message"].is_string());
    assert_eq!(held["finishedAt"], Value::Null);
}
