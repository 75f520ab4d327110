//! Deleting a connection, and registering its directory again.

use std::time::Duration;

use entra_simulator::{CLIENT_SECRET, Config, Route};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    main_job::{assert_counts, mail, plain},
    support::{Kind, System, on_both_stores, wait_for},
};

on_both_stores!(a_deleted_connection_leaves_its_users_and_takes_them_up_again, deleting_ends_what_is_under_way);

async fn a_deleted_connection_leaves_its_users_and_takes_them_up_again(kind: Kind) {
    let system = System::start(kind, plain(50)).await;
    let directory = system.simulator.directory();
    let connection = system.register(json!({})).await;
    system.sync(&connection).await;
    let rows = system.database.user_rows().await;
    let at = format!("/api/directory/connections/{connection}");
    let (status, _) = system.call(Method::DELETE, &at, None).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    for (method, path) in
        [(Method::GET, at.clone()), (Method::DELETE, at.clone()), (Method::POST, format!("{at}/sync"))]
    {
        assert_eq!(system.call(method, &path, None).await.0, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(system.database.user_rows().await, rows, "its users stay as they are");
    let sealed = system.database.texts("SELECT CAST(id AS text) FROM connections").await;
    assert!(sealed.is_empty(), "the sealed secret is gone with the row");

    // Meanwhile one leaves, one moves to another address and one is renamed.
    let (left, moved) = (mail(&system, 1), system.user(&mail(&system, 2)).await);
    directory.delete_user(directory.generated_user(1)).unwrap();
    directory.update_user(directory.generated_user(2), &json!({"mail": "moved@example.com"})).unwrap();
    directory.update_user(directory.generated_user(3), &json!({"displayName": "Renamed"})).unwrap();
    let again = system.register(json!({"displayName": "Acme again"})).await;
    let run = system.sync(&again).await;
    assert_eq!(run["status"], "succeeded", "{run}");
    assert_counts(&run, json!({"seen": 49, "updated": 2, "deactivated": 1, "unchanged": 47}));
    assert_eq!(system.all("/api/directory/users").await.len(), 50, "no identity is new");
    assert_eq!(system.user("moved@example.com").await["id"], moved["id"]);
    assert_eq!(system.user(&left).await["status"], "inactive");

    // Another directory's registration, or another tenant's, takes nobody up.
    system.call(Method::DELETE, &format!("/api/directory/connections/{again}"), None).await;
    let (_, token) = system.other_tenant("globex");
    assert_ne!(system.register_as(&token, json!({})).await, again);
    assert_ne!(system.register(json!({"directoryId": "99999999-2222-4333-8444-555555555555"})).await, again);
    assert_eq!(system.register(json!({})).await, again);
    let dump = String::from_utf8_lossy(&system.database.dump().await).into_owned();
    assert!(!dump.contains(CLIENT_SECRET));
}

async fn deleting_ends_what_is_under_way(kind: Kind) {
    let slow = Config { max_page_size: 5, latency: Duration::from_millis(50), ..plain(300) };
    let system = System::start(kind, slow).await;
    let connection = system.register(json!({})).await;
    let run = system.start_sync(&connection).await;
    wait_for("a few pages", async || (system.simulator.requests(Route::Users) > 3).then_some(())).await;
    let (code, deleted) = system.cli.json(&["connection", "delete", "Acme Entra", "--yes"], "");
    assert_eq!((code, deleted), (0, Value::Null));
    let run = system.get(&format!("/api/directory/runs/{run}")).await;
    assert_eq!(run["status"], "cancelled", "{run}");
    system.simulator.set_latency(Duration::ZERO);
    let again = system.register(json!({})).await;
    assert_eq!(system.sync(&again).await["counts"]["created"], 300);
    let cancelled = system.get(&format!("/api/directory/runs/{}", run["id"].as_str().unwrap())).await;
    assert_eq!(cancelled, run, "nobody went on with it");
}
