//! Runs that are cancelled: what was applied stays, what was not is said, and the next run does it.

use std::time::Duration;

use entra_simulator::{Config, Route};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    main_job::plain,
    support::{Kind, System, on_both_stores, wait_for},
};

on_both_stores!(
    a_queued_run_is_cancelled_at_once,
    a_run_is_cancelled_while_it_reads,
    a_run_is_cancelled_while_it_applies,
);

async fn cancel(system: &System, run: &str) -> Value {
    let (status, body) = system.call(Method::POST, &format!("/api/directory/runs/{run}/cancel"), None).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(body["status"], "cancelled");
    assert!(body["finishedAt"].is_string());
    body
}

async fn a_queued_run_is_cancelled_at_once(kind: Kind) {
    let mut system = System::start(kind, plain(3)).await;
    let connection = system.register(json!({})).await;
    // Nobody takes it up.
    assert!(system.take_server().terminate().success());
    let (_, run) = system.cli.json(&["sync", "Acme Entra", "--detach"], "");
    let id = run["id"].as_str().unwrap();
    let (code, cancelled) = system.cli.json(&["run", "cancel", id], "");
    assert_eq!((code, &cancelled["status"]), (0, &json!("cancelled")), "{cancelled}");
    system.start_server();
    let again = cancel(&system, id).await;
    assert_eq!(again["finishedAt"], cancelled["finishedAt"], "asking twice is asking once");

    let done = system.sync(&connection).await;
    let path = format!("/api/directory/runs/{}/cancel", done["id"].as_str().unwrap());
    let (status, problem) = system.call(Method::POST, &path, None).await;
    assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("run_not_active")), "{problem}");
}

async fn a_run_is_cancelled_while_it_reads(kind: Kind) {
    let slow = Config { max_page_size: 5, latency: Duration::from_millis(50), ..plain(500) };
    let system = System::start(kind, slow).await;
    let connection = system.register(json!({})).await;
    let run = system.start_sync(&connection).await;
    wait_for("a few pages", async || (system.simulator.requests(Route::Users) > 3).then_some(())).await;
    cancel(&system, &run).await;
    // At most until the next page: then the worker has noticed, and the next run has the directory to itself.
    system.simulator.set_latency(Duration::ZERO);
    let next = system.sync(&connection).await;
    assert_eq!((&next["status"], &next["counts"]["created"]), (&json!("succeeded"), &json!(500)), "{next}");
    let cancelled = system.get(&format!("/api/directory/runs/{run}")).await;
    assert_eq!((&cancelled["status"], &cancelled["appliedChanges"]), (&json!("cancelled"), &json!(0)));
    assert!(system.changes(&cancelled).await.is_empty(), "half a plan is none");
}

async fn a_run_is_cancelled_while_it_applies(kind: Kind) {
    // Enough batches for something to happen in between.
    let count: u64 = if kind == Kind::Postgres { 40_000 } else { 20_000 };
    let system = System::start(kind, plain(u32::try_from(count).unwrap())).await;
    let connection = system.register(json!({})).await;
    let run = system.start_sync(&connection).await;
    let path = format!("/api/directory/runs/{run}");
    wait_for("a batch", async || (system.get(&path).await["appliedChanges"] != 0).then_some(())).await;
    let cancelled = cancel(&system, &run).await;
    let applied = cancelled["appliedChanges"].as_u64().unwrap();
    assert!(applied > 0 && applied < count, "{cancelled}");
    assert_eq!(cancelled["plannedChanges"], count);
    assert_eq!(cancelled["counts"]["created"], applied, "the counts say what was done");
    let users = async || system.database.texts("SELECT CAST(id AS text) FROM users").await.len() as u64;
    assert_eq!(users().await, applied, "and it was done");
    let outcomes = "SELECT CASE WHEN c.seq <= r.applied_through THEN 'applied' ELSE c.outcome END \
                    FROM sync_changes c JOIN sync_runs r ON r.id = c.run_id";
    let outcomes = system.database.texts(outcomes).await;
    assert_eq!(outcomes.iter().filter(|outcome| *outcome == "planned").count() as u64, count - applied);
    let left = system.get(&format!("{path}/changes?outcome=planned&limit=1")).await;
    assert_eq!(left["items"][0]["action"], "create");

    let next = system.sync(&connection).await;
    assert_eq!((&next["status"], &next["counts"]["created"]), (&json!("succeeded"), &json!(count - applied)), "{next}");
    assert_eq!(system.get(&path).await, cancelled, "nobody went on with it");
    assert_eq!(users().await, count);
}
