//! Old history goes, in small batches; the runs and their counts stay.

use serde_json::{Value, json};

use crate::{
    main_job::plain,
    support::{Kind, System, on_both_stores, wait_for},
};

on_both_stores!(changes_older_than_the_setting_are_deleted_and_runs_stay);

async fn changes_older_than_the_setting_are_deleted_and_runs_stay(kind: Kind) {
    let mut system = System::start(kind, plain(2_500)).await;
    let connection = system.register(json!({})).await;
    let old = system.sync(&connection).await;
    let directory = system.simulator.directory();
    (0..5).for_each(|index| directory.delete_user(directory.generated_user(index)).unwrap());
    let young = system.sync(&connection).await;
    let age = |days: u32, table: &str, run: &Value| {
        let then = match kind {
            Kind::Sqlite => format!("strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-{days} days')"),
            Kind::Postgres => format!("now() - interval '{days} days'"),
        };
        let (time, id) = if table == "events" { ("at", "run_id") } else { ("finished_at", "id") };
        format!("UPDATE {table} SET {time} = {then} WHERE {id} = '{}'", run["id"].as_str().unwrap())
    };
    assert_eq!(system.database.execute(&age(91, "sync_runs", &old)).await, 1);
    assert_eq!(system.database.execute(&age(89, "sync_runs", &young)).await, 1);
    // A batch, and the end.
    assert_eq!(system.database.execute(&age(31, "events", &old)).await, 2);
    assert_eq!(system.database.execute(&age(29, "events", &young)).await, 2);

    // A worker looks when it starts, and now and then.
    assert!(system.take_server().terminate().success());
    system.start_server();
    let path = format!("/api/directory/runs/{}", old["id"].as_str().unwrap());
    let kept = wait_for("the deletion", async || {
        let run = system.get(&path).await;
        (!run["changesDeletedAt"].is_null()).then_some(run)
    })
    .await;
    assert!(system.changes(&old).await.is_empty());
    assert_eq!(kept["counts"], old["counts"]);
    assert_eq!(kept["status"], "succeeded");
    assert_eq!(system.changes(&young).await.len(), 5);
    assert_eq!(
        system.get(&format!("/api/directory/runs/{}", young["id"].as_str().unwrap())).await["changesDeletedAt"],
        Value::Null
    );
    assert_eq!(system.all("/api/directory/users").await.len(), 2_500, "users are no history");
    assert_eq!(system.sync(&connection).await["counts"]["unchanged"], 2_495);
}
