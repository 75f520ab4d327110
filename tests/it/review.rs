//! Held plans: approved by digest, in whole or in part, rejected, superseded.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    main_job::plain,
    support::{Kind, System, on_both_stores},
};

on_both_stores!(
    an_approved_plan_is_applied_as_it_was_reviewed,
    chosen_changes_are_applied_and_the_others_rejected,
    the_command_line_reviews_too,
);

/// A connection with 100 users of whom the first `leavers` have left, so that its newest run is held.
async fn held(system: &System, leavers: u32) -> (String, Value) {
    let connection = system.register(json!({})).await;
    system.sync(&connection).await;
    let directory = system.simulator.directory();
    for index in 0..leavers {
        directory.delete_user(directory.generated_user(index)).unwrap();
    }
    let run = system.sync(&connection).await;
    assert_eq!((&run["status"], &run["counts"]["deactivated"]), (&json!("held"), &json!(leavers)), "{run}");
    (connection, run)
}

async fn decide(system: &System, run: &Value, decision: &str, body: Value) -> (StatusCode, Value) {
    let path = format!("/api/directory/runs/{}/{decision}", run["id"].as_str().unwrap());
    system.call(Method::POST, &path, Some(&body)).await
}

async fn inactive(system: &System) -> Vec<Value> {
    system.all("/api/directory/users?status=inactive").await
}

async fn an_approved_plan_is_applied_as_it_was_reviewed(kind: Kind) {
    let system = System::start(kind, plain(100)).await;
    let (connection, run) = held(&system, 30).await;
    let digest = &run["planDigest"];

    let (status, problem) = decide(&system, &run, "approve", json!({"planDigest": "0".repeat(64)})).await;
    assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("plan_changed")), "{problem}");
    let (_, viewer) = system.cli.json(&["token", "create", "--tenant", "acme", "--role", "viewer"], "");
    let path = format!("/api/directory/runs/{}/approve", run["id"].as_str().unwrap());
    let body = json!({"planDigest": digest});
    let (status, _) = system.call_as(viewer["token"].as_str().unwrap(), Method::POST, &path, Some(&body)).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(inactive(&system).await.is_empty());

    // While it waits, the product renames one of the users and the directory lists one of them again.
    let directory = system.simulator.directory();
    let (renamed, returned) = (directory.generated_user(0), directory.generated_user(1));
    let rename = format!("UPDATE users SET display_name = 'Kept' WHERE external_id = '{renamed}'");
    assert_eq!(system.database.execute(&rename).await, 1);
    directory.restore_user(returned).unwrap();
    let (status, approved) = decide(&system, &run, "approve", body.clone()).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{approved}");
    let ended = system.end_of(run["id"].as_str().unwrap()).await;
    assert_eq!((&ended["status"], &ended["counts"]["deactivated"]), (&json!("completed_with_errors"), &json!(29)));
    assert_eq!((&ended["plannedChanges"], &ended["appliedChanges"]), (&json!(30), &json!(29)));
    assert_eq!(&ended["planDigest"], digest);
    let stale = system.all(&format!("/api/directory/runs/{}/changes?outcome=stale", run["id"].as_str().unwrap())).await;
    assert_eq!((stale.len(), &stale[0]["externalId"]), (1, &json!(renamed)), "{stale:?}");
    let gone = inactive(&system).await;
    assert_eq!(gone.len(), 29, "exactly the reviewed changes, also of whom the directory lists again");
    assert!(gone.iter().all(|user| user["deactivation"]["runId"] == run["id"]));

    // Once decided it cannot be decided again, and the next run takes care of what moved.
    let (status, problem) = decide(&system, &run, "approve", body).await;
    assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("run_not_held")), "{problem}");
    let next = system.sync(&connection).await;
    assert_eq!((&next["counts"]["deactivated"], &next["counts"]["reactivated"]), (&json!(1), &json!(1)), "{next}");
}

async fn chosen_changes_are_applied_and_the_others_rejected(kind: Kind) {
    let system = System::start(kind, plain(100)).await;
    let (connection, run) = held(&system, 50).await;
    let digest = &run["planDigest"];
    let changes = system.changes(&run).await;
    let seqs: Vec<&Value> = changes.iter().map(|change| &change["seq"]).collect();

    let unknown = json!({"planDigest": digest, "changes": [seqs[0], 4_000_000]});
    let (status, problem) = decide(&system, &run, "approve", unknown).await;
    assert_eq!(
        (status, &problem["errors"][0]["pointer"]),
        (StatusCode::BAD_REQUEST, &json!("/changes/1")),
        "{problem}"
    );
    let chosen = json!({"planDigest": digest, "changes": [seqs[0], seqs[1]]});
    let (status, approved) = decide(&system, &run, "approve", chosen).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{approved}");
    let ended = system.end_of(run["id"].as_str().unwrap()).await;
    assert_eq!((&ended["status"], &ended["counts"]["deactivated"]), (&json!("succeeded"), &json!(2)), "{ended}");
    let outcomes = system.changes(&run).await;
    let with = |outcome: &str| outcomes.iter().filter(|change| change["outcome"] == outcome).count();
    assert_eq!((with("applied"), with("rejected")), (2, 48));
    assert_eq!(inactive(&system).await.len(), 2);

    // The rest comes up again; all but one of it is approved, then what is left is rejected for good.
    let again = system.sync(&connection).await;
    assert_eq!((&again["status"], &again["counts"]["deactivated"]), (&json!("held"), &json!(48)), "{again}");
    let keep = system.changes(&again).await[0].clone();
    let but_one = json!({"planDigest": again["planDigest"], "except": [keep["seq"]]});
    assert_eq!(decide(&system, &again, "approve", but_one).await.0, StatusCode::ACCEPTED);
    let ended = system.end_of(again["id"].as_str().unwrap()).await;
    assert_eq!(ended["counts"]["deactivated"], 47);
    let kept = system.get(&format!("/api/directory/users/{}", keep["userId"].as_str().unwrap())).await;
    assert_eq!(kept["status"], "active");

    // A rejected plan touches nobody.
    let directory = system.simulator.directory();
    (50..100).for_each(|index| directory.delete_user(directory.generated_user(index)).unwrap());
    let all = system.sync(&connection).await;
    let rows = system.database.user_rows().await;
    let (status, rejected) = decide(&system, &all, "reject", json!({})).await;
    assert_eq!((status, &rejected["status"]), (StatusCode::OK, &json!("rejected")), "{rejected}");
    assert!(rejected["finishedAt"].is_string());
    assert!(system.changes(&all).await.iter().all(|change| change["outcome"] == "rejected"));
    let (status, problem) = decide(&system, &all, "approve", json!({"planDigest": all["planDigest"]})).await;
    assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("run_not_held")));
    assert_eq!(system.database.user_rows().await, rows);
}

async fn the_command_line_reviews_too(kind: Kind) {
    let system = System::start(kind, plain(100)).await;
    let (_, run) = held(&system, 30).await;
    let id = run["id"].as_str().unwrap();
    let (code, _) = system.cli.json(&["run", "approve", id, "--digest", &"0".repeat(64)], "");
    assert_eq!(code, 1);
    let (_, list) = system.cli.json(&["run", "changes", id, "--limit", "2"], "");
    let seq = |index: usize| list["items"][index]["seq"].as_u64().unwrap();
    let chosen = format!("{}-{}", seq(0), seq(1));
    let approve = ["run", "approve", id, "--digest", run["planDigest"].as_str().unwrap(), "--changes", &chosen];
    let (code, ended) = system.cli.json(&approve, "");
    assert_eq!(
        (code, &ended["status"], &ended["counts"]["deactivated"]),
        (0, &json!("succeeded"), &json!(2)),
        "{ended}"
    );
    let (code, again) = system.cli.json(&["sync", "Acme Entra"], "");
    assert_eq!((code, &again["status"]), (3, &json!("held")));
    let (code, rejected) = system.cli.json(&["run", "reject", again["id"].as_str().unwrap()], "");
    assert_eq!((code, &rejected["status"]), (0, &json!("rejected")));
    assert_eq!(inactive(&system).await.len(), 2);
}
