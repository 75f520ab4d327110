//! What a change of scope or policy would do, before it is made.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    main_job::plain,
    support::{Kind, System, on_both_stores},
};

on_both_stores!(a_preview_shows_whom_a_group_would_deactivate, the_command_line_previews_too);

async fn a_preview_shows_whom_a_group_would_deactivate(kind: Kind) {
    let system = System::start(kind, plain(60)).await;
    let connection = system.register(json!({})).await;
    system.sync(&connection).await;
    let at = format!("/api/directory/connections/{connection}");
    let mut before = system.get(&at).await;
    let rows = system.database.user_rows().await;
    let body = json!({"groupId": system.simulator.directory().engineering(), "policy": {"includeGuests": true}});

    let (status, queued) = system.call(Method::POST, &format!("{at}/preview"), Some(&body)).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{queued}");
    let preview = system.end_of(queued["id"].as_str().unwrap()).await;
    assert_eq!((&preview["status"], &preview["dryRun"]), (&json!("planned"), &json!(true)), "{preview}");
    assert_eq!((&preview["counts"]["seen"], &preview["counts"]["deactivated"]), (&json!(25), &json!(35)));
    assert_eq!(preview["preview"]["groupId"], body["groupId"]);
    assert_eq!(preview["hold"]["reasons"][0]["code"], "too_many_deactivations", "what the safeguards would say");
    let leavers = system.changes(&preview).await;
    assert_eq!(leavers.len(), 35);
    assert!(leavers.iter().all(|change| change["action"] == "deactivate" && change["userId"].is_string()));

    // Nothing is saved but the run.
    let mut after = system.get(&at).await;
    assert_eq!(after["lastRun"]["id"], preview["id"]);
    before["lastRun"] = Value::Null;
    after["lastRun"] = Value::Null;
    assert_eq!(after, before);
    assert_eq!(system.database.user_rows().await, rows);

    // A group that does not exist is said of the preview and not held against the connection.
    let missing = json!({"groupId": "11111111-2222-4333-8444-555555555555"});
    let (_, queued) = system.call(Method::POST, &format!("{at}/preview"), Some(&missing)).await;
    let failed = system.end_of(queued["id"].as_str().unwrap()).await;
    assert_eq!((&failed["status"], &failed["error"]["code"]), (&json!("failed"), &json!("group_not_found")));
    assert_eq!(system.get(&at).await["state"], "active");

    // Saved, the same change plans exactly what the preview showed.
    let (status, changed) = system.call(Method::PATCH, &at, Some(&body)).await;
    assert_eq!((status, &changed["groupId"]), (StatusCode::OK, &body["groupId"]), "{changed}");
    let run = system.sync(&connection).await;
    assert_eq!((&run["status"], &run["planDigest"]), (&json!("held"), &preview["planDigest"]), "{run}");
}

async fn the_command_line_previews_too(kind: Kind) {
    let system = System::start(kind, plain(60)).await;
    let connection = system.register(json!({})).await;
    system.sync(&connection).await;
    let group = system.simulator.directory().engineering().to_string();
    let (code, preview) = system.cli.json(&["connection", "preview", "Acme Entra", "--group-id", &group], "");
    assert_eq!((code, &preview["status"]), (0, &json!("planned")), "{preview}");
    assert_eq!(preview["counts"]["deactivated"], 35);
    let (_, shown) = system.cli.json(&["connection", "show", "Acme Entra"], "");
    assert_eq!(shown["groupId"], Value::Null);
    let (code, changed) = system.cli.json(&["connection", "update", "Acme Entra", "--group-id", &group], "");
    assert_eq!((code, &changed["groupId"]), (0, &json!(group)));
}
