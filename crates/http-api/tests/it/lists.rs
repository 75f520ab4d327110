//! Paging and filters.

use reqwest::Method;
use serde_json::{Value, json};

use crate::api::{Api, person, text};

/// Every item of a list, read in pages of two; the pages' sizes are checked.
async fn walk(api: &Api, token: &str, list: &str) -> Vec<Value> {
    let separator = if list.contains('?') { '&' } else { '?' };
    let mut path = format!("{list}{separator}limit=2");
    let mut items = Vec::new();
    loop {
        let page = api.get(token, &path).await.json();
        let found = page["items"].as_array().unwrap();
        items.extend(found.iter().cloned());
        match page["nextCursor"].as_str() {
            Some(cursor) => {
                assert_eq!(found.len(), 2);
                path = format!("{list}{separator}limit=2&cursor={cursor}");
            }
            None => return items,
        }
    }
}

fn names<'a>(items: &'a [Value], member: &str) -> Vec<&'a str> {
    items.iter().map(|item| item[member].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_come_in_pages_with_their_newest_run() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    for name in ["a", "b", "c", "d"] {
        let connection = api.connection(&acme.admin, name).await;
        if name != "b" {
            api.queue(&acme.admin, &connection, &json!({})).await;
        }
    }
    let items = walk(&api, &acme.viewer, "/connections").await;
    assert_eq!(names(&items, "displayName"), ["a", "b", "c", "d"]);
    for connection in &items {
        let run = &connection["lastRun"];
        if connection["displayName"] == "b" {
            assert_eq!(*run, Value::Null);
        } else {
            assert_eq!((&run["connectionId"], &run["status"]), (&connection["id"], &json!("queued")));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_changes_and_users_come_in_pages() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    api.start_worker();
    let (first, second) = (api.connection(&acme.admin, "first").await, api.connection(&acme.admin, "second").await);
    let people = ["ada", "bob", "cyd", "dan", "eve"];
    api.directory_lists(people.iter().map(|name| person(name, name)).chain([person("nomail", "")]).collect());
    let mut runs = Vec::new();
    for _ in 0..5 {
        runs.insert(0, text(&api.sync(&acme.admin, &first, &json!({})).await["id"]));
    }
    assert_eq!(
        names(&walk(&api, &acme.viewer, &format!("/connections/{first}/runs")).await, "id"),
        runs,
        "newest first"
    );

    let changes = format!("/runs/{}/changes", runs[4]);
    let all = walk(&api, &acme.viewer, &changes).await;
    assert_eq!(all.len(), 6);
    assert!(all.is_sorted_by(|one, next| one["seq"].as_u64() < next["seq"].as_u64()), "{all:?}");
    assert_eq!(walk(&api, &acme.viewer, &format!("{changes}?action=create")).await.len(), 5);
    assert_eq!(walk(&api, &acme.viewer, &format!("{changes}?outcome=applied")).await.len(), 5);
    let refused = walk(&api, &acme.viewer, &format!("{changes}?action=conflict&outcome=planned")).await;
    assert_eq!((refused.len(), &refused[0]["code"], &refused[0]["userId"]), (1, &json!("no_email"), &Value::Null));

    let users = walk(&api, &acme.viewer, "/users").await;
    let mut found = names(&users, "externalId");
    found.sort_unstable();
    assert_eq!(found, people);
    assert_eq!(walk(&api, &acme.viewer, &format!("/users?connectionId={first}")).await.len(), 5);
    assert_eq!(walk(&api, &acme.viewer, &format!("/users?connectionId={second}")).await, Vec::<Value>::new());
    assert_eq!(walk(&api, &acme.viewer, "/users?status=active").await.len(), 5);
    assert_eq!(walk(&api, &acme.viewer, "/users?status=inactive").await, Vec::<Value>::new());
    let ada = walk(&api, &acme.viewer, "/users?email=ADA%40example.org").await;
    assert_eq!(names(&ada, "email"), ["ada@example.org"]);
    assert_eq!(api.get(&acme.viewer, &format!("/users/{}", text(&ada[0]["id"]))).await.json(), ada[0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ignored_users_come_in_pages() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    let (one, other) = (api.connection(&acme.admin, "one").await, api.connection(&acme.admin, "other").await);
    for user in ["e4", "e2", "E9", "e%2F1", "e5", "e3"] {
        let path = format!("/connections/{one}/ignored/{user}");
        assert_eq!(api.bare(Method::PUT, &acme.admin, &path).await.status, 204);
    }
    let list = format!("/connections/{one}/ignored");
    let all = walk(&api, &acme.viewer, &list).await;
    assert_eq!(names(&all, "externalId"), ["E9", "e/1", "e2", "e3", "e4", "e5"], "in bytes' order");
    assert!(text(&all[0]["createdAt"]).ends_with('Z') && all[0].as_object().unwrap().len() == 2, "{all:?}");

    let page = api.get(&acme.viewer, &format!("{list}?limit=1")).await.json();
    let elsewhere = format!("/connections/{other}/ignored?cursor={}", text(&page["nextCursor"]));
    assert_eq!(api.get(&acme.viewer, &elsewhere).await.pointers(), ["?cursor"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_belongs_to_its_list() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    for name in ["a", "b"] {
        api.connection(&acme.admin, name).await;
    }
    let page = api.get(&acme.admin, "/connections?limit=1").await.json();
    let cursor = text(&page["nextCursor"]);
    assert_eq!(api.get(&acme.admin, &format!("/users?cursor={cursor}")).await.pointers(), ["?cursor"]);
    let altered = format!("B{}", &cursor[1..]);
    assert_ne!(altered, cursor);
    assert_eq!(api.get(&acme.admin, &format!("/connections?cursor={altered}")).await.pointers(), ["?cursor"]);
    assert_eq!(api.items(&acme.admin, &format!("/connections?cursor={cursor}")).await.len(), 1);
}
