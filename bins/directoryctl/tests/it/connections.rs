use serde_json::{Value, json};

use crate::world::{World, registration};

#[test]
fn a_connection_is_registered_listed_and_shown_by_id_and_name() {
    let world = World::with_tenant();
    let made = world.connection("Acme", "the-secret");
    assert_eq!(
        (&made["displayName"], &made["provider"], &made["cloud"], &made["defaultRole"], &made["state"]),
        (&json!("Acme"), &json!("entra"), &json!("global"), &json!("member"), &json!("active"))
    );
    assert_eq!(made["policy"]["maxDeactivations"], json!({"percent": 20, "count": 10}));
    assert_eq!(made["lastRun"], Value::Null);

    assert_eq!(world.run(&["connection", "list"]).json()["items"], json!([made]));
    for named in [
        &["connection", "show", made["id"].as_str().unwrap()][..],
        &["connection", "show", "Acme"],
        &["connection", "show"],
    ] {
        assert_eq!(world.run(named).json(), made, "{named:?}");
    }
    assert!(world.run(&["connection", "show", "Nope"]).one_line(1).contains("`Nope`"));
}

#[test]
fn a_name_that_two_connections_have_is_refused_with_their_ids() {
    let world = World::with_tenant();
    let ids: Vec<String> = (0..2)
        .map(|at| {
            let directory = format!("{at}1111111-1111-4111-8111-111111111111");
            let mut args = registration("Acme");
            args[6] = &directory;
            world.run_with_input(&args, "the-secret").json()["id"].as_str().unwrap().to_owned()
        })
        .collect();
    let line = world.run(&["connection", "show", "Acme"]).one_line(2);
    assert!(ids.iter().all(|id| line.contains(id)), "{line}");
    assert_eq!(world.run(&["connection", "show", &ids[1]]).json()["id"], json!(ids[1]));
    assert!(world.run(&["connection", "show"]).one_line(2).contains("2 connections"));
}

#[test]
fn another_tenants_connection_is_not_there() {
    let world = World::with_tenant();
    let made = world.connection("Acme", "the-secret");
    world.run(&["tenant", "create", "beta"]).done();
    let id = made["id"].as_str().unwrap();
    for named in [id, "Acme"] {
        world.run(&["connection", "show", named, "--tenant", "beta"]).one_line(1);
        world.run(&["sync", named, "--detach", "--tenant", "beta"]).one_line(1);
    }
}

#[test]
fn a_detached_run_waits_and_is_the_only_one() {
    let world = World::with_tenant();
    let connection = world.connection("Acme", "the-secret");
    let run = world.run(&["sync", "Acme", "--detach", "--full", "--dry-run"]).json();
    assert_eq!(
        (&run["status"], &run["mode"], &run["dryRun"], &run["trigger"], &run["connectionId"]),
        (&json!("queued"), &json!("full"), &json!(true), &json!("manual"), &connection["id"])
    );
    let id = run["id"].as_str().unwrap();
    for again in [&["sync", "Acme"][..], &["sync", "Acme", "--detach"]] {
        assert!(world.run(again).one_line(1).contains(id));
    }

    assert_eq!(world.run(&["run", "show", id]).json(), run);
    assert_eq!(world.run(&["run", "list", "Acme"]).json(), json!({"items": [run], "nextCursor": null}));
    assert_eq!(world.run(&["run", "list"]).json()["items"], json!([run]));
    assert_eq!(world.run(&["connection", "show"]).json()["lastRun"], run);
    assert_eq!(world.run(&["run", "changes", id]).json(), json!({"items": [], "nextCursor": null}));
}

#[test]
fn nothing_waits_to_be_resumed_at_first() {
    let world = World::with_tenant();
    world.connection("Acme", "the-secret");
    assert!(world.run(&["sync", "Acme", "--resume"]).one_line(1).contains("no run"));
}

#[test]
fn lists_and_tables_of_nothing_are_empty() {
    let world = World::with_tenant();
    assert_eq!(world.run(&["user", "list"]).json(), json!({"items": [], "nextCursor": null}));
    let table = world.run(&["user", "list", "--output", "table"]).done();
    assert_eq!(table.stdout.lines().count(), 1, "{table:?}");
    for unknown in ["01890a5d-ac96-774b-bcce-b302099a8057", "nobody@example.org"] {
        assert!(world.run(&["user", "show", unknown]).one_line(1).contains(unknown));
    }
}

#[test]
fn a_table_shows_the_same_to_people() {
    let world = World::with_tenant();
    let made = world.connection("Acme", "the-secret");
    let table = world.run(&["connection", "list", "--output", "table"]).done().stdout;
    assert!(table.contains("Acme") && table.contains(made["id"].as_str().unwrap()), "{table}");
    let facts = world.run(&["connection", "show", "--output", "table"]).done().stdout;
    assert!(facts.contains("Protected roles") && facts.contains("admin, owner"), "{facts}");
}
