//! A dry run is the same plan, to be read user by user; nothing is written.

use serde_json::{Value, json};

use crate::{
    main_job::{assert_counts, mail, plain},
    support::{Kind, System, on_both_stores},
};

on_both_stores!(a_dry_run_shows_the_whole_plan_and_writes_nothing);

async fn a_dry_run_shows_the_whole_plan_and_writes_nothing(kind: Kind) {
    let system = System::start(kind, plain(30)).await;
    let directory = system.simulator.directory();
    let id = |index| directory.generated_user(index);
    directory.update_user(id(4), &json!({"accountEnabled": false})).unwrap();
    let connection = system.register(json!({})).await;
    system.sync(&connection).await;

    // One of each kind.
    let local = system.database.add_local_user(&system.tenant, "new.local@example.com", "owner").await;
    let (old, gone) = (mail(&system, 1), mail(&system, 3));
    let known = |email: &str, name: &str| json!({"displayName": name, "mail": email, "accountEnabled": true, "userType": "Member"});
    directory.add_user(&known("new.local@example.com", "Linked")).unwrap();
    directory.add_user(&known("brand.new@example.com", "New")).unwrap();
    directory.add_user(&known(&mail(&system, 0), "Twin")).unwrap();
    directory.update_user(id(1), &json!({"mail": "moved@example.com", "givenName": null})).unwrap();
    directory.delete_user(id(3)).unwrap();
    directory.update_user(id(4), &json!({"accountEnabled": true})).unwrap();
    let suspend = format!("UPDATE users SET status = 'inactive' WHERE external_id = '{}'", id(5));
    assert_eq!(system.database.execute(&suspend).await, 1);

    let rows = system.database.user_rows().await;
    let body = json!({"dryRun": true});
    let run = system.sync_with(&connection, &body).await;
    assert_eq!((&run["status"], &run["dryRun"], &run["mode"]), (&json!("planned"), &json!(true), &json!("full")));
    let counts = json!({
        "seen": 32, "created": 1, "updated": 1, "linked": 1, "deactivated": 1, "reactivated": 1, "unchanged": 26,
        "protected": 1, "conflicts": 1,
    });
    assert_counts(&run, counts.clone());
    assert_eq!((&run["plannedChanges"], &run["appliedChanges"]), (&json!(5), &json!(0)));
    assert_eq!(system.database.user_rows().await, rows, "nothing is written");

    let changes = system.changes(&run).await;
    assert!(changes.iter().all(|change| change["outcome"] == "planned"), "{changes:?}");
    let of = |action: &str| changes.iter().find(|change| change["action"] == action).unwrap();
    assert_eq!((&of("create")["email"], &of("create")["userId"]), (&json!("brand.new@example.com"), &Value::Null));
    assert_eq!(of("link")["userId"], json!(local));
    assert_eq!(of("update")["before"]["email"], json!(old));
    assert_eq!(of("update")["after"]["email"], "moved@example.com");
    assert_eq!(of("update")["after"]["givenName"], Value::Null);
    assert_eq!(of("deactivate")["email"], json!(gone));
    assert_eq!(of("deactivate")["after"]["deactivatedBy"], "directory_absent");
    assert_eq!(of("reactivate")["before"]["status"], "inactive");
    assert_eq!(of("protected")["code"], "suspended_locally");
    assert_eq!(of("conflict")["code"], "duplicate_email");
    // Actions and outcomes can be asked for one by one.
    let path = format!("/api/directory/runs/{}/changes?action=deactivate&outcome=planned", run["id"].as_str().unwrap());
    assert_eq!(system.all(&path).await, [of("deactivate").clone()]);

    // From the command line it is the same plan, and the real run does what it said.
    let (code, again) = system.cli.json(&["sync", "Acme Entra", "--dry-run"], "");
    assert_eq!((code, &again["planDigest"]), (0, &run["planDigest"]));
    let run = system.sync(&connection).await;
    assert_counts(&run, counts);
    assert_eq!(run["appliedChanges"], 5);
}
