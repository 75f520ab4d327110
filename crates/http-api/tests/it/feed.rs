//! The feed of what changed.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::api::{Api, text};

/// Follows the feed to its end, from a place, so many at a time.
async fn follow(api: &Api, token: &str, after: Option<&str>, more: &str) -> (Vec<Value>, String) {
    let (mut items, mut after) = (Vec::new(), after.map(str::to_owned));
    loop {
        let from = after.as_ref().map_or(String::new(), |after| format!("&after={after}"));
        let answer = api.get(token, &format!("/events?{more}{from}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let page = answer.json();
        items.extend(page["items"].as_array().unwrap().clone());
        let next = text(&page["nextCursor"]);
        if page["hasMore"] == false {
            return (items, next);
        }
        after = Some(next);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_changed_is_told_in_order() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    let end = text(&api.get(&acme.viewer, "/events?after=latest").await.json()["nextCursor"]);
    api.start_worker();
    let (connection, run) = api.held(&acme.admin).await;
    let (all, last) = follow(&api, &acme.viewer, None, "limit=200").await;
    let types: BTreeSet<&str> = all.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert!(types.is_superset(&BTreeSet::from(["user.created", "run.finished", "run.held"])), "{types:?}");
    let held = all.last().unwrap();
    assert_eq!(
        (&held["type"], &held["runId"], &held["connectionId"]),
        (&json!("run.held"), &run["id"], &json!(connection))
    );
    assert_eq!((&held["data"]["hold"], &held["data"]["counts"]), (&run["hold"], &run["counts"]));
    let created = &all[0]["data"];
    let user = api.get(&acme.viewer, &format!("/users/{}", text(&created["userId"]))).await.json();
    for member in ["externalId", "email", "status"] {
        assert_eq!(created[member], user[member], "{member}");
    }
    assert_eq!(created["before"], Value::Null);

    assert_eq!(follow(&api, &acme.viewer, Some(&end), "limit=1").await, (all.clone(), last.clone()));
    let (held_only, _) = follow(&api, &acme.viewer, None, "limit=1&types=run.held,user.unlinked").await;
    assert_eq!(held_only, std::slice::from_ref(held));
    assert_eq!(follow(&api, &acme.viewer, Some(&last), "limit=200").await, (vec![], last.clone()));
    assert_eq!(follow(&api, &acme.viewer, Some(&text(&all[1]["id"])), "limit=7").await.0, all[2..]);

    api.call(Method::POST, &acme.admin, &format!("/runs/{}/reject", text(&run["id"])), &json!({})).await;
    let (new, _) = follow(&api, &acme.viewer, Some(&last), "limit=200").await;
    assert_eq!(
        (new.len(), &new[0]["type"], &new[0]["data"]["status"]),
        (1, &json!("run.finished"), &json!("rejected"))
    );

    let other = api.account("globex").await;
    assert_eq!(follow(&api, &other.viewer, None, "limit=200").await.0, Vec::<Value>::new());
    api.get(&other.viewer, &format!("/events?after={last}")).await.problem(410, "events_gone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_that_is_too_long_ago_is_told() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    api.start_worker();
    api.held(&acme.admin).await;
    let (all, last) = follow(&api, &acme.viewer, None, "limit=200").await;
    // Longer than since the last of them.
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    while api.store.delete_old_events(std::time::Duration::ZERO, 100).await.unwrap() {}
    let missed = api.get(&acme.viewer, &format!("/events?after={}", text(&all[0]["id"]))).await;
    missed.problem(410, "events_gone");
    assert!(missed.text.contains("GET /users"), "{}", missed.text);
    assert_eq!(
        follow(&api, &acme.viewer, Some(&last), "limit=1").await.0,
        Vec::<Value>::new(),
        "it had read everything"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_place_is_refused() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    for query in
        ["after=", "after=oldest", "after=evt_1", "types=", "types=users", "types=run.held,", "limit=0", "cursor=x"]
    {
        let answer = api.get(&acme.viewer, &format!("/events?{query}")).await;
        answer.problem(400, "bad_request");
    }
}
