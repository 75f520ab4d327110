//! Changing a connection, and trying a change first.

use serde_json::{Value, json};

use crate::simulated::{ACME, Simulated, text};

fn show(world: &Simulated) -> Value {
    let mut connection = world.run(&["connection", "show"]).json();
    connection["lastRun"] = Value::Null;
    connection
}

#[test]
fn what_is_said_changes_and_the_rest_stays() {
    let world = Simulated::new(0);
    let mut expected = show(&world);
    let group = world.directory().engineering().to_string();
    let said = world.run(&[
        "connection",
        "update",
        ACME,
        "--display-name",
        "Acme Ltd.",
        "--group-id",
        &group.to_uppercase(),
        "--schedule",
        "every  15m",
        "--pause",
        "--include-guests",
        "true",
        "--email-attribute",
        "userPrincipalName",
        "--adopt-domains",
        "Example.org,example.com",
        "--protected-roles",
        "none",
        "--max-deactivations-percent",
        "5",
    ]);
    let updated = said.json_and(0);
    for (pointer, value) in [
        ("/displayName", json!("Acme Ltd.")),
        ("/groupId", json!(group)),
        ("/schedule", json!("every 15m")),
        ("/state", json!("paused")),
        ("/policy/includeGuests", json!(true)),
        ("/policy/emailAttribute", json!("userPrincipalName")),
        ("/policy/adoptDomains", json!(["example.org", "example.com"])),
        ("/policy/protectedRoles", json!([])),
        ("/policy/maxDeactivations/percent", json!(5)),
    ] {
        *expected.pointer_mut(pointer).unwrap() = value;
    }
    // Of these two the clock and the scheduler decide.
    for member in ["updatedAt", "nextSyncAt"] {
        expected[member] = updated[member].clone();
    }
    assert_eq!(show(&world), expected);

    let back = [
        "connection",
        "update",
        "Acme Ltd.",
        "--whole-directory",
        "--no-schedule",
        "--resume",
        "--default-role",
        "reader",
        "--adopt-domains",
        "any",
        "--protected-roles",
        "owner",
        "--max-deactivations-count",
        "7",
    ];
    let back = world.run(&back).json();
    assert_eq!(
        (&back["groupId"], &back["schedule"], &back["state"], &back["defaultRole"]),
        (&Value::Null, &Value::Null, &json!("active"), &json!("reader"))
    );
    let policy = &back["policy"];
    assert_eq!((&policy["adoptDomains"], &policy["protectedRoles"]), (&Value::Null, &json!(["owner"])));
    assert_eq!(policy["maxDeactivations"], json!({"percent": 5, "count": 7}));
}

#[test]
fn an_update_that_cannot_be_meant_is_one_line_and_changes_nothing() {
    let world = Simulated::new(0);
    let before = show(&world);
    for (args, expected) in [
        (&[][..], "nothing to change"),
        (&["--group-id", "x"], "--group-id"),
        (&["--group-id", "x", "--whole-directory"], "--whole-directory"),
        (&["--schedule", "now and then"], "--schedule"),
        (&["--schedule", "every 1h", "--no-schedule"], "--no-schedule"),
        (&["--pause", "--resume"], "--resume"),
        (&["--default-role", ""], "--default-role"),
        (&["--include-guests", "perhaps"], "--include-guests"),
        (&["--email-attribute", "phone"], "userPrincipalName"),
        (&["--adopt-domains", "example.org,x"], "--adopt-domains: item 2"),
        (&["--protected-roles", "admin,"], "--protected-roles: item 2"),
        (&["--max-deactivations-percent", "101"], "--max-deactivations-percent"),
        (&["--max-deactivations-count", "-1"], "-1"),
    ] {
        let line = world.run(&[&["connection", "update", ACME], args].concat()).one_line(2);
        assert!(line.contains(expected), "{args:?}: {line}");
    }
    assert_eq!(show(&world), before);
}

#[test]
fn a_registration_takes_a_policy() {
    let world = Simulated::new(0);
    world.run(&["connection", "delete", ACME, "--yes"]).done();
    let mut args = crate::world::registration(ACME);
    args.extend(["--deactivate-missing", "false", "--protected-roles", "admin", "--max-deactivations-count", "3"]);
    let policy = world.run_with_input(&args, "the-secret").json()["policy"].clone();
    assert_eq!((&policy["deactivateMissing"], &policy["protectedRoles"]), (&json!(false), &json!(["admin"])));
    assert_eq!(policy["maxDeactivations"], json!({"percent": 20, "count": 3}));

    args.extend(["--adopt-domains", "@example.org"]);
    assert!(world.run_with_input(&args, "the-secret").one_line(2).contains("--adopt-domains"));
}

#[test]
fn a_preview_shows_whom_a_group_would_deactivate_and_saves_nothing() {
    let world = Simulated::synced(30);
    let before = show(&world);
    let group = world.directory().engineering().to_string();
    let said = world.run(&["connection", "preview", ACME, "--group-id", &group, "--default-role", "reader"]);
    let run = said.json_and(0);
    assert_eq!(
        (&run["status"], &run["dryRun"], &run["counts"]["deactivated"], &run["preview"]["groupId"]),
        (&json!("planned"), &json!(true), &json!(5), &json!(group))
    );
    let id = text(&run["id"]);
    assert!(said.stderr.contains(&format!("directoryctl run changes {id}")), "{said:?}");

    let planned = world.items(&["run", "changes", id, "--action", "deactivate"]);
    let mut gone: Vec<&str> = planned.iter().map(|change| text(&change["externalId"])).collect();
    let mut expected: Vec<String> = (25..30).map(|index| world.external_id(index)).collect();
    gone.sort_unstable();
    expected.sort_unstable();
    assert_eq!(gone, expected);
    assert_eq!((show(&world), world.active()), (before, 30));

    let shown = world.run(&["run", "show", id, "--output", "table"]).done().stdout;
    assert!(shown.contains(&format!("group {group}, role reader")), "{shown}");
    assert_eq!(world.run(&["sync", ACME, "--full"]).json()["counts"]["unchanged"], 30, "a sync goes by what is saved");
}

#[test]
fn a_preview_can_be_left_to_a_server() {
    let world = Simulated::new(3);
    let run = world.run(&["connection", "preview", ACME, "--include-guests", "true", "--detach"]).json();
    assert_eq!((&run["status"], &run["preview"]["policy"]["includeGuests"]), (&json!("queued"), &json!(true)));
    let again = world.run(&["connection", "preview", ACME, "--include-guests", "true"]).one_line(1);
    assert!(again.contains(text(&run["id"])), "{again}");
    assert!(world.run(&["connection", "preview", ACME]).one_line(2).contains("--dry-run"));
    assert!(world.run(&["connection", "preview", ACME, "--group-id", "x"]).one_line(2).contains("--group-id"));
}
