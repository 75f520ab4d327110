//! Schedules that servers follow, quarantines that they try again, and directories that they leave alone.

use entra_simulator::{Fault, FaultKind, Route};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    main_job::plain,
    support::{Kind, System, on_both_stores, wait_for},
};

on_both_stores!(
    what_is_due_is_synchronised,
    a_quarantined_connection_is_tried_again,
    a_directory_is_left_alone_as_long_as_it_asks,
    what_is_no_schedule_is_refused
);

/// A time that has come.
const PAST: &str = "2026-01-02T03:04:05.000Z";

fn path(connection: &str) -> String {
    format!("/api/directory/connections/{connection}")
}

async fn connection(system: &System, id: &str) -> Value {
    system.get(&path(id)).await
}

async fn patch(system: &System, id: &str, body: Value) -> Value {
    let (status, connection) = system.call(Method::PATCH, &path(id), Some(&body)).await;
    assert_eq!(status, StatusCode::OK, "{connection}");
    connection
}

/// The connection is due, and a server starts its run; the ended run.
async fn runs_when_due(system: &System, id: &str, before: usize) -> Value {
    let sql = format!("UPDATE connections SET next_sync_at = '{PAST}' WHERE id = '{id}' AND next_sync_at IS NOT NULL");
    assert_eq!(system.database.execute(&sql).await, 1);
    let run = wait_for("the scheduled run", async || {
        let runs = system.all(&format!("{}/runs", path(id))).await;
        (runs.len() > before).then(|| runs[0]["id"].as_str().unwrap().to_owned())
    })
    .await;
    let run = system.end_of(&run).await;
    assert_eq!((&run["trigger"], &run["mode"] == "delta"), (&json!("schedule"), false), "{run}");
    run
}

fn in_the_future(connection: &Value) -> bool {
    let next: chrono::DateTime<chrono::Utc> = connection["nextSyncAt"].as_str().unwrap().parse().unwrap();
    next > chrono::Utc::now()
}

async fn what_is_due_is_synchronised(kind: Kind) {
    let system = System::start(kind, plain(5)).await;
    let id = system.register(json!({"schedule": "0 3 1 1 * Europe/Berlin"})).await;
    let registered = connection(&system, &id).await;
    assert!(in_the_future(&registered), "{registered}");
    let run = runs_when_due(&system, &id, 0).await;
    assert_eq!((&run["status"], &run["counts"]["created"]), (&json!("succeeded"), &json!(5)));
    assert_eq!(connection(&system, &id).await["nextSyncAt"], registered["nextSyncAt"], "its own next time");

    // The command line says the same, pauses and resumes.
    let (_, shown) = system.cli.json(&["connection", "show", &id], "");
    assert_eq!(shown["nextSyncAt"], registered["nextSyncAt"]);
    let (_, paused) = system.cli.json(&["connection", "update", &id, "--pause"], "");
    assert_eq!((&paused["state"], &paused["nextSyncAt"]), (&json!("paused"), &Value::Null));
    assert_eq!(patch(&system, &id, json!({"paused": false})).await["nextSyncAt"], registered["nextSyncAt"]);
    assert_eq!(patch(&system, &id, json!({"schedule": null})).await["nextSyncAt"], Value::Null);
    let next = patch(&system, &id, json!({"schedule": "every 12h"})).await["nextSyncAt"].clone();
    let table = system.cli.run(&["--output", "table", "connection", "list"], "").stdout;
    let table = String::from_utf8(table).unwrap();
    assert!(table.contains("NEXT SYNC") && table.contains(&next.as_str().unwrap()[..10]), "{table}");
}

async fn a_quarantined_connection_is_tried_again(kind: Kind) {
    let system = System::start(kind, plain(3)).await;
    let id = system.register(json!({"schedule": "every 1d", "clientSecret": "wrong~secret"})).await;
    let run = runs_when_due(&system, &id, 0).await;
    assert_eq!(run["error"]["code"], "credential_invalid", "{run}");
    let quarantined = connection(&system, &id).await;
    assert_eq!(quarantined["state"], "quarantined");
    assert!(quarantined["stateReason"].as_str().is_some_and(|reason| !reason.is_empty()));
    let begun = run["finishedAt"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    let next = quarantined["nextSyncAt"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    assert_eq!((next - begun + chrono::TimeDelta::minutes(5)).num_hours(), 6, "{quarantined}");
    assert_eq!(runs_when_due(&system, &id, 1).await["status"], "failed");
    assert_eq!(
        connection(&system, &id).await["nextSyncAt"],
        quarantined["nextSyncAt"],
        "the first retry is ahead still"
    );

    let body = json!({"clientSecret": entra_simulator::CLIENT_SECRET});
    let (status, _) = system.call(Method::PUT, &format!("{}/credential", path(&id)), Some(&body)).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let mended = connection(&system, &id).await;
    assert_eq!(mended["state"], "active");
    assert_ne!(mended["nextSyncAt"], quarantined["nextSyncAt"]);
    assert_eq!(runs_when_due(&system, &id, 2).await["status"], "succeeded");
}

async fn a_directory_is_left_alone_as_long_as_it_asks(kind: Kind) {
    let system = System::start(kind, plain(3)).await;
    let id = system.register(json!({"schedule": "every 1d"})).await;
    let sibling = system.register(json!({"displayName": "Sibling"})).await;
    // Longer than any run waits.
    system.simulator.add_fault(Fault::new(Route::Users, FaultKind::throttled("86400")));
    let run = runs_when_due(&system, &id, 0).await;
    assert_eq!(run["error"]["code"], "throttled", "{run}");
    assert!(run["error"]["hint"].as_str().unwrap().contains("left alone for 1440 min"), "{run}");
    let throttled = connection(&system, &id).await;
    assert_eq!(throttled["state"], "active");

    // Nobody asks the directory again, for no connection of it; a person's run says until when it waits.
    let waiting = system.start_sync(&sibling).await;
    let shown = system.get(&format!("/api/directory/runs/{waiting}")).await;
    assert_eq!((&shown["status"], &shown["notBefore"]), (&json!("queued"), &throttled["nextSyncAt"]), "{shown}");
    let (_, shown) = system.cli.json(&["run", "show", &waiting], "");
    assert_eq!(shown["notBefore"], throttled["nextSyncAt"]);
    // Once the time has come, it is carried out.
    let sql = format!("UPDATE directory_pauses SET not_before = '{PAST}'");
    assert_eq!(system.database.execute(&sql).await, 1);
    let run = system.end_of(&waiting).await;
    assert_eq!((&run["status"], &run["notBefore"]), (&json!("succeeded"), &Value::Null));
}

async fn what_is_no_schedule_is_refused(kind: Kind) {
    let system = System::start(kind, plain(1)).await;
    let id = system.register(json!({})).await;
    assert_eq!(connection(&system, &id).await["nextSyncAt"], Value::Null);
    for (schedule, complaint) in [
        ("now and then", "must be `every N`"),
        ("0 3 31 2 *", "is never due"),
        ("0 3 * * * Mars/Olympus", "names no time zone"),
    ] {
        let body = json!({"schedule": schedule});
        let (status, problem) = system.call(Method::PATCH, &path(&id), Some(&body)).await;
        assert_eq!((status, &problem["errors"][0]["pointer"]), (StatusCode::BAD_REQUEST, &json!("/schedule")));
        assert!(problem["errors"][0]["detail"].as_str().unwrap().contains(complaint), "{problem}");
        let refused = system.cli.run(&["connection", "update", &id, "--schedule", schedule], "");
        assert_eq!(refused.status.code(), Some(2));
        assert!(String::from_utf8(refused.stderr).unwrap().contains(complaint));
    }
}
