#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use serde_json::{Value, json};

use crate::world::World;

fn items(world: &World, args: &[&str]) -> Vec<Value> {
    world.run(&[&["audit", "list"], args].concat()).json()["items"].as_array().unwrap().clone()
}

#[test]
fn the_operator_is_named_as_the_system_names_them() {
    let world = World::with_tenant().env("USER", "root").env("LOGNAME", "root").env("SUDO_USER", "zoe");
    let token = world.run(&["token", "create", "--role", "viewer", "--name", "ci"]).json();
    let log = items(&world, &[]);
    assert_eq!(log[0]["actor"], json!({"kind": "operator", "id": null, "name": "zoe"}));
    assert_eq!((&log[0]["action"], &log[0]["subject"]["id"]), (&json!("token.created"), &token["id"]));
    assert_eq!(log[1]["actor"]["name"], Value::Null, "the environment said nothing then");
    assert_eq!((log.len(), &log[1]["action"]), (2, &json!("tenant.created")));

    let table = world.run(&["audit", "list", "--output", "table"]).done().stdout;
    for part in ["AT", "WHO", "operator zoe", "token.created", "name: ci", token["id"].as_str().unwrap()] {
        assert!(table.contains(part), "`{part}` in {table}");
    }
    assert!(!table.contains(token["token"].as_str().unwrap()));
}

#[test]
fn the_log_is_filtered_and_paged() {
    let world = World::with_tenant();
    let connection = world.connection("Acme", "a~secret");
    let id = connection["id"].as_str().unwrap();
    world.run(&["connection", "update", "Acme", "--pause"]).done();
    world.run(&["connection", "update", "Acme", "--pause"]).done();
    world.run(&["connection", "ignore", "Acme", "e1"]).done();

    let paused = items(&world, &["--action", "connection.updated"]);
    assert_eq!(paused.len(), 1, "pausing twice is pausing once");
    let (before, after) = (json!({"state": "active"}), json!({"state": "paused"}));
    assert_eq!((&paused[0]["before"], &paused[0]["after"]), (&before, &after));
    assert_eq!(items(&world, &["--subject", id]).len(), 2);
    assert_eq!(items(&world, &["--subject", "e1"])[0]["after"], json!({"connectionId": id}));
    assert_eq!(items(&world, &["--actor", id]), [] as [Value; 0]);
    world.run(&["audit", "list", "--action", "connection.shown"]).one_line(2);

    let first = world.run(&["audit", "list", "--limit", "3"]).json();
    let rest = items(&world, &["--cursor", first["nextCursor"].as_str().unwrap()]);
    assert_eq!((first["items"].as_array().unwrap().len(), rest.len()), (3, 1));
    assert_eq!(rest[0]["action"], "tenant.created");
}
