//! The same job from the admin command line, beside a running server.

use entra_simulator::{CLIENT_ID, CLIENT_SECRET, DIRECTORY_ID};
use serde_json::json;

use crate::{
    main_job::plain,
    support::{Kind, System, on_both_stores},
};

on_both_stores!(a_sync_from_the_command_line);

async fn a_sync_from_the_command_line(kind: Kind) {
    let system = System::start(kind, plain(40)).await;
    let (directory_id, client_id) = (DIRECTORY_ID.to_string(), CLIENT_ID.to_string());
    let add = |name: &str, secret: &str| {
        let arguments = [
            "connection",
            "add",
            "entra",
            "--tenant",
            "acme",
            "--display-name",
            name,
            "--directory-id",
            &directory_id,
            "--client-id",
            &client_id,
            "--client-secret-stdin",
            "--verify",
        ];
        system.cli.json(&arguments, &format!("{secret}\n"))
    };
    let (code, refused) = add("Wrong", "not-the-secret");
    assert_eq!((code, refused), (1, json!(null)), "a credential that does not work is not stored");
    let (code, connection) = add("Acme Entra", CLIENT_SECRET);
    assert_eq!((code, &connection["displayName"]), (0, &json!("Acme Entra")));

    // A dry run shows the plan and writes nothing.
    let (code, planned) = system.cli.json(&["sync", "Acme Entra", "--dry-run"], "");
    assert_eq!(
        (code, &planned["status"], &planned["counts"]["created"]),
        (0, &json!("planned"), &json!(40)),
        "{planned}"
    );
    let (_, users) = system.cli.json(&["user", "list"], "");
    assert_eq!(users["items"], json!([]));

    let (code, run) = system.cli.json(&["sync", "Acme Entra", "--full"], "");
    assert_eq!((code, &run["status"], &run["counts"]["created"]), (0, &json!("succeeded"), &json!(40)), "{run}");
    let (_, users) = system.cli.json(&["user", "list"], "");
    assert_eq!(users["items"].as_array().unwrap().len(), 40);

    // Conflicts are exit code 4, a held plan is 3, a failure is 1.
    let directory = system.simulator.directory();
    let mail = directory.user(directory.generated_user(0)).unwrap()["mail"].clone();
    directory
        .add_user(&json!({"displayName": "Twin", "mail": mail, "accountEnabled": true, "userType": "Member"}))
        .unwrap();
    let (code, run) = system.cli.json(&["sync", "Acme Entra"], "");
    assert_eq!((code, &run["status"], &run["counts"]["conflicts"]), (4, &json!("completed_with_errors"), &json!(1)));
    let (_, changes) = system.cli.json(&["run", "changes", run["id"].as_str().unwrap()], "");
    assert_eq!(changes["items"][0]["code"], "duplicate_email");
    for index in 1..40 {
        directory.delete_user(directory.generated_user(index)).unwrap();
    }
    let (code, run) = system.cli.json(&["sync", "Acme Entra"], "");
    assert_eq!((code, &run["status"]), (3, &json!("held")), "{run}");
    system.simulator.registration().expire_secret();
    let (code, run) = system.cli.json(&["sync", "Acme Entra"], "");
    assert_eq!((code, &run["error"]["code"]), (1, &json!("credential_expired")), "{run}");
    let (_, runs) = system.cli.json(&["run", "list", "Acme Entra"], "");
    assert_eq!(runs["items"].as_array().unwrap().len(), 5);

    // With --detach the server does the work.
    system.simulator.registration().set_secret(CLIENT_SECRET);
    let (code, run) = system.cli.json(&["sync", "Acme Entra", "--detach", "--dry-run"], "");
    assert_eq!(code, 0);
    assert_eq!(system.end_of(run["id"].as_str().unwrap()).await["status"], "planned");
}
