//! Encryption keys: what each has sealed, and putting everything under a new one.

use std::fs;

use serde_json::{Value, json};

use crate::{
    simulated::{ACME, Simulated, text},
    world::{World, registration},
};

const KEYS: &str = "DIRECTORY_ENCRYPTION_KEYS";

fn generate(kid: &str) -> String {
    World::new().run(&["key", "generate", "--kid", kid]).done().stdout.trim().to_owned()
}

fn key(kid: &str, credentials: u32, sealing: bool, present: bool) -> Value {
    json!({"kid": kid, "credentials": credentials, "sealing": sealing, "present": present})
}

/// Four more connections of another tenant, sealed with what seals now.
fn add_tenant(world: &World) {
    world.run(&["tenant", "create", "beta"]).done();
    for at in 0..4 {
        let directory = format!("{at}1111111-1111-4111-8111-111111111111");
        let mut args = registration("Beta");
        args[6] = &directory;
        args.extend(["--tenant", "beta"]);
        world.run_with_input(&args, "the-secret").json();
    }
}

#[test]
fn a_key_is_replaced_and_then_removed() {
    let world = Simulated::synced(3).env("DIRECTORY_TENANT", "acme");
    let old = fs::read_to_string(world.path("data/encryption.keys")).expect("made on first use").trim().to_owned();
    add_tenant(&world);
    assert_eq!(world.run(&["key", "status"]).json(), json!({"keys": [key("k1", 5, true, true)], "unopened": []}));

    let new = generate("new");
    let world = world.env(KEYS, &format!("{new},{old}"));
    let before = world.connection();
    let status = world.run(&["key", "status"]).json();
    assert_eq!(status, json!({"keys": [key("new", 0, true, true), key("k1", 5, false, true)], "unopened": []}));
    let table = world.run(&["key", "status", "--output", "table"]).done().stdout;
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows, [vec!["KEY", "CREDENTIALS", "ROLE"], vec!["new", "0", "sealing"], vec!["k1", "5", "opens"]]);

    let said = world.run(&["key", "rotate"]);
    assert_eq!(said.json_and(0), json!({"seen": 5, "resealed": 5, "failed": []}));
    assert!(said.stderr.contains("everything is under key `new`"), "{said:?}");
    assert_eq!(world.run(&["key", "rotate"]).json(), json!({"seen": 5, "resealed": 0, "failed": []}));
    let table = world.run(&["key", "status", "--output", "table"]).done().stdout;
    let retired = table.lines().find(|line| line.starts_with("k1")).expect("a row");
    assert!(retired.contains(" 0 ") && retired.contains("may be removed"), "{table}");
    assert_eq!(world.connection(), before, "to the connection nothing happened");

    let world = world.env(KEYS, &new);
    assert_eq!(world.run(&["key", "status"]).json(), json!({"keys": [key("new", 5, true, true)], "unopened": []}));
    assert_eq!(world.run(&["sync", ACME]).json()["status"], "succeeded");
    for connection in world.items(&["connection", "list", "--tenant", "beta"]) {
        let test = world.run(&["connection", "test", text(&connection["id"]), "--tenant", "beta"]);
        assert_eq!(test.json_and(1)["checks"][0]["code"], "directory_not_found", "it opens: {test:?}");
    }
}

#[test]
fn a_missing_key_is_named_with_a_connection_that_needs_it() {
    let world = Simulated::synced(3);
    let old = fs::read_to_string(world.path("data/encryption.keys")).expect("made on first use").trim().to_owned();
    let id = text(&world.connection()["id"]).to_owned();
    let new = generate("new");
    let world = world.env(KEYS, &new);

    let said = world.run(&["key", "status"]);
    let status = said.json_and(1);
    assert_eq!(status["keys"], json!([key("new", 0, true, true), key("k1", 1, false, false)]));
    let unopened = &status["unopened"];
    assert_eq!((unopened.as_array().unwrap().len(), &unopened[0]["connectionId"]), (1, &json!(id)), "{status}");
    assert_eq!((&unopened[0]["kid"], unopened[0]["tenantId"].is_string()), (&json!("k1"), true), "{status}");
    assert!(text(&unopened[0]["reason"]).contains("`k1`"), "{status}");
    for part in ["`k1`", &id, "`acme`", KEYS] {
        assert!(said.stderr.contains(part), "{part}: {said:?}");
    }
    let said = world.run(&["key", "status", "--output", "table"]);
    assert!(
        said.code == 1 && said.stdout.lines().any(|line| line.starts_with("k1") && line.ends_with("missing")),
        "{said:?}"
    );

    let said = world.run(&["key", "rotate"]);
    let summary = said.json_and(4);
    assert_eq!((&summary["seen"], &summary["resealed"]), (&json!(1), &json!(0)));
    let failed = &summary["failed"][0];
    assert_eq!(failed["connectionId"], json!(id));
    assert!(failed["tenantId"].is_string() && text(&failed["reason"]).contains("`k1`"), "{summary}");
    let table = world.run(&["key", "rotate", "--output", "table"]);
    assert!(table.code == 4 && table.stdout.contains(&id), "{table:?}");
    let report = world.run(&["connection", "test", ACME]).json_and(1);
    let token = &report["checks"][0];
    assert_eq!((&token["check"], &token["outcome"]), (&json!("token"), &json!("failed")), "{report}");
    assert!(text(&token["hint"]).contains("`k1`"), "{report}");

    // Nothing was lost: the key comes back, and everything goes on.
    let world = world.env(KEYS, &format!("{new},{old}"));
    assert_eq!(world.run(&["key", "rotate"]).json()["resealed"], 1);
    assert_eq!(world.run(&["sync", ACME]).json()["status"], "succeeded");
}

#[test]
fn without_connections_there_is_nothing_to_rotate() {
    let world = World::with_tenant();
    assert_eq!(world.run(&["key", "rotate"]).json(), json!({"seen": 0, "resealed": 0, "failed": []}));
    assert_eq!(world.run(&["key", "status"]).json(), json!({"keys": [key("k1", 0, true, true)], "unopened": []}));
}
