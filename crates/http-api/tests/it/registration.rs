use serde_json::{Value, json};

use crate::api::{Api, CLIENT, DIRECTORY, registration, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registration_is_answered_with_the_connection_and_its_place() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    let mut body = registration();
    body["groupId"] = json!(CLIENT.to_uppercase());
    body["schedule"] = json!("every 15m");
    body["clientSecretExpiresAt"] = json!("2030-01-31T00:00:00Z");
    body["policy"] = json!({"maxDeactivations": {"percent": 5}});

    let answer = api.post(&acme.admin, "/entra", &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let made = answer.json();
    let id = text(&made["id"]);
    assert_eq!(answer.header("location"), Some(format!("/api/directory/connections/{id}").as_str()));
    assert_eq!((&made["displayName"], &made["provider"]), (&json!("Acme Entra"), &json!("entra")));
    assert_eq!((&made["directoryId"], &made["groupId"]), (&json!(DIRECTORY), &json!(CLIENT)));
    assert_eq!((&made["cloud"], &made["defaultRole"]), (&json!("global"), &json!("member")));
    assert_eq!(made["policy"]["includeGuests"], true, "a group is chosen");
    assert_eq!(made["policy"]["maxDeactivations"], json!({"percent": 5, "count": 10}));
    assert_eq!((&made["schedule"], &made["state"]), (&json!("every 15m"), &json!("active")));
    assert_eq!(made["credentialExpiresAt"], "2030-01-31T00:00:00Z");
    assert!(text(&made["createdAt"]).ends_with('Z'), "{made}");
    assert!(text(&made["nextSyncAt"]) > text(&made["createdAt"]), "{made}");
    for unknown in ["stateReason", "lastRun"] {
        assert_eq!(made.get(unknown), Some(&Value::Null), "{unknown}");
    }

    assert_eq!(api.get(&acme.viewer, &format!("/connections/{id}")).await.json(), made);
    assert_eq!(api.items(&acme.viewer, "/connections").await, [made]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_wrong_missing_or_unknown_member_is_pointed_at_and_nothing_is_stored() {
    let api = Api::start().await;
    let acme = api.account("acme").await;
    // The member, a wrong value (none: left out), and where the answer must point.
    let table = [
        ("displayName", None, "/displayName"),
        ("displayName", Some(json!(null)), "/displayName"),
        ("displayName", Some(json!(" ")), "/displayName"),
        ("displayName", Some(json!(5)), "/displayName"),
        ("directoryId", None, "/directoryId"),
        ("directoryId", Some(json!("acme.example.org")), "/directoryId"),
        ("clientId", None, "/clientId"),
        ("clientId", Some(json!("x")), "/clientId"),
        ("clientSecret", None, "/clientSecret"),
        ("clientSecret", Some(json!("")), "/clientSecret"),
        ("clientSecret", Some(json!(CLIENT)), "/clientSecret"),
        ("clientSecret", Some(json!({"value": "x"})), "/clientSecret"),
        ("groupId", Some(json!("Engineering")), "/groupId"),
        ("defaultRole", Some(json!("two words")), "/defaultRole"),
        ("cloud", Some(json!("moon")), "/cloud"),
        ("clientSecretExpiresAt", Some(json!("soon")), "/clientSecretExpiresAt"),
        ("clientSecretExpiresAt", Some(json!("2020-01-31T00:00:00Z")), "/clientSecretExpiresAt"),
        ("schedule", Some(json!("often")), "/schedule"),
        ("policy", Some(json!("strict")), "/policy"),
        ("policy", Some(json!({"includeGuests": "yes"})), "/policy/includeGuests"),
        ("policy", Some(json!({"includeGuest": true})), "/policy/includeGuest"),
        ("policy", Some(json!({"emailAttribute": "upn"})), "/policy/emailAttribute"),
        ("policy", Some(json!({"adoptDomains": ["@example.org"]})), "/policy/adoptDomains/0"),
        ("policy", Some(json!({"protectedRoles": "admin"})), "/policy/protectedRoles"),
        ("policy", Some(json!({"maxDeactivations": {"percent": 101}})), "/policy/maxDeactivations/percent"),
        ("policy", Some(json!({"maxDeactivations": {"counts": 1}})), "/policy/maxDeactivations/counts"),
        ("tenantId", Some(json!("x")), "/tenantId"),
        ("client_secret", Some(json!("x")), "/client_secret"),
    ];
    for (member, value, pointer) in table {
        let mut body = registration();
        match &value {
            Some(value) => body[member] = value.clone(),
            None => drop(body.as_object_mut().unwrap().remove(member)),
        }
        let answer = api.post(&acme.admin, "/entra", &body).await;
        assert_eq!(answer.pointers(), [pointer], "{member}: {value:?}");
    }
    let answer = api.post(&acme.admin, "/entra", &json!({"cloud": "moon"})).await;
    assert_eq!(answer.pointers(), ["/displayName", "/directoryId", "/clientId", "/clientSecret", "/cloud"]);
    assert_eq!(api.items(&acme.admin, "/connections").await, Vec::<Value>::new());
}
