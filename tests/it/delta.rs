//! Cost follows change: runs that read only what changed, and when they do not.

use std::collections::BTreeMap;

use entra_simulator::{Config, DeltaPaging, DeltaRefusal, Route};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    main_job::plain,
    support::{Kind, System, on_both_stores},
};

on_both_stores!(
    a_second_sync_reads_what_changed,
    every_kind_of_change_arrives,
    an_expired_place_is_left,
    another_scope_is_read_as_a_whole,
    nothing_that_changes_meanwhile_is_missed,
    a_case_that_waits_here_is_read_again,
    cases_of_which_some_are_deleted_are_not_counted_on,
    a_held_plan_does_not_move_the_place,
    a_groups_members_are_followed,
    an_unlinked_user_is_met_again,
);

async fn changed(kind: Kind, config: Config) -> (System, String) {
    let system = System::start_following(kind, config).await;
    let connection = system.register(json!({})).await;
    let first = system.sync(&connection).await;
    assert_eq!(how(&first), ("full", "no_continuation"), "{first}");
    system.simulator.reset_requests();
    (system, connection)
}

fn how(run: &Value) -> (&str, &str) {
    (run["mode"].as_str().unwrap(), run["modeReason"].as_str().unwrap())
}

const CONTINUED: (&str, &str) = ("delta", "continued");

/// Counts that are not zero.
fn counts(run: &Value) -> BTreeMap<String, u64> {
    let counts = run["counts"].as_object().unwrap().iter();
    counts.map(|(name, count)| (name.clone(), count.as_u64().unwrap())).filter(|(_, count)| *count > 0).collect()
}

fn expected<const N: usize>(counts: [(&str, u64); N]) -> BTreeMap<String, u64> {
    counts.into_iter().map(|(name, count)| (name.to_owned(), count)).collect()
}

/// The same users as a whole listing would make, which changes nobody.
async fn is_true_to_the_directory(system: &System, connection: &str) {
    let run = system.sync_with(connection, &json!({"mode": "full"})).await;
    assert_eq!(how(&run), ("full", "requested"));
    let counts = counts(&run);
    for name in ["created", "updated", "linked", "deactivated", "reactivated"] {
        assert!(!counts.contains_key(name), "{run}");
    }
}

async fn a_second_sync_reads_what_changed(kind: Kind) {
    let (system, connection) = changed(kind, plain(2_500)).await;
    let idle = system.sync(&connection).await;
    assert_eq!((how(&idle), counts(&idle)), (CONTINUED, expected([])), "{idle}");
    let asked = |route| system.simulator.requests(route);
    assert_eq!((asked(Route::UserDelta), asked(Route::Users)), (1, 0));

    let directory = system.simulator.directory();
    for index in 0..100 {
        let user = directory.generated_user(index * 7);
        directory.update_user(user, &json!({"displayName": format!("Renamed {index}")})).unwrap();
    }
    system.simulator.reset_requests();
    let run = system.sync(&connection).await;
    assert_eq!((how(&run), counts(&run)), (CONTINUED, expected([("seen", 100), ("updated", 100)])), "{run}");
    assert_eq!((asked(Route::UserDelta), asked(Route::Users)), (1, 0));
    assert_eq!(system.changes(&run).await.len(), 100);
    is_true_to_the_directory(&system, &connection).await;
    let after = system.sync(&connection).await;
    assert_eq!((how(&after), counts(&after)), (CONTINUED, expected([])), "a whole listing leaves a place too");
}

async fn every_kind_of_change_arrives(kind: Kind) {
    let (system, connection) = changed(kind, plain(50)).await;
    let directory = system.simulator.directory();
    let user = |index| directory.generated_user(index);
    let status = async |index: u32| {
        let id = user(index).to_string();
        let users = system.all(&format!("/api/directory/users?connectionId={connection}")).await;
        users.into_iter().find(|user| user["externalId"] == id.as_str()).expect("the user")["status"].clone()
    };
    let set = |index, properties: Value| directory.update_user(user(index), &properties).unwrap();

    directory.add_user(&json!({"displayName": "New", "mail": "new@example.com", "accountEnabled": true})).unwrap();
    set(1, json!({"accountEnabled": false}));
    // Cleared is something else than not told.
    set(2, json!({"givenName": null}));
    directory.delete_user(user(3)).unwrap();
    directory.delete_user(user(4)).unwrap();
    directory.purge_user(user(4)).unwrap();
    let run = system.sync(&connection).await;
    let seen = expected([("seen", 5), ("created", 1), ("updated", 1), ("deactivated", 3)]);
    assert_eq!((how(&run), counts(&run)), (CONTINUED, seen), "{run}");
    let changes = system.changes(&run).await;
    let cleared = changes.iter().find(|change| change["action"] == "update").expect("an update");
    assert_eq!(cleared["after"], json!({"givenName": null}));
    assert_eq!(system.user("new@example.com").await["displayName"], "New");

    // Who was deleted comes back as the same user.
    directory.restore_user(user(3)).unwrap();
    set(1, json!({"accountEnabled": true}));
    let run = system.sync(&connection).await;
    assert_eq!((how(&run), counts(&run)), (CONTINUED, expected([("seen", 2), ("reactivated", 2)])), "{run}");
    assert_eq!((status(3).await, status(4).await), (json!("active"), json!("inactive")));

    // Addresses change hands.
    let mail = |index: u32| directory.user(user(index)).unwrap()["mail"].clone();
    let (five, six) = (mail(5), mail(6));
    set(5, json!({"mail": six, "userPrincipalName": six}));
    set(6, json!({"mail": five, "userPrincipalName": five}));
    let run = system.sync(&connection).await;
    assert_eq!((how(&run), counts(&run)), (CONTINUED, expected([("seen", 2), ("updated", 2)])), "{run}");
    is_true_to_the_directory(&system, &connection).await;
}

async fn an_expired_place_is_left(kind: Kind) {
    let (system, connection) = changed(kind, plain(50)).await;
    let directory = system.simulator.directory();
    let refusals = [
        DeltaRefusal::Gone,
        DeltaRefusal::code(400, "syncStateNotFound"),
        DeltaRefusal::code(404, "SyncStateNotFound"),
        DeltaRefusal::code(400, "RESYNCREQUIRED"),
        DeltaRefusal::code(400, "Request_BadRequest"),
    ];
    for (index, refusal) in (0..).zip(refusals) {
        directory.update_user(directory.generated_user(index), &json!({"displayName": "Renamed"})).unwrap();
        directory.expire_delta_tokens(refusal.clone());
        let run = system.sync(&connection).await;
        let all = expected([("seen", 50), ("updated", 1), ("unchanged", 49)]);
        assert_eq!((how(&run), counts(&run)), (("full", "continuation_expired"), all), "{refusal:?}: {run}");
        let next = system.sync(&connection).await;
        assert_eq!((how(&next), counts(&next)), (CONTINUED, expected([])), "{refusal:?}");
    }
}

async fn another_scope_is_read_as_a_whole(kind: Kind) {
    let (system, connection) = changed(kind, Config::with_users(200)).await;
    let path = format!("/api/directory/connections/{connection}");
    let change = async |body: Value| {
        let (status, body) = system.call(Method::PATCH, &path, Some(&body)).await;
        assert_eq!(status, StatusCode::OK, "{body}");
    };
    change(json!({"policy": {"includeGuests": true}})).await;
    let run = system.sync(&connection).await;
    assert_eq!(how(&run), ("full", "no_continuation"), "what was left under other rules is dropped");
    assert!(run["counts"]["created"].as_u64().unwrap() > 0, "{run}");
    assert_eq!(how(&system.sync(&connection).await), CONTINUED);
    change(json!({"displayName": "Another name"})).await;
    assert_eq!(how(&system.sync(&connection).await), CONTINUED, "a name is no scope");

    let group = system.simulator.directory().research().to_string();
    change(json!({"groupId": group})).await;
    assert_eq!(how(&system.sync(&connection).await), ("full", "not_followed"), "nested groups tell no changes");
}

async fn nothing_that_changes_meanwhile_is_missed(kind: Kind) {
    let slow = Config { max_page_size: 10, latency: std::time::Duration::from_millis(40), ..plain(200) };
    let system = System::start_following(kind, slow).await;
    let connection = system.register(json!({})).await;
    let run = system.start_sync(&connection).await;
    let directory = system.simulator.directory();
    let have_been_read = |pages| {
        let simulator = &system.simulator;
        crate::support::wait_for("the pages", async move || (simulator.requests(Route::Users) > pages).then_some(()))
    };
    have_been_read(3).await;
    // On a page that was read already, and on one that was not.
    for index in [0, 199] {
        directory.update_user(directory.generated_user(index), &json!({"displayName": "Meanwhile"})).unwrap();
    }
    directory.delete_user(directory.generated_user(1)).unwrap();
    let run = system.end_of(&run).await;
    assert_eq!((how(&run), &run["status"]), (("full", "no_continuation"), &json!("succeeded")));
    system.simulator.set_latency(std::time::Duration::ZERO);

    let next = system.sync(&connection).await;
    let told = expected([("seen", 3), ("updated", 1), ("deactivated", 1), ("unchanged", 1)]);
    assert_eq!((how(&next), counts(&next)), (CONTINUED, told), "{next}");
    is_true_to_the_directory(&system, &connection).await;
}

async fn a_case_that_waits_here_is_read_again(kind: Kind) {
    let (system, connection) = changed(kind, plain(20)).await;
    let directory = system.simulator.directory();
    let tenant = &system.tenant;
    // A user of the product, tied to another directory.
    let local = "11111111-2222-4333-8444-555555555555";
    let insert = format!(
        "INSERT INTO users (tenant_id, id, email, display_name, role, status, connection_id, external_id)
         VALUES ('{tenant}', '{local}', 'taken@example.com', 'Local', 'member', 'active', '{local}', 'x')"
    );
    assert_eq!(system.database.execute(&insert).await, 1);
    let new = json!({"displayName": "Waits", "mail": "taken@example.com", "accountEnabled": true});
    directory.add_user(&new).unwrap();
    for _ in 0..2 {
        let run = system.sync(&connection).await;
        assert_eq!((how(&run), counts(&run)), (CONTINUED, expected([("seen", 1), ("conflicts", 1)])), "{run}");
    }
    // Nothing happens in the directory any more.
    let delete = format!("DELETE FROM users WHERE tenant_id = '{tenant}' AND id = '{local}'");
    assert_eq!(system.database.execute(&delete).await, 1);
    let run = system.sync(&connection).await;
    assert_eq!((how(&run), counts(&run)), (CONTINUED, expected([("seen", 1), ("created", 1)])), "{run}");
    assert_eq!(system.user("taken@example.com").await["displayName"], "Waits");
}

/// History is deleted a piece at a time; who is told of in what is left is not everybody who waited.
async fn cases_of_which_some_are_deleted_are_not_counted_on(kind: Kind) {
    let (system, connection) = changed(kind, plain(20)).await;
    let tenant = &system.tenant;
    for name in ["one", "two"] {
        let insert = format!(
            "INSERT INTO users (tenant_id, id, email, display_name, role, status, connection_id, external_id)
             VALUES ('{tenant}', '{}', '{name}@example.com', 'Local', 'member', 'active', '{tenant}', '{name}')",
            uuid::Uuid::new_v4()
        );
        assert_eq!(system.database.execute(&insert).await, 1);
        let new = json!({"displayName": "Waits", "mail": format!("{name}@example.com"), "accountEnabled": true});
        system.simulator.directory().add_user(&new).unwrap();
    }
    let run = system.sync(&connection).await;
    assert_eq!((how(&run), counts(&run)), (CONTINUED, expected([("seen", 2), ("conflicts", 2)])), "{run}");
    let id = run["id"].as_str().unwrap();
    let oldest = format!(
        "DELETE FROM sync_changes WHERE run_id = '{id}'
             AND seq = (SELECT min(seq) FROM sync_changes WHERE run_id = '{id}')"
    );
    assert_eq!(system.database.execute(&oldest).await, 1);
    // What they wait for happens here.
    let delete = format!("DELETE FROM users WHERE tenant_id = '{tenant}' AND display_name = 'Local'");
    assert_eq!(system.database.execute(&delete).await, 2);
    let run = system.sync(&connection).await;
    assert_eq!((how(&run), &run["counts"]["created"]), (("full", "no_continuation"), &json!(2)), "{run}");
}

async fn a_held_plan_does_not_move_the_place(kind: Kind) {
    let (system, connection) = changed(kind, plain(50)).await;
    system.simulator.set_delta(DeltaPaging { objects: 7, ..DeltaPaging::default() });
    let directory = system.simulator.directory();
    for index in 0..20 {
        directory.delete_user(directory.generated_user(index)).unwrap();
    }
    let held = system.sync(&connection).await;
    assert_eq!((how(&held), &held["status"]), (CONTINUED, &json!("held")), "{held}");
    let again = system.sync(&connection).await;
    assert_eq!((how(&again), &again["status"]), (CONTINUED, &json!("held")), "the same is told again");
    assert_eq!(again["counts"], held["counts"]);

    let path = format!("/api/directory/runs/{}/approve", again["id"].as_str().unwrap());
    let (status, body) = system.call(Method::POST, &path, Some(&json!({"planDigest": again["planDigest"]}))).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{body}");
    let approved = system.end_of(again["id"].as_str().unwrap()).await;
    assert_eq!((&approved["status"], &approved["counts"]["deactivated"]), (&json!("succeeded"), &json!(20)));
    let after = system.sync(&connection).await;
    assert_eq!((how(&after), counts(&after)), (CONTINUED, expected([("seen", 20), ("unchanged", 20)])), "{after}");
    is_true_to_the_directory(&system, &connection).await;
}

async fn an_unlinked_user_is_met_again(kind: Kind) {
    let (system, connection) = changed(kind, plain(20)).await;
    let users = system.all(&format!("/api/directory/users?connectionId={connection}")).await;
    let id = users[0]["id"].as_str().unwrap();
    let (status, body) = system.call(Method::DELETE, &format!("/api/directory/users/{id}/link"), None).await;
    assert!(status.is_success(), "{body}");
    let run = system.sync(&connection).await;
    assert_eq!(how(&run), ("full", "no_continuation"));
    assert_eq!(run["counts"]["linked"], 1, "{run}");
}

async fn a_groups_members_are_followed(kind: Kind) {
    let system = System::start_following(kind, plain(100)).await;
    let directory = system.simulator.directory();
    let group = directory.engineering();
    let policy = json!({"includeGuests": true, "includeNestedGroups": false});
    let connection = system.register(json!({"groupId": group.to_string(), "policy": policy})).await;
    let first = system.sync(&connection).await;
    assert_eq!((how(&first), &first["counts"]["created"]), (("full", "no_continuation"), &json!(25)), "{first}");
    let idle = system.sync(&connection).await;
    assert_eq!((how(&idle), counts(&idle)), (CONTINUED, expected([])), "{idle}");

    let user = |index| directory.generated_user(index);
    let rename = |index| directory.update_user(user(index), &json!({"displayName": "Renamed"})).unwrap();
    // A member, and somebody who is none.
    rename(3);
    rename(80);
    directory.add_member(group, user(50)).unwrap();
    directory.add_member(group, user(51)).unwrap();
    directory.remove_member(group, user(51)).unwrap();
    directory.remove_member(group, user(4)).unwrap();
    directory.delete_user(user(5)).unwrap();
    let run = system.sync(&connection).await;
    let told = counts(&run);
    let of = |name: &str| told.get(name).copied().unwrap_or_default();
    assert_eq!(how(&run), CONTINUED, "{run}");
    assert_eq!((of("created"), of("updated"), of("deactivated")), (1, 1, 2), "{run}");
    assert_eq!(system.simulator.requests(Route::GroupMembers), 1, "only the first listing read them all");

    // Of somebody who left, only the whole group tells.
    rename(4);
    let run = system.sync(&connection).await;
    assert_eq!(how(&run), ("full", "scope_unclear"), "{run}");
    directory.add_member(group, user(4)).unwrap();
    let run = system.sync(&connection).await;
    assert_eq!((how(&run), &run["counts"]["reactivated"]), (CONTINUED, &json!(1)), "{run}");
    is_true_to_the_directory(&system, &connection).await;
    assert!(system.all(&format!("/api/directory/users?connectionId={connection}")).await.len() == 26);
}
