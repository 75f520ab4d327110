//! Trying changes of a connection before they are made.

use reqwest::Method;
use serde_json::{Value, json};

use crate::api::{ABSENT, Api, CLIENT, person, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_preview_plans_with_the_changes_and_saves_none() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    api.start_worker();
    let connection = api.connection(&acme.admin, "Acme").await;
    api.directory_lists(vec![person("e1", "ada")]);
    let before = api.get(&acme.admin, &format!("/connections/{connection}")).await.json();

    let body = json!({
        "displayName": "New name", "groupId": CLIENT.to_uppercase(), "defaultRole": "guest", "schedule": "every 15m",
        "paused": true, "policy": {"includeGuests": null, "adoptByEmail": false},
    });
    let answer = api.post(&acme.admin, &format!("/connections/{connection}/preview"), &body).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let queued = answer.json();
    let run = text(&queued["id"]);
    assert_eq!(answer.header("location"), Some(format!("/api/directory/runs/{run}").as_str()));
    let mut policy = before["policy"].clone();
    policy["includeGuests"] = json!(true);
    policy["adoptByEmail"] = json!(false);
    let draft = json!({"groupId": CLIENT, "defaultRole": "guest", "policy": policy});
    assert_eq!((&queued["dryRun"], &queued["preview"]), (&json!(true), &draft));

    let done = api.ended(&acme.admin, &run).await;
    assert_eq!((&done["status"], &done["preview"]), (&json!("planned"), &draft), "{done}");
    assert_eq!((&done["counts"]["created"], &done["plannedChanges"]), (&json!(1), &json!(1)));
    let changes = api.items(&acme.viewer, &format!("/runs/{run}/changes")).await;
    assert_eq!((&changes[0]["after"]["role"], &changes[0]["outcome"]), (&json!("guest"), &json!("planned")));

    let mut after = api.get(&acme.admin, &format!("/connections/{connection}")).await.json();
    assert_eq!(after["lastRun"], done);
    after["lastRun"] = Value::Null;
    assert_eq!(after, before);
    assert_eq!(api.items(&acme.admin, "/users").await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_preview_of_no_change_needs_no_body() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    for body in [None, Some(json!({}))] {
        let connection = api.connection(&acme.admin, "Acme").await;
        let path = format!("/connections/{connection}/preview");
        let answer = match &body {
            Some(body) => api.post(&acme.admin, &path, body).await,
            None => api.bare(Method::POST, &acme.admin, &path).await,
        };
        assert_eq!(answer.status, 202, "{}", answer.text);
        let shown = api.get(&acme.admin, &format!("/connections/{connection}")).await.json();
        let draft = json!({"groupId": null, "defaultRole": "member", "policy": shown["policy"]});
        assert_eq!(answer.json()["preview"], draft);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_preview_is_refused_as_a_sync_is() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    let connection = api.connection(&acme.admin, "Acme").await;
    let path = format!("/connections/{connection}/preview");
    assert_eq!(api.bare(Method::POST, &acme.admin, &format!("{path}?dryRun=true")).await.pointers(), ["?dryRun"]);
    api.post(&acme.admin, &format!("/connections/{ABSENT}/preview"), &json!({})).await.problem(404, "not_found");
    let run = api.queue(&acme.admin, &connection, &json!({})).await;
    let problem = api.post(&acme.admin, &path, &json!({})).await.problem(409, "run_active");
    assert_eq!(problem["activeRunId"], json!(run));
    assert_eq!(api.items(&acme.admin, &format!("/connections/{connection}/runs")).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ordinary_run_is_no_preview() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    let connection = api.connection(&acme.admin, "Acme").await;
    let body = json!({"dryRun": true});
    let answer = api.post(&acme.admin, &format!("/connections/{connection}/sync"), &body).await;
    assert_eq!((answer.status, answer.json().get("preview")), (202, Some(&Value::Null)));
}
