//! Deciding about held runs, and stopping active ones.

use reqwest::Method;
use serde_json::{Value, json};

use crate::api::{ABSENT, Api, text};

/// The changes' outcomes by directory user.
async fn outcomes(api: &Api, token: &str, run: &str) -> Vec<(String, String)> {
    let changes = api.items(token, &format!("/runs/{run}/changes")).await;
    let mut outcomes: Vec<_> =
        changes.iter().map(|change| (text(&change["externalId"]), text(&change["outcome"]))).collect();
    outcomes.sort();
    outcomes
}

/// The position of the change of this directory user.
async fn position(api: &Api, token: &str, run: &str, external_id: &str) -> u64 {
    let changes = api.items(token, &format!("/runs/{run}/changes")).await;
    let change = changes.iter().find(|change| change["externalId"] == external_id).unwrap();
    change["seq"].as_u64().unwrap()
}

fn of_each(outcomes: &[(&str, &str)]) -> Vec<(String, String)> {
    outcomes.iter().map(|(user, outcome)| ((*user).to_owned(), (*outcome).to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approved_plan_is_applied() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    api.start_worker();
    let (connection, held) = api.held(&acme.admin).await;
    let run = text(&held["id"]);
    assert_eq!((&held["plannedChanges"], &held["appliedChanges"]), (&json!(3), &json!(0)));

    let approve = format!("/runs/{run}/approve");
    let answer = api.post(&acme.admin, &approve, &json!({"planDigest": held["planDigest"]})).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    assert_eq!(answer.header("location"), Some(format!("/api/directory/runs/{run}").as_str()));
    assert_eq!((&answer.json()["id"], &answer.json()["status"]), (&held["id"], &json!("queued")));

    let done = api.ended(&acme.admin, &run).await;
    assert_eq!((&done["status"], &done["counts"]["deactivated"]), (&json!("succeeded"), &json!(3)), "{done}");
    assert_eq!((&done["plannedChanges"], &done["appliedChanges"]), (&json!(3), &json!(3)));
    assert_eq!(api.items(&acme.admin, "/users?status=active").await, Vec::<Value>::new());
    let again = api.post(&acme.admin, &approve, &json!({"planDigest": held["planDigest"]})).await;
    assert!(text(&again.problem(409, "run_not_held")["detail"]).contains("`succeeded`"));
    let shown = api.get(&acme.viewer, &format!("/connections/{connection}")).await.json();
    assert_eq!(shown["lastRun"], done);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chosen_changes_are_applied_and_the_others_rejected() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    api.start_worker();
    for (member, expected) in [
        ("changes", [("e1", "rejected"), ("e2", "applied"), ("e3", "rejected")]),
        ("except", [("e1", "applied"), ("e2", "rejected"), ("e3", "applied")]),
    ] {
        let other = api.account(member).await;
        let (_, held) = api.held(&other.admin).await;
        let run = text(&held["id"]);
        let bob = position(&api, &other.admin, &run, "e2").await;
        let body = json!({"planDigest": held["planDigest"], member: [bob]});
        assert_eq!(api.post(&other.admin, &format!("/runs/{run}/approve"), &body).await.status, 202);
        let done = api.ended(&other.admin, &run).await;
        assert_eq!(done["status"], "succeeded", "{done}");
        assert_eq!(outcomes(&api, &other.admin, &run).await, of_each(&expected), "{member}");
        let rejected = api.items(&other.admin, &format!("/runs/{run}/changes?outcome=rejected")).await;
        assert_eq!(rejected[0]["message"], "A person turned this change down.");
        let active = api.items(&other.admin, "/users?status=active").await;
        assert_eq!(active.len(), rejected.len(), "{member}");
    }
    assert_eq!(api.items(&acme.admin, "/users").await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_that_does_not_fit_changes_nothing() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    api.start_worker();
    let (_, held) = api.held(&acme.admin).await;
    let run = text(&held["id"]);
    let digest = text(&held["planDigest"]);
    let approve = format!("/runs/{run}/approve");
    let post = |body: Value| {
        let (api, acme, approve) = (&api, &acme, &approve);
        async move { api.post(&acme.admin, approve, &body).await }
    };
    let mut all = Vec::new();
    for user in ["e1", "e2", "e3"] {
        all.push(position(&api, &acme.admin, &run, user).await);
    }

    post(json!({"planDigest": "0".repeat(64)})).await.problem(409, "plan_changed");
    let chosen = json!([all[0], 4_000_000_000_u32, all[1], 4_000_000_001_u32]);
    let answer = post(json!({"planDigest": digest, "changes": chosen})).await;
    assert_eq!(answer.pointers(), ["/changes/1", "/changes/3"]);
    assert_eq!(post(json!({"planDigest": digest, "except": [4_000_000_000_u32]})).await.pointers(), ["/except/0"]);
    assert_eq!(post(json!({"planDigest": digest, "except": all})).await.pointers(), ["/except"]);
    for (body, pointer) in [
        (json!({}), "/planDigest"),
        (json!({"planDigest": 5}), "/planDigest"),
        (json!({"planDigest": "x"}), "/planDigest"),
        (json!({"planDigest": digest, "changes": []}), "/changes"),
        (json!({"planDigest": digest, "changes": [0]}), "/changes/0"),
        (json!({"planDigest": digest, "changes": [-1]}), "/changes/0"),
        (json!({"planDigest": digest, "changes": [1, 1]}), "/changes/1"),
        (json!({"planDigest": digest, "changes": [1], "except": [2]}), "/except"),
        (json!({"planDigest": digest, "all": true}), "/all"),
        (json!([digest]), ""),
    ] {
        assert_eq!(post(body.clone()).await.pointers(), [pointer], "{body}");
    }
    let bodiless = api.bare(Method::POST, &acme.admin, &approve).await;
    assert_eq!(bodiless.pointers(), ["/planDigest"]);
    let body = json!({"planDigest": digest});
    assert_eq!(api.post(&acme.admin, &format!("{approve}?force=1"), &body).await.pointers(), ["?force"]);
    api.post(&acme.admin, &format!("/runs/{ABSENT}/approve"), &body).await.problem(404, "not_found");
    assert_eq!(api.get(&acme.admin, &format!("/runs/{run}")).await.json(), held);

    // The digest is hexadecimal in any case.
    assert_eq!(post(json!({"planDigest": digest.to_uppercase(), "except": []})).await.status, 202);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_waits_for_the_active_run() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    let worker = api.start_worker();
    let (connection, held) = api.held(&acme.admin).await;
    worker.abort();
    assert!(worker.await.unwrap_err().is_cancelled());
    let dry = api.queue(&acme.admin, &connection, &json!({"dryRun": true})).await;
    let approve = format!("/runs/{}/approve", text(&held["id"]));
    let body = json!({"planDigest": held["planDigest"]});
    let problem = api.post(&acme.admin, &approve, &body).await.problem(409, "run_active");
    assert_eq!(problem["activeRunId"], json!(dry));
    assert!(text(&problem["detail"]).contains("cancel"), "{problem}");

    assert_eq!(api.bare(Method::POST, &acme.admin, &format!("/runs/{dry}/cancel")).await.status, 200);
    assert_eq!(api.post(&acme.admin, &approve, &body).await.status, 202);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rejected_plan_is_not_applied() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    api.start_worker();
    let (connection, held) = api.held(&acme.admin).await;
    let run = text(&held["id"]);
    let cancelled = api.bare(Method::POST, &acme.admin, &format!("/runs/{run}/cancel")).await;
    assert!(text(&cancelled.problem(409, "run_not_active")["detail"]).contains("reject it"));

    let reject = format!("/runs/{run}/reject");
    let answer = api.bare(Method::POST, &acme.admin, &reject).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let rejected = answer.json();
    assert_eq!((&rejected["id"], &rejected["status"]), (&held["id"], &json!("rejected")));
    assert!(rejected["finishedAt"].is_string(), "{rejected}");
    assert_eq!(api.get(&acme.admin, &format!("/runs/{run}")).await.json(), rejected);
    let each = [("e1", "rejected"), ("e2", "rejected"), ("e3", "rejected")];
    assert_eq!(outcomes(&api, &acme.admin, &run).await, of_each(&each));
    assert_eq!(api.items(&acme.admin, "/users?status=active").await.len(), 3);

    assert_eq!(api.post(&acme.admin, &reject, &json!({})).await.json(), rejected, "once is as good as twice");
    let body = json!({"planDigest": held["planDigest"]});
    let approved = api.post(&acme.admin, &format!("/runs/{run}/approve"), &body).await;
    assert!(text(&approved.problem(409, "run_not_held")["detail"]).contains("`rejected`"));
    assert_eq!(api.sync(&acme.admin, &connection, &json!({})).await["status"], "held");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_superseded_or_dry_run_cannot_be_decided_about() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    api.start_worker();
    let (connection, held) = api.held(&acme.admin).await;
    let dry = api.sync(&acme.admin, &connection, &json!({"dryRun": true})).await;
    api.sync(&acme.admin, &connection, &json!({})).await;
    for (run, status, advice) in [(&held, "`superseded`", "newer run"), (&dry, "`planned`", "dry run")] {
        let id = text(&run["id"]);
        for (verb, code) in [("approve", "run_not_held"), ("reject", "run_not_held"), ("cancel", "run_not_active")] {
            let body = if verb == "approve" { json!({"planDigest": run["planDigest"]}) } else { json!({}) };
            let answer = api.post(&acme.admin, &format!("/runs/{id}/{verb}"), &body).await;
            let detail = text(&answer.problem(409, code)["detail"]);
            assert!(detail.contains(status), "{verb}: {detail}");
            assert!(verb == "cancel" || detail.contains(advice), "{verb}: {detail}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queued_run_is_cancelled() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    let connection = api.connection(&acme.admin, "Acme").await;
    let run = api.queue(&acme.admin, &connection, &json!({})).await;
    for verb in ["reject", "approve"] {
        let body = if verb == "approve" { json!({"planDigest": "0".repeat(64)}) } else { json!({}) };
        let answer = api.post(&acme.admin, &format!("/runs/{run}/{verb}"), &body).await;
        assert!(text(&answer.problem(409, "run_not_held")["detail"]).contains("cancel it"), "{verb}");
    }

    let cancel = format!("/runs/{run}/cancel");
    let answer = api.bare(Method::POST, &acme.admin, &cancel).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json()["status"], "cancelled");
    assert_eq!(api.get(&acme.viewer, &format!("/runs/{run}")).await.json(), answer.json());
    assert_eq!(api.bare(Method::POST, &acme.admin, &cancel).await.json(), answer.json(), "once is as good as twice");
    api.queue(&acme.admin, &connection, &json!({})).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ending_a_run_takes_no_further_words() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    let connection = api.connection(&acme.admin, "Acme").await;
    let run = api.queue(&acme.admin, &connection, &json!({})).await;
    for verb in ["reject", "cancel"] {
        let path = format!("/runs/{run}/{verb}");
        for (body, pointer) in [(json!({"force": true}), "/force"), (json!([]), ""), (json!(null), "")] {
            assert_eq!(api.post(&acme.admin, &path, &body).await.pointers(), [pointer], "{verb}: {body}");
        }
        assert_eq!(api.bare(Method::POST, &acme.admin, &format!("{path}?x=1")).await.pointers(), ["?x"]);
        api.bare(Method::POST, &acme.admin, &format!("/runs/{ABSENT}/{verb}")).await.problem(404, "not_found");
    }
    assert_eq!(api.get(&acme.admin, &format!("/runs/{run}")).await.json()["status"], "queued");
    assert_eq!(api.post(&acme.admin, &format!("/runs/{run}/cancel"), &json!({})).await.status, 200);
}
