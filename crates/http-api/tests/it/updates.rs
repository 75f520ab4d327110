//! Changing connections.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::api::{ABSENT, Api, CLIENT, DIRECTORY, registration, text};

async fn shown(api: &Api, token: &str, connection: &str) -> Value {
    api.get(token, &format!("/connections/{connection}")).await.json()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_changes_and_the_rest_stays() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    let connection = api.connection(&acme.admin, "Acme").await;
    let path = format!("/connections/{connection}");
    let mut expected = shown(&api, &acme.admin, &connection).await;
    let run = api.queue(&acme.admin, &connection, &json!({})).await;
    expected["lastRun"] = api.get(&acme.admin, &format!("/runs/{run}")).await.json();

    // What is sent, the member that it is about, and what that becomes.
    let mut policy = expected["policy"].clone();
    policy["includeGuests"] = json!(true);
    policy["maxDeactivations"]["count"] = json!(3);
    for (body, member, value) in [
        (json!({"displayName": " New name "}), "displayName", json!("New name")),
        (json!({"groupId": CLIENT.to_uppercase()}), "groupId", json!(CLIENT)),
        (json!({"defaultRole": "guest"}), "defaultRole", json!("guest")),
        (json!({"policy": {"includeGuests": true, "maxDeactivations": {"count": 3}}}), "policy", policy),
        (json!({"schedule": "every  15m"}), "schedule", json!("every 15m")),
        (json!({"paused": true}), "state", json!("paused")),
        (json!({"displayName": "New name"}), "state", json!("paused")),
        (json!({"paused": false}), "state", json!("active")),
    ] {
        let answer = api.call(Method::PATCH, &acme.admin, &path, &body).await;
        assert_eq!(answer.status, 200, "{body}: {}", answer.text);
        let updated = answer.json();
        expected[member] = value;
        expected["updatedAt"] = updated["updatedAt"].clone();
        // Something that has a schedule and is not paused is due, within the schedule's time.
        let is_due = expected["schedule"] != Value::Null && expected["state"] == "active";
        assert_eq!(updated["nextSyncAt"] != Value::Null, is_due, "{body}");
        if ["schedule", "state"].contains(&member) {
            expected["nextSyncAt"] = updated["nextSyncAt"].clone();
        }
        assert_eq!(updated, expected, "{body}");
        assert_eq!(shown(&api, &acme.viewer, &connection).await, expected, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn null_is_the_default() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    let plain = shown(&api, &acme.admin, &api.connection(&acme.admin, "Plain").await).await;
    let mut body = registration();
    body["groupId"] = json!(CLIENT);
    body["defaultRole"] = json!("guest");
    body["schedule"] = json!("every 15m");
    body["policy"] = json!({"includeGuests": false, "adoptByEmail": false, "adoptDomains": ["example.org"]});
    let connection = text(&api.post(&acme.admin, "/entra", &body).await.json()["id"]);
    let path = format!("/connections/{connection}");
    let update = |body: Value| {
        let (api, acme, path) = (&api, &acme, &path);
        async move { api.call(Method::PATCH, &acme.admin, path, &body).await.json() }
    };

    let guests = update(json!({"policy": {"includeGuests": null}})).await;
    assert_eq!(guests["policy"]["includeGuests"], true, "a group is chosen");
    assert_eq!(guests["policy"]["adoptDomains"], json!(["example.org"]));
    let whole = update(json!({"groupId": null})).await;
    assert_eq!((&whole["groupId"], &whole["policy"]), (&Value::Null, &guests["policy"]), "the rules stay");
    let reset = update(json!({"policy": null, "defaultRole": null, "schedule": null})).await;
    for member in ["groupId", "policy", "defaultRole", "schedule"] {
        assert_eq!(reset[member], plain[member], "{member}");
    }
    let group = update(json!({"policy": null, "groupId": CLIENT})).await;
    assert_eq!(group["policy"]["includeGuests"], true, "the default is that of the new scope");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_new_writes_nothing() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    let connection = api.connection(&acme.admin, "Acme").await;
    let before = shown(&api, &acme.admin, &connection).await;
    for body in [json!({}), json!({"displayName": "Acme", "groupId": null, "paused": false, "policy": null})] {
        let answer = api.call(Method::PATCH, &acme.admin, &format!("/connections/{connection}"), &body).await;
        assert_eq!((answer.status, answer.json()), (200, before.clone()), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_wrong_or_unknown_member_is_pointed_at_and_nothing_changes() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    let connection = api.connection(&acme.admin, "Acme").await;
    let before = shown(&api, &acme.admin, &connection).await;
    let path = format!("/connections/{connection}");
    for (member, value, pointer) in [
        ("displayName", json!(null), "/displayName"),
        ("displayName", json!(" "), "/displayName"),
        ("displayName", json!(5), "/displayName"),
        ("groupId", json!("Engineering"), "/groupId"),
        ("groupId", json!(""), "/groupId"),
        ("defaultRole", json!("two words"), "/defaultRole"),
        ("schedule", json!("often"), "/schedule"),
        ("schedule", json!(15), "/schedule"),
        ("paused", json!(null), "/paused"),
        ("paused", json!("yes"), "/paused"),
        ("policy", json!("strict"), "/policy"),
        ("policy", json!([]), "/policy"),
        ("policy", json!({"includeGuest": true}), "/policy/includeGuest"),
        ("policy", json!({"emailAttribute": "upn"}), "/policy/emailAttribute"),
        ("policy", json!({"adoptDomains": ["@example.org"]}), "/policy/adoptDomains/0"),
        ("policy", json!({"maxDeactivations": {"percent": 101}}), "/policy/maxDeactivations/percent"),
        ("clientId", json!(CLIENT), "/clientId"),
        ("directoryId", json!(DIRECTORY), "/directoryId"),
        ("clientSecret", json!("x"), "/clientSecret"),
        ("state", json!("paused"), "/state"),
        ("cloud", json!("global"), "/cloud"),
    ] {
        // A good member beside it is not written either.
        let mut body = json!({"displayName": "Changed"});
        body[member] = value;
        for (method, path) in [(Method::PATCH, path.clone()), (Method::POST, format!("{path}/preview"))] {
            assert_eq!(api.call(method, &acme.admin, &path, &body).await.pointers(), [pointer], "{path}: {body}");
        }
    }
    for body in [json!([]), json!(null), json!("x")] {
        assert_eq!(api.call(Method::PATCH, &acme.admin, &path, &body).await.pointers(), [""], "{body}");
    }
    api.bare(Method::PATCH, &acme.admin, &path).await.problem(400, "bad_request");
    let answer = api.call(Method::PATCH, &acme.admin, &format!("{path}?paused=true"), &json!({})).await;
    assert_eq!(answer.pointers(), ["?paused"]);
    let absent = format!("/connections/{ABSENT}");
    api.call(Method::PATCH, &acme.admin, &absent, &json!({"paused": true})).await.problem(404, "not_found");
    assert_eq!(shown(&api, &acme.admin, &connection).await, before);
    assert_eq!(api.items(&acme.admin, &format!("{path}/runs")).await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_at_one_time_do_not_undo_each_other() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    let connection = api.connection(&acme.admin, "Acme").await;
    let path = format!("/connections/{connection}");
    let bodies = [
        json!({"displayName": "New name"}),
        json!({"defaultRole": "guest"}),
        json!({"schedule": "every 15m"}),
        json!({"policy": {"adoptByEmail": false}}),
    ];
    let answers = join_all(bodies.iter().map(|body| api.call(Method::PATCH, &acme.admin, &path, body))).await;
    for answer in answers {
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let updated = shown(&api, &acme.admin, &connection).await;
    assert_eq!((&updated["displayName"], &updated["defaultRole"]), (&json!("New name"), &json!("guest")));
    assert_eq!((&updated["schedule"], &updated["policy"]["adoptByEmail"]), (&json!("every 15m"), &json!(false)));
}
