//! `Prefer: wait`: asking for a run, and for its end.

use http_api::{ApiConfig, Limits};
use reqwest::Method;
use serde_json::{Value, json};

use crate::api::{Answer, Api, config, send, text};

async fn post(api: &Api, token: &str, path: &str, body: &Value, prefer: &str) -> Answer {
    send(api.request(Method::POST, path, token).json(body).header("prefer", prefer)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sync_that_ends_in_time_is_answered_with_its_end() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    let connection = api.connection(&acme.admin, "Acme").await;
    api.start_worker();
    for (prefer, applied) in [("wait=30", "wait=30"), ("respond-async, Wait=\"900\"", "wait=60")] {
        let answer = post(&api, &acme.admin, &format!("/connections/{connection}/sync"), &json!({}), prefer).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.header("preference-applied"), Some(applied));
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let run = answer.json();
        assert_eq!(run["status"], "succeeded", "{run}");
        assert_eq!(answer.header("location"), Some(format!("/api/directory/runs/{}", text(&run["id"])).as_str()));
        assert_eq!(api.get(&acme.admin, &format!("/runs/{}", text(&run["id"]))).await.json(), run);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn previews_and_approvals_are_waited_for_as_well() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    api.start_worker();
    let (connection, held) = api.held(&acme.admin).await;
    let preview = format!("/connections/{connection}/preview");
    let answer = post(&api, &acme.admin, &preview, &json!({}), "wait=60").await;
    assert_eq!((answer.status, &answer.json()["status"]), (200, &json!("planned")));

    let approve = format!("/runs/{}/approve", text(&held["id"]));
    let body = json!({"planDigest": held["planDigest"]});
    let answer = post(&api, &acme.admin, &approve, &body, "wait=60").await;
    assert_eq!((answer.status, &answer.json()["status"]), (200, &json!("succeeded")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sync_that_does_not_end_in_time_is_accepted() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    for (prefer, applied) in [("wait=0", Some("wait=0")), ("wait=soon", None), ("wait", None), ("respond-async", None)]
    {
        let connection = api.connection(&acme.admin, "Acme").await;
        let answer = post(&api, &acme.admin, &format!("/connections/{connection}/sync"), &json!({}), prefer).await;
        assert_eq!((answer.status, &answer.json()["status"]), (202, &json!("queued")), "{prefer}");
        assert_eq!(answer.header("preference-applied"), applied, "{prefer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_room_for_waiting_nobody_waits() {
    let limits = Limits { watchers: 0, ..config().limits };
    let api = Api::with_config(ApiConfig { limits, ..config() }).await;
    let acme = api.account("acme").await;
    let connection = api.connection(&acme.admin, "Acme").await;
    let answer = post(&api, &acme.admin, &format!("/connections/{connection}/sync"), &json!({}), "wait=60").await;
    assert_eq!((answer.status, answer.header("preference-applied")), (202, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopping_server_lets_nobody_wait() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    let connection = api.connection(&acme.admin, "Acme").await;
    let path = format!("/connections/{connection}/sync");
    let body = json!({});
    let waiting = post(&api, &acme.admin, &path, &body, "wait=60");
    let stopping = async {
        // By then the request is being served.
        while api.store.runs(acme.id, connection.parse().unwrap(), first_page()).await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        api.stop.cancel();
    };
    let (answer, ()) = tokio::join!(waiting, stopping);
    assert_eq!((answer.status, &answer.json()["status"]), (202, &json!("queued")));
}

fn first_page() -> store::IdPage {
    store::IdPage { after: None, limit: 1 }
}
