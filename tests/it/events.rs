//! Another service keeps a copy of the users by the feed alone.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    main_job::plain,
    support::{Kind, System, on_both_stores},
};

on_both_stores!(a_copy_kept_by_the_feed_is_the_users_table);

/// By id, the members that events tell.
type Copy = BTreeMap<String, Value>;

/// Follows the feed to its end; whether runs ended, in order.
async fn follow(system: &System, copy: &mut Copy, after: &mut Option<String>) -> Vec<Value> {
    let mut ended = Vec::new();
    loop {
        let from = after.as_ref().map_or(String::new(), |after| format!("&after={after}"));
        let page = system.get(&format!("/api/directory/events?limit=73{from}")).await;
        for event in page["items"].as_array().unwrap() {
            let data = &event["data"];
            if event["type"] == "run.finished" {
                ended.push(event["runId"].clone());
                continue;
            }
            let id = data["userId"].as_str().unwrap();
            assert_eq!(event["type"] == "user.created", !copy.contains_key(id), "{event}");
            let user = copy.entry(id.to_owned()).or_insert_with(|| json!({"id": id}));
            for (name, value) in data["after"].as_object().unwrap() {
                user[name] = value.clone();
            }
        }
        *after = page["nextCursor"].as_str().map(str::to_owned);
        if page["hasMore"] == false {
            return ended;
        }
    }
}

/// The users as the API shows them, in the same words.
async fn users(system: &System) -> Copy {
    let shown = |user: Value| {
        let mut row = json!({"id": user["id"], "deactivatedBy": user["deactivation"]["by"]});
        for name in ["email", "displayName", "givenName", "familyName", "role", "status", "externalId"] {
            row[name] = user[name].clone();
        }
        (user["id"].as_str().unwrap().to_owned(), row)
    };
    system.all("/api/directory/users").await.into_iter().map(shown).collect()
}

async fn a_copy_kept_by_the_feed_is_the_users_table(kind: Kind) {
    let mut system = System::start(kind, plain(300)).await;
    let connection = system.register(json!({})).await;
    let (mut copy, mut after) = (Copy::new(), None);
    let directory = system.simulator.directory();
    let mut runs = vec![system.sync(&connection).await["id"].clone()];
    assert_eq!(follow(&system, &mut copy, &mut after).await, runs);
    assert_eq!(copy.len(), 300);
    assert_eq!(copy, users(&system).await);

    (0..5).for_each(|index| directory.delete_user(directory.generated_user(index)).unwrap());
    runs.push(system.sync(&connection).await["id"].clone());
    // A reader that goes on where it was after the server was started anew.
    assert!(system.take_server().terminate().success());
    system.start_server();
    assert_eq!(follow(&system, &mut copy, &mut after).await, runs[1..]);
    let gone = copy.values().filter(|user| user["status"] == "inactive").count();
    assert_eq!((gone, copy.len()), (5, 300));
    assert_eq!(copy, users(&system).await);

    runs.push(system.sync(&connection).await["id"].clone());
    assert_eq!(follow(&system, &mut copy, &mut after).await, runs[2..], "nothing but the end");
    assert_eq!(copy, users(&system).await);
    // From the beginning it is the same story.
    let mut again = Copy::new();
    assert_eq!(follow(&system, &mut again, &mut None).await, runs);
    assert_eq!(again, copy);
}
