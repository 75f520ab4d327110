//! Deciding about runs: approve, reject, cancel.

use serde_json::{Value, json};

use crate::simulated::{ACME, Simulated, text};

fn position(change: &Value) -> String {
    change["seq"].to_string()
}

#[test]
fn a_held_run_names_the_commands_to_go_on_with() {
    let (world, run) = Simulated::held();
    let said = world.run(&["sync", ACME]);
    let newer = said.json_and(3);
    let (id, digest) = (text(&newer["id"]), text(&newer["planDigest"]));
    for command in [
        format!("`directoryctl run changes {id}`"),
        format!("`directoryctl run approve {id} --digest {digest}`"),
        format!("`directoryctl run reject {id}`"),
    ] {
        assert!(said.stderr.contains(&command), "{command}: {said:?}");
    }
    assert!(world.approve(&run, &[]).one_line(1).contains("newer run"), "superseded");
    assert_eq!(world.active(), 30);
}

#[test]
fn a_plan_is_approved_as_a_whole_by_its_digest() {
    let (world, held) = Simulated::held();
    let id = text(&held["id"]);
    let another = "0".repeat(64);
    assert!(world.run(&["run", "approve", id, "--digest", &another]).one_line(1).contains("another plan"));
    assert!(world.run(&["run", "approve", id, "--digest", "x"]).one_line(2).contains("--digest"));
    assert_eq!((world.run(&["run", "show", id]).json(), world.active()), (held.clone(), 30), "nothing has moved");

    let run = world.approve(&held, &[]).json();
    assert_eq!(
        (&run["id"], &run["status"], &run["counts"]["deactivated"], &run["appliedChanges"]),
        (&held["id"], &json!("succeeded"), &json!(15), &json!(15))
    );
    assert_eq!((world.changes(&run, "applied").len(), world.active()), (15, 15));
    assert!(world.approve(&held, &[]).one_line(1).contains("has ended (succeeded)"));
    assert!(world.run(&["run", "reject", id]).one_line(1).contains("has ended (succeeded)"));
    assert!(world.run(&["run", "cancel", id]).one_line(1).contains("has ended (succeeded)"));
}

#[test]
fn chosen_changes_are_applied_and_the_others_rejected() {
    let (world, held) = Simulated::held();
    let planned = world.changes(&held, "planned");
    let list = format!("{},{}-{}", position(&planned[4]), position(&planned[0]), position(&planned[1]));
    let run = world.approve(&held, &["--changes", &list]).json();
    assert_eq!((&run["status"], &run["counts"]["deactivated"]), (&json!("succeeded"), &json!(3)));
    let applied: Vec<String> = world.changes(&run, "applied").iter().map(position).collect();
    assert_eq!(applied, [0, 1, 4].map(|at: usize| position(&planned[at])));
    assert_eq!((world.changes(&run, "rejected").len(), world.active()), (12, 27));
}

#[test]
fn changes_can_be_left_out() {
    let (world, held) = Simulated::held();
    let planned = world.changes(&held, "planned");
    let run = world.approve(&held, &["--except", &position(&planned[7])]).json();
    assert_eq!((&run["counts"]["deactivated"], world.active()), (&json!(14), 16));
    assert_eq!(world.changes(&run, "rejected")[0]["seq"], planned[7]["seq"]);
}

#[test]
fn a_choice_that_the_plan_does_not_offer_is_refused_and_changes_nothing() {
    let (world, held) = Simulated::held();
    let planned = world.changes(&held, "planned");
    assert!(world.approve(&held, &["--changes", "77777"]).one_line(2).contains("77777"));
    assert!(world.approve(&held, &["--changes", "3-1"]).one_line(2).contains("--changes"));
    assert!(world.approve(&held, &["--changes", "1", "--except", "2"]).one_line(2).contains("--except"));
    let all: Vec<String> = planned.iter().map(position).collect();
    assert!(world.approve(&held, &["--except", &all.join(",")]).one_line(1).contains("run reject"));
    assert_eq!((world.changes(&held, "planned"), world.active()), (planned, 30));
}

#[test]
fn a_run_is_approved_for_a_server_to_carry_out() {
    let (world, held) = Simulated::held();
    let run = world.approve(&held, &["--detach"]).json();
    assert_eq!((&run["id"], &run["status"]), (&held["id"], &json!("queued")));
    assert!(world.approve(&held, &[]).one_line(1).contains("is queued"));
    let run = world.run(&["sync", ACME, "--resume"]).json();
    assert_eq!((&run["id"], &run["status"], world.active()), (&held["id"], &json!("succeeded"), 15));
}

#[test]
fn an_approved_run_behind_a_dry_run_is_found() {
    let (world, held) = Simulated::held();
    let dry = world.run(&["sync", ACME, "--dry-run", "--detach"]).json();
    assert!(world.approve(&held, &[]).one_line(1).contains(text(&dry["id"])), "the other run is in the way");
    let dry = world.run(&["sync", ACME, "--resume"]).json();
    assert_eq!(dry["status"], "planned");
    assert!(world.approve(&dry, &[]).one_line(1).contains("dry run"));
    assert!(world.run(&["run", "reject", text(&dry["id"])]).one_line(1).contains("dry run"));

    world.approve(&held, &["--detach"]).json();
    let run = world.run(&["sync", ACME, "--resume"]).json();
    assert_eq!((&run["id"], &run["status"]), (&held["id"], &json!("succeeded")));
    assert!(world.run(&["sync", ACME, "--resume"]).one_line(1).contains("no run"));
}

#[test]
fn a_rejected_plan_is_never_applied() {
    let (world, held) = Simulated::held();
    let id = text(&held["id"]);
    assert!(world.run(&["run", "cancel", id]).one_line(1).contains(&format!("directoryctl run reject {id}")));
    for _ in 0..2 {
        let said = world.run(&["run", "reject", id]);
        assert_eq!(said.json_and(0)["status"], "rejected");
        assert!(said.stderr.contains("nothing was applied"), "{said:?}");
    }
    assert_eq!((world.changes(&held, "rejected").len(), world.active()), (15, 30));
    assert!(world.approve(&held, &[]).one_line(1).contains("directoryctl sync"));
}

#[test]
fn a_queued_run_is_cancelled_and_another_one_can_start() {
    let world = Simulated::new(3);
    let queued = world.run(&["sync", ACME, "--detach"]).json();
    let id = text(&queued["id"]);
    assert!(world.run(&["run", "reject", id]).one_line(1).contains(&format!("directoryctl run cancel {id}")));
    for _ in 0..2 {
        let said = world.run(&["run", "cancel", id]);
        assert_eq!(said.json_and(0)["status"], "cancelled");
        assert!(said.stderr.contains("nothing was applied"), "{said:?}");
    }
    assert_eq!(world.run(&["sync", ACME]).json()["status"], "succeeded");
    assert!(world.run(&["run", "cancel", "01890a5d-ac96-774b-bcce-b302099a8057"]).one_line(1).contains("no run"));
}

#[test]
fn people_see_how_much_of_a_plan_was_applied() {
    let (world, held) = Simulated::held();
    let table = |id: &Value| world.run(&["run", "show", text(id), "--output", "table"]).done().stdout;
    let fact = |table: &str, name: &str| {
        let line = table.lines().find(|line| line.trim_start().starts_with(name));
        line.map(|line| line.replace(name, "").trim().to_owned())
    };
    let shown = table(&held["id"]);
    assert_eq!(fact(&shown, "Planned changes").as_deref(), Some("15"), "{shown}");
    assert_eq!(fact(&shown, "Applied changes").as_deref(), Some("0"), "{shown}");
    world.approve(&held, &[]).json();
    let shown = table(&held["id"]);
    assert_eq!(fact(&shown, "Applied changes").as_deref(), Some("15"), "{shown}");
}
