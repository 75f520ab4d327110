//! Conflicts: whom they are about, what to do, and how they are settled.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    main_job::{mail, plain},
    support::{Kind, System, on_both_stores},
};

on_both_stores!(
    a_conflict_names_both_sides_and_goes_with_its_cause,
    a_conflict_is_settled_by_linking,
    a_conflict_is_settled_by_ignoring,
    the_command_line_settles_too,
);

fn member(email: &str, name: &str) -> Value {
    json!({"displayName": name, "mail": email, "accountEnabled": true, "userType": "Member"})
}

async fn conflicts(system: &System, run: &Value) -> Vec<Value> {
    system.all(&format!("/api/directory/runs/{}/changes?action=conflict", run["id"].as_str().unwrap())).await
}

async fn a_conflict_names_both_sides_and_goes_with_its_cause(kind: Kind) {
    let system = System::start(kind, plain(5)).await;
    let directory = system.simulator.directory();
    let connection = system.register(json!({})).await;
    system.sync(&connection).await;
    let holder = system.user(&mail(&system, 0)).await;
    let twin: Uuid = directory.add_user(&member(&mail(&system, 0), "Twin")).unwrap();
    let mute: Uuid = directory.add_user(&json!({"displayName": "Mute", "accountEnabled": true, "userPrincipalName": "x#EXT#@example.com", "userType": "Member"})).unwrap();
    let run = system.sync(&connection).await;
    assert_eq!((&run["status"], &run["counts"]["conflicts"]), (&json!("completed_with_errors"), &json!(2)), "{run}");
    let found = conflicts(&system, &run).await;
    let of = |id: Uuid| found.iter().find(|change| change["externalId"] == json!(id)).unwrap();
    assert_eq!(of(twin)["code"], "duplicate_email");
    assert_eq!(
        of(twin)["conflictsWith"],
        json!({"userId": holder["id"], "externalId": directory.generated_user(0)}),
        "who has the address, here and there"
    );
    assert_eq!((&of(mute)["code"], &of(mute)["conflictsWith"]), (&json!("no_email"), &Value::Null));
    for change in &found {
        assert!(change["message"].as_str().unwrap().contains("the next run takes it up"), "a next step: {change}");
    }

    // Corrected in the directory, both are taken in by the next run.
    directory.update_user(twin, &json!({"mail": "twin@example.com"})).unwrap();
    directory.update_user(mute, &json!({"mail": "mute@example.com"})).unwrap();
    let run = system.sync(&connection).await;
    assert_eq!((&run["status"], &run["counts"]["created"]), (&json!("succeeded"), &json!(2)), "{run}");
}

/// A local user whose address a directory user has, and a connection that may not adopt it.
async fn unsettled(system: &System) -> (String, Uuid, Uuid) {
    let local = system.database.add_local_user(&system.tenant, &mail(system, 0).to_uppercase(), "owner").await;
    let connection = system.register(json!({"policy": {"adoptByEmail": false}})).await;
    let run = system.sync(&connection).await;
    assert_eq!((&run["counts"]["created"], &run["counts"]["conflicts"]), (&json!(4), &json!(1)), "{run}");
    let conflict = conflicts(system, &run).await.remove(0);
    assert_eq!(conflict["code"], "adoption_not_allowed");
    assert_eq!(conflict["conflictsWith"], json!({"userId": local, "externalId": null}));
    (connection, local, system.simulator.directory().generated_user(0))
}

async fn a_conflict_is_settled_by_linking(kind: Kind) {
    let system = System::start(kind, plain(5)).await;
    let (connection, local, external_id) = unsettled(&system).await;
    let path = format!("/api/directory/users/{local}/link");
    let link = |external_id: Value| json!({"connectionId": connection, "externalId": external_id});

    // Nobody is linked to a directory user who was never seen, or to one who is somebody else here.
    let (status, problem) = system.call(Method::POST, &path, Some(&link(json!(Uuid::nil())))).await;
    assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("unknown_directory_user")), "{problem}");
    let taken = system.user(&mail(&system, 1)).await;
    let (status, problem) = system.call(Method::POST, &path, Some(&link(taken["externalId"].clone()))).await;
    assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("directory_user_linked")), "{problem}");
    assert_eq!(problem["userId"], taken["id"]);

    let shouted = external_id.to_string().to_uppercase();
    let (status, user) = system.call(Method::POST, &path, Some(&link(json!(shouted)))).await;
    assert_eq!((status, &user["externalId"]), (StatusCode::OK, &json!(external_id)), "{user}");
    let run = system.sync(&connection).await;
    assert_eq!((&run["status"], &run["counts"]["updated"]), (&json!("succeeded"), &json!(1)), "{run}");
    let user = system.get(&format!("/api/directory/users/{local}")).await;
    assert_eq!((&user["email"], &user["role"]), (&json!(mail(&system, 0)), &json!("owner")), "brought up to date");

    // It is the directory's user now, until it is unlinked.
    let directory = system.simulator.directory();
    directory.update_user(external_id, &json!({"accountEnabled": false})).unwrap();
    system.database.add_local_user(&system.tenant, "second@elsewhere.test", "owner").await;
    assert_eq!(system.sync(&connection).await["counts"]["deactivated"], 1);
    let (status, user) = system.call(Method::DELETE, &path, None).await;
    assert_eq!((status, &user["connectionId"]), (StatusCode::OK, &Value::Null), "{user}");
    assert_eq!(user["deactivation"]["by"], "directory_disabled", "unlinking decides nothing else");
}

async fn a_conflict_is_settled_by_ignoring(kind: Kind) {
    let system = System::start(kind, plain(5)).await;
    let (connection, local, external_id) = unsettled(&system).await;
    let ignored = format!("/api/directory/connections/{connection}/ignored");
    for _ in 0..2 {
        let (status, body) = system.call(Method::PUT, &format!("{ignored}/{external_id}"), None).await;
        assert_eq!(status, StatusCode::NO_CONTENT, "{body}");
    }
    let list = system.all(&ignored).await;
    assert_eq!((list.len(), &list[0]["externalId"]), (1, &json!(external_id)));
    let rows = system.database.user_rows().await;
    let run = system.sync(&connection).await;
    assert_eq!((&run["status"], &run["counts"]["excluded"]), (&json!("succeeded"), &json!(1)), "{run}");
    assert_eq!(system.database.user_rows().await, rows);
    let user = system.get(&format!("/api/directory/users/{local}")).await;
    assert_eq!((&user["status"], &user["connectionId"]), (&json!("active"), &Value::Null));

    // Ignoring somebody who is linked leaves that user as it is, even when the account is gone.
    let directory = system.simulator.directory();
    let linked = directory.generated_user(1);
    system.call(Method::PUT, &format!("{ignored}/{linked}"), None).await;
    let email = mail(&system, 1);
    directory.delete_user(linked).unwrap();
    assert_eq!(system.sync(&connection).await["counts"]["deactivated"], 0);
    assert_eq!(system.user(&email).await["status"], "active");
    let (status, _) = system.call(Method::DELETE, &format!("{ignored}/{linked}"), None).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(system.sync(&connection).await["counts"]["deactivated"], 1);
    let (status, _) = system.call(Method::DELETE, &format!("{ignored}/{linked}"), None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

async fn the_command_line_settles_too(kind: Kind) {
    let system = System::start(kind, plain(5)).await;
    let (_, local, external_id) = unsettled(&system).await;
    let (local, external_id) = (local.to_string(), external_id.to_string());
    let (code, _) = system.cli.json(&["connection", "ignore", "Acme Entra", &external_id], "");
    assert_eq!(code, 0);
    let (_, list) = system.cli.json(&["connection", "ignored", "Acme Entra"], "");
    assert_eq!(list["items"][0]["externalId"], json!(external_id));
    let (code, run) = system.cli.json(&["sync", "Acme Entra"], "");
    assert_eq!((code, &run["counts"]["conflicts"]), (0, &json!(0)));
    let (code, _) = system.cli.json(&["connection", "heed", "Acme Entra", &external_id], "");
    assert_eq!(code, 0);
    // Whom a plan has in conflict again is there to be linked.
    let (code, _) = system.cli.json(&["sync", "Acme Entra", "--dry-run"], "");
    assert_eq!(code, 0);
    let link = ["user", "link", &local, "--connection", "Acme Entra", "--external-id", &external_id];
    let (code, user) = system.cli.json(&link, "");
    assert_eq!((code, &user["externalId"]), (0, &json!(external_id)), "{user}");
    let (code, run) = system.cli.json(&["sync", "Acme Entra"], "");
    assert_eq!((code, &run["counts"]["updated"]), (0, &json!(1)));
    let (code, user) = system.cli.json(&["user", "unlink", &local], "");
    assert_eq!((code, &user["connectionId"]), (0, &Value::Null));
}
