//! Who deactivated a user, when and in which run; and who is never touched.

use serde_json::{Value, json};

use crate::{
    main_job::{mail, plain},
    support::{Kind, System, on_both_stores},
};

on_both_stores!(
    a_deactivation_says_who_when_and_in_which_run,
    the_last_of_a_protected_role_stays,
    other_connections_and_local_users_are_untouched,
);

async fn a_deactivation_says_who_when_and_in_which_run(kind: Kind) {
    let system = System::start(kind, plain(20)).await;
    let connection = system.register(json!({})).await;
    system.sync(&connection).await;
    let directory = system.simulator.directory();
    let (disabled, absent, suspended) = (mail(&system, 1), mail(&system, 2), mail(&system, 3));
    directory.update_user(directory.generated_user(1), &json!({"accountEnabled": false})).unwrap();
    directory.delete_user(directory.generated_user(2)).unwrap();
    let suspend = format!("UPDATE users SET status = 'inactive', deactivated_by = 'admin' WHERE email = '{suspended}'");
    assert_eq!(system.database.execute(&suspend).await, 1);
    let run = system.sync(&connection).await;

    let deactivation = async |email: &str| system.user(email).await["deactivation"].clone();
    for (email, by) in [(&disabled, "directory_disabled"), (&absent, "directory_absent")] {
        let of = deactivation(email).await;
        assert_eq!((&of["by"], &of["runId"]), (&json!(by), &run["id"]));
        assert!(of["at"].as_str().unwrap() <= run["finishedAt"].as_str().unwrap(), "{of} {run}");
        let (_, shown) = system.cli.json(&["user", "show", email], "");
        assert_eq!(shown["deactivation"], of);
        // The run leads back to the user.
        let user = system.user(email).await["id"].clone();
        let change = system.changes(&run).await.into_iter().find(|change| change["userId"] == user).unwrap();
        assert_eq!((&change["action"], &change["outcome"]), (&json!("deactivate"), &json!("applied")));
    }
    let by_a_person = deactivation(&suspended).await;
    assert_eq!((&by_a_person["by"], &by_a_person["runId"]), (&json!("admin"), &Value::Null));

    // The directory takes both of its decisions back. Only those are reversed, whatever it says of the third.
    directory.update_user(directory.generated_user(1), &json!({"accountEnabled": true})).unwrap();
    directory.restore_user(directory.generated_user(2)).unwrap();
    let run = system.sync(&connection).await;
    assert_eq!((&run["counts"]["reactivated"], &run["counts"]["protected"]), (&json!(2), &json!(1)), "{run}");
    assert_eq!(deactivation(&disabled).await, Value::Null);
    assert_eq!(deactivation(&suspended).await, by_a_person);

    // A person who takes a decision of the directory over keeps it, too.
    directory.delete_user(directory.generated_user(2)).unwrap();
    system.sync(&connection).await;
    let over = format!("UPDATE users SET deactivated_by = 'admin' WHERE email = '{absent}'");
    assert_eq!(system.database.execute(&over).await, 1);
    directory.restore_user(directory.generated_user(2)).unwrap();
    assert_eq!(system.sync(&connection).await["counts"]["reactivated"], 0);
    assert_eq!(deactivation(&absent).await["by"], "admin");
}

async fn the_last_of_a_protected_role_stays(kind: Kind) {
    let system = System::start(kind, plain(30)).await;
    let connection = system.register(json!({})).await;
    system.sync(&connection).await;
    let (first, last) = (mail(&system, 0), mail(&system, 1));
    for email in [&first, &last] {
        let promote = format!("UPDATE users SET role = 'admin' WHERE email = '{email}'");
        assert_eq!(system.database.execute(&promote).await, 1);
    }
    let directory = system.simulator.directory();
    (0..2).for_each(|index| directory.delete_user(directory.generated_user(index)).unwrap());
    let run = system.sync(&connection).await;
    assert_eq!((&run["counts"]["deactivated"], &run["counts"]["protected"]), (&json!(1), &json!(1)), "{run}");
    let changes = system.changes(&run).await;
    let spared = changes.iter().find(|change| change["action"] == "protected").unwrap();
    assert_eq!(spared["code"], "last_of_protected_role");
    assert!(spared["message"].as_str().unwrap().contains("another active user"), "a next step: {spared}");
    let active: Vec<Value> = [system.user(&first).await, system.user(&last).await].to_vec();
    assert_eq!(active.iter().filter(|user| user["status"] == "active").count(), 1);

    // Somebody else gets the role; the next run catches up.
    system.database.add_local_user(&system.tenant, "boss@elsewhere.test", "admin").await;
    assert_eq!(system.sync(&connection).await["counts"]["deactivated"], 1);
}

async fn other_connections_and_local_users_are_untouched(kind: Kind) {
    let system = System::start(kind, plain(60)).await;
    let directory = system.simulator.directory();
    let by_group = system.register(json!({"displayName": "Group", "groupId": directory.engineering()})).await;
    assert_eq!(system.sync(&by_group).await["counts"]["created"], 25);
    let local = system.database.add_local_user(&system.tenant, &mail(&system, 40), "member").await;
    let stranger = system.database.add_local_user(&system.tenant, "stranger@elsewhere.test", "member").await;
    let of_group = format!("SELECT id || ' ' || version FROM users WHERE connection_id = '{by_group}' ORDER BY id");
    let before = system.database.texts(&of_group).await;

    // The whole directory, by a second connection that may not adopt: the group's users and the local one are others'.
    let whole = json!({"displayName": "Whole", "policy": {"adoptByEmail": false}});
    let whole = system.register(whole).await;
    let run = system.sync(&whole).await;
    assert_eq!((&run["counts"]["created"], &run["counts"]["conflicts"]), (&json!(34), &json!(26)), "{run}");
    // It ends with everybody gone, and approved: still nobody else's user is touched.
    (0..60).for_each(|index| directory.delete_user(directory.generated_user(index)).unwrap());
    let run = system.sync(&whole).await;
    assert_eq!((&run["status"], &run["counts"]["deactivated"]), (&json!("held"), &json!(34)));
    let (code, _) = system
        .cli
        .json(&["run", "approve", run["id"].as_str().unwrap(), "--digest", run["planDigest"].as_str().unwrap()], "");
    assert_eq!(code, 0);
    assert_eq!(system.database.texts(&of_group).await, before);
    for user in [local, stranger] {
        let user = system.get(&format!("/api/directory/users/{user}")).await;
        assert_eq!((&user["status"], &user["connectionId"]), (&json!("active"), &Value::Null));
    }
}
