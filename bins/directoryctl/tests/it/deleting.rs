//! Deleting a connection, and taking its users up again.

use serde_json::json;

use crate::simulated::{ACME, Simulated, text};

#[test]
fn a_connection_is_deleted_on_purpose_only() {
    let world = Simulated::new(0);
    assert!(world.run(&["connection", "delete", ACME]).one_line(2).contains("--yes"));
    assert!(world.run_with_input(&["connection", "delete", ACME], "y\n").one_line(2).contains("--yes"));
    assert_eq!(world.items(&["connection", "list"]).len(), 1);

    let said = world.run(&["connection", "delete", ACME, "--yes"]).done();
    assert_eq!(said.stdout, "");
    assert!(said.stderr.contains("users stay") && said.stderr.contains("takes them up"), "{said:?}");
    assert_eq!(world.items(&["connection", "list"]).len(), 0);
    assert!(world.run(&["connection", "delete", ACME, "--yes"]).one_line(1).contains("no connection"));
}

#[test]
fn its_users_stay_and_the_same_directory_takes_them_up() {
    let world = Simulated::synced(5);
    let before = world.items(&["user", "list"]);
    let waiting = world.run(&["sync", ACME, "--detach"]).json();
    world.run(&["connection", "delete", ACME, "--yes"]).done();
    assert_eq!(world.run(&["run", "show", text(&waiting["id"])]).json()["status"], "cancelled");
    assert_eq!(world.items(&["user", "list"]), before);

    let again = world.register();
    assert_eq!(again["id"], before[0]["connectionId"]);
    let run = world.run(&["sync", ACME]).json();
    assert_eq!((&run["status"], &run["counts"]["unchanged"]), (&json!("succeeded"), &json!(5)));
    assert_eq!(world.items(&["user", "list"]), before);
}
