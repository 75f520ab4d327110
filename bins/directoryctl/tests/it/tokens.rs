use serde_json::{Value, json};

use crate::world::World;

#[test]
fn a_tenant_is_made_once_and_listed() {
    let world = World::new();
    let made = world.run(&["tenant", "create", "acme", "--name", "Acme Ltd."]).json();
    assert_eq!((&made["slug"], &made["name"]), (&json!("acme"), &json!("Acme Ltd.")));
    assert_eq!(world.run(&["tenant", "create", "beta"]).json()["name"], "beta");
    assert!(world.run(&["tenant", "create", "acme"]).one_line(1).contains("`acme` already"));

    let list = world.run(&["tenant", "list"]).json();
    assert_eq!(list["items"][0], made);
    assert_eq!((list["items"].as_array().unwrap().len(), &list["nextCursor"]), (2, &Value::Null));
}

#[test]
fn a_token_is_shown_once_listed_and_revoked() {
    let world = World::with_tenant();
    let made = world.run(&["token", "create", "--role", "admin", "--name", "ci", "--expires-in", "90d"]).json();
    let secret = made["token"].as_str().unwrap();
    assert!(secret.starts_with("acds_"));
    assert_eq!((&made["role"], &made["name"]), (&json!("admin"), &json!("ci")));
    assert!(made["expiresAt"].is_string());

    let listed = world.run(&["token", "list"]).done();
    assert!(!listed.stdout.contains(secret));
    let listed = &listed.json()["items"][0];
    assert_eq!((&listed["id"], &listed["revokedAt"]), (&made["id"], &Value::Null));
    assert_eq!(listed["lastUsedAt"], Value::Null);

    let id = made["id"].as_str().unwrap();
    assert_eq!(world.run(&["token", "revoke", id]).done().stdout, "");
    assert!(world.run(&["token", "list"]).json()["items"][0]["revokedAt"].is_string());
    let unknown = "01890a5d-ac96-774b-bcce-b302099a8057";
    assert!(world.run(&["token", "revoke", unknown]).one_line(1).contains(unknown));
}

#[test]
fn a_token_without_a_length_never_expires() {
    let world = World::with_tenant();
    assert_eq!(world.run(&["token", "create", "--role", "viewer"]).json()["expiresAt"], Value::Null);
}

#[test]
fn the_tenant_may_be_left_out_while_there_is_one() {
    let world = World::new();
    assert!(world.run(&["token", "list"]).one_line(1).contains("tenant create"));
    world.run(&["tenant", "create", "acme"]).done();
    world.run(&["token", "list"]).json();
    world.run(&["tenant", "create", "beta"]).done();
    assert!(world.run(&["token", "list"]).one_line(2).contains("--tenant"));
    assert!(world.run(&["token", "list", "--tenant", "gamma"]).one_line(1).contains("`gamma`"));

    world.run(&["token", "create", "--role", "viewer", "--tenant", "beta"]).json();
    let world = world.env("DIRECTORY_TENANT", "beta");
    let count = |said: Value| said["items"].as_array().unwrap().len();
    assert_eq!(count(world.run(&["token", "list"]).json()), 1);
    assert_eq!(count(world.run(&["--tenant", "acme", "token", "list"]).json()), 0);
}
