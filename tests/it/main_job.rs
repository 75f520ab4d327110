//! The main job, end to end: a directory reconciled into the users table, through every layer.

use entra_simulator::{CLIENT_SECRET, Config, Mix, Route, TenantConfig};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Kind, System, on_both_stores};

on_both_stores!(
    a_directory_is_reconciled_through_every_change,
    a_second_run_on_unchanged_data_writes_nothing,
    a_group_is_the_scope_direct_and_nested,
    a_held_plan_touches_nobody,
    guests_and_disabled_accounts_follow_the_policy,
);

/// A directory without special cases, so that every count is known.
pub(crate) fn plain(users: u32) -> Config {
    Config { tenants: vec![TenantConfig { users, mix: Mix::PLAIN, ..TenantConfig::default() }], ..Config::default() }
}

pub(crate) fn mail(system: &System, index: u32) -> String {
    let directory = system.simulator.directory();
    let user = directory.user(directory.generated_user(index)).unwrap();
    user["mail"].as_str().unwrap().to_owned()
}

pub(crate) fn assert_counts(run: &Value, expected: Value) {
    let mut all = json!({
        "seen": 0, "created": 0, "updated": 0, "linked": 0, "deactivated": 0, "reactivated": 0, "unchanged": 0,
        "excluded": 0, "protected": 0, "conflicts": 0,
    });
    let Value::Object(expected) = expected else { panic!("counts are an object") };
    all.as_object_mut().unwrap().extend(expected);
    assert_eq!(run["counts"], all, "{run}");
}

async fn a_directory_is_reconciled_through_every_change(kind: Kind) {
    let system = System::start(kind, plain(2_500)).await;
    let directory = system.simulator.directory();
    let id = |index| directory.generated_user(index);
    let adopted = system.database.add_local_user(&system.tenant, &mail(&system, 7).to_uppercase(), "owner").await;
    let local = system.database.add_local_user(&system.tenant, "nobody@elsewhere.test", "member").await;
    let connection = system.register(json!({"defaultRole": "reader"})).await;

    // The first sync creates everybody and adopts the local user with the same address.
    let run = system.sync(&connection).await;
    assert_eq!(run["status"], "succeeded", "{run}");
    assert_counts(&run, json!({"seen": 2_500, "created": 2_499, "linked": 1}));
    assert_eq!(system.simulator.requests(Route::Users), 3, "pages of 999");
    let mine = system.user(&mail(&system, 7)).await;
    assert_eq!(
        (&mine["id"], &mine["role"]),
        (&json!(adopted), &json!("owner")),
        "adopted, and the role is the product's"
    );
    let created = system.user(&mail(&system, 8)).await;
    assert_eq!((&created["role"], &created["status"]), (&json!("reader"), &json!("active")));
    assert_eq!(created["externalId"], json!(id(8)));
    assert_eq!(system.all(&format!("/api/directory/users?connectionId={connection}")).await.len(), 2_500);

    // A second sync has nothing to do.
    let run = system.sync(&connection).await;
    assert_counts(&run, json!({"seen": 2_500, "unchanged": 2_500}));

    // Rename, e-mail change, swap of two addresses, disable, leave.
    let (old, ann, bob) = (mail(&system, 2), mail(&system, 3), mail(&system, 4));
    let before: Vec<Value> = vec![system.user(&ann).await, system.user(&bob).await];
    directory.update_user(id(1), &json!({"displayName": "  Re\u{301}ne\u{301}e Renamed "})).unwrap();
    directory.update_user(id(2), &json!({"mail": "moved@example.com"})).unwrap();
    directory.update_user(id(3), &json!({"mail": bob})).unwrap();
    directory.update_user(id(4), &json!({"mail": ann})).unwrap();
    directory.update_user(id(5), &json!({"accountEnabled": false})).unwrap();
    directory.delete_user(id(6)).unwrap();
    let (disabled, left) = (mail(&system, 5), system.user(&mail_of_deleted(&system, 6).await).await);
    let run = system.sync(&connection).await;
    assert_eq!(run["status"], "succeeded", "{run}");
    assert_counts(&run, json!({"seen": 2_499, "updated": 4, "deactivated": 2, "unchanged": 2_494}));
    assert_eq!(system.user(&mail(&system, 1)).await["displayName"], "R\u{e9}n\u{e9}e Renamed");
    assert_eq!(system.user("moved@example.com").await["externalId"], json!(id(2)));
    assert!(system.all(&format!("/api/directory/users?email={old}")).await.is_empty(), "the old address is free");
    assert_eq!(system.user(&ann).await["id"], before[1]["id"], "addresses are swapped");
    assert_eq!(system.user(&bob).await["id"], before[0]["id"], "addresses are swapped");
    let gone = system.get(&format!("/api/directory/users/{}", left["id"].as_str().unwrap())).await;
    assert_eq!((&gone["status"], &gone["deactivation"]["by"]), (&json!("inactive"), &json!("directory_absent")));
    assert_eq!(gone["deactivation"]["runId"], run["id"]);
    let off = system.user(&disabled).await;
    assert_eq!((&off["status"], &off["deactivation"]["by"]), (&json!("inactive"), &json!("directory_disabled")));

    // The history says what was done to whom.
    let changes = system.all(&format!("/api/directory/runs/{}/changes", run["id"].as_str().unwrap())).await;
    assert_eq!(changes.len(), 6);
    assert!(changes.iter().all(|change| change["outcome"] == "applied"), "{changes:?}");
    let moved = changes.iter().find(|change| change["externalId"] == json!(id(2))).unwrap();
    assert_eq!((&moved["action"], &moved["before"]), (&json!("update"), &json!({"email": old})));
    assert_eq!(moved["after"], json!({"email": "moved@example.com"}));

    // Enable and come back: the same users, active again.
    directory.update_user(id(5), &json!({"accountEnabled": true})).unwrap();
    directory.restore_user(id(6)).unwrap();
    let run = system.sync(&connection).await;
    assert_counts(&run, json!({"seen": 2_500, "reactivated": 2, "unchanged": 2_498}));
    let back = system.get(&format!("/api/directory/users/{}", left["id"].as_str().unwrap())).await;
    assert_eq!((&back["status"], &back["deactivation"]), (&json!("active"), &Value::Null));

    // The local user was never touched, and runs are listed newest first.
    let untouched = system.get(&format!("/api/directory/users/{local}")).await;
    assert_eq!((&untouched["displayName"], &untouched["connectionId"]), (&json!("Local"), &Value::Null));
    let runs = system.all(&format!("/api/directory/connections/{connection}/runs")).await;
    assert_eq!((runs.len(), &runs[0]["id"]), (4, &run["id"]));
    assert_eq!(system.get(&format!("/api/directory/connections/{connection}")).await["lastRun"]["id"], run["id"]);
}

/// A soft-deleted user is not served any more, but the product still knows its address by its external id.
async fn mail_of_deleted(system: &System, index: u32) -> String {
    let id = json!(system.simulator.directory().generated_user(index));
    let users = system.all("/api/directory/users").await;
    users.iter().find(|user| user["externalId"] == id).unwrap()["email"].as_str().unwrap().to_owned()
}

async fn a_second_run_on_unchanged_data_writes_nothing(kind: Kind) {
    // With guests, disabled accounts and users without a mailbox.
    let mut system = System::start(kind, Config::with_users(1_200)).await;
    let connection = system.register(json!({})).await;
    let first = system.sync(&connection).await;
    assert_eq!(first["status"], "succeeded", "{first}");
    let rows = system.database.user_rows().await;
    let written = if kind == Kind::Postgres { rows_written(&mut system).await } else { [0; 2] };

    let second = system.sync(&connection).await;
    assert_eq!(second["status"], "succeeded", "{second}");
    assert_eq!(second["counts"]["unchanged"], json!(rows.len()));
    assert_eq!(system.database.user_rows().await, rows, "versions and times stand still");
    assert!(system.all(&format!("/api/directory/runs/{}/changes", second["id"].as_str().unwrap())).await.is_empty());
    if kind == Kind::Postgres {
        assert_eq!(rows_written(&mut system).await, written, "rows written to users and sync_changes");
    }
}

/// Rows written to users and to staged changes so far. A server's connections report their statistics when they end at
/// the latest, so the server is restarted.
async fn rows_written(system: &mut System) -> [i64; 2] {
    assert!(system.take_server().terminate().success());
    system.database.wait_until_alone().await;
    let written = [system.database.rows_written("users").await, system.database.rows_written("sync_changes").await];
    system.start_server();
    written
}

async fn a_group_is_the_scope_direct_and_nested(kind: Kind) {
    let system = System::start(kind, plain(60)).await;
    let directory = system.simulator.directory();
    let (engineering, research) = (directory.engineering(), directory.research());

    let direct = system.register(json!({"groupId": engineering})).await;
    let run = system.sync(&direct).await;
    assert_counts(&run, json!({"seen": 25, "created": 25}));

    // Leaving the group is leaving the scope; coming back is coming back.
    let member = directory.generated_user(3);
    directory.remove_member(engineering, member).unwrap();
    assert_counts(&system.sync(&direct).await, json!({"seen": 24, "deactivated": 1, "unchanged": 24}));
    assert_eq!(system.user(&mail(&system, 3)).await["deactivation"]["by"], "directory_absent");
    directory.add_member(engineering, member).unwrap();
    assert_counts(&system.sync(&direct).await, json!({"seen": 25, "reactivated": 1, "unchanged": 24}));

    // In another tenant the same directory, by the group that contains the first one.
    let (_, other) = system.other_tenant("globex");
    let nested = system.register_as(&other, json!({"groupId": research})).await;
    assert_counts(&sync_as(&system, &other, &nested).await, json!({"seen": 30, "created": 30}));
    let (_, third) = system.other_tenant("initech");
    let shallow = json!({"groupId": research, "policy": {"includeNestedGroups": false}});
    let shallow = system.register_as(&third, shallow).await;
    assert_counts(&sync_as(&system, &third, &shallow).await, json!({"seen": 5, "created": 5}));

    // A group that is gone stops the run and deactivates nobody.
    directory.delete_group(engineering).unwrap();
    let rows = system.database.user_rows().await;
    let run = system.sync(&direct).await;
    assert_eq!((&run["status"], &run["error"]["code"]), (&json!("failed"), &json!("group_not_found")), "{run}");
    assert_eq!(system.database.user_rows().await, rows);
    let connection = system.get(&format!("/api/directory/connections/{direct}")).await;
    assert_eq!(connection["state"], "quarantined");
}

pub(crate) async fn sync_as(system: &System, token: &str, connection: &str) -> Value {
    let path = format!("/api/directory/connections/{connection}/sync");
    let (status, run) = system.call_as(token, Method::POST, &path, None).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{run}");
    let path = format!("/api/directory/runs/{}", run["id"].as_str().unwrap());
    crate::support::wait_for("the run's end", async || {
        let (_, run) = system.call_as(token, Method::GET, &path, None).await;
        (run["status"] != "queued" && run["status"] != "running").then_some(run)
    })
    .await
}

async fn a_held_plan_touches_nobody(kind: Kind) {
    let system = System::start(kind, plain(100)).await;
    let connection = system.register(json!({})).await;
    system.sync(&connection).await;
    let directory = system.simulator.directory();
    for index in 0..21 {
        directory.delete_user(directory.generated_user(index)).unwrap();
    }
    let rows = system.database.user_rows().await;
    let held = system.sync(&connection).await;
    assert_eq!(held["status"], "held", "{held}");
    assert_eq!(held["counts"]["deactivated"], 21, "what the plan would do");
    assert_eq!(held["hold"]["reasons"][0]["code"], "too_many_deactivations");
    assert_eq!(held["planDigest"].as_str().unwrap().len(), 64);
    assert_eq!(system.database.user_rows().await, rows, "nobody is touched");

    // One fewer is within the limits; the newer run supersedes the held one.
    directory.restore_user(directory.generated_user(0)).unwrap();
    let run = system.sync(&connection).await;
    assert_eq!((&run["status"], &run["counts"]["deactivated"]), (&json!("succeeded"), &json!(20)), "{run}");
    let held = system.get(&format!("/api/directory/runs/{}", held["id"].as_str().unwrap())).await;
    assert_eq!(held["status"], "superseded");

    // Everybody at once is held whatever the number.
    for index in 21..100 {
        directory.delete_user(directory.generated_user(index)).unwrap();
    }
    directory.delete_user(directory.generated_user(0)).unwrap();
    let held = system.sync(&connection).await;
    assert_eq!(held["status"], "held", "{held}");
    let reasons: Vec<&Value> =
        held["hold"]["reasons"].as_array().unwrap().iter().map(|reason| &reason["code"]).collect();
    assert_eq!(reasons, [&json!("too_many_deactivations"), &json!("all_deactivated")]);
}

async fn guests_and_disabled_accounts_follow_the_policy(kind: Kind) {
    let system = System::start(kind, plain(10)).await;
    let directory = system.simulator.directory();
    let guest = json!({
        "displayName": "Pat Partner", "mail": "pat@partner.test", "userType": "Guest",
        "userPrincipalName": "pat_partner.test#EXT#@example.com", "accountEnabled": true,
    });
    let guest: Uuid = directory.add_user(&guest).unwrap();
    directory.update_user(directory.generated_user(1), &json!({"accountEnabled": false})).unwrap();
    let connection = system.register(json!({})).await;
    let run = system.sync(&connection).await;
    assert_counts(&run, json!({"seen": 11, "created": 10, "excluded": 1}));
    assert_eq!(system.user(&mail(&system, 1)).await["status"], "inactive");

    // Whoever is put into a group is meant, guest or not; accounts that are disabled can be left out.
    let (_, token) = system.other_tenant("globex");
    let group = directory.add_group("Partners");
    directory.add_member(group, guest).unwrap();
    directory.add_member(group, directory.generated_user(1)).unwrap();
    let partners = json!({"groupId": group, "policy": {"includeDisabled": false}, "clientSecret": CLIENT_SECRET});
    let partners = system.register_as(&token, partners).await;
    assert_counts(&sync_as(&system, &token, &partners).await, json!({"seen": 2, "created": 1, "excluded": 1}));
}
