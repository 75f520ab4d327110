//! Credentials: another secret, certificates, federated tokens; and what trying a connection reports.

use entra_simulator::{CLIENT_CERTIFICATE, CLIENT_SECRET, Permission, Simulator};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    main_job::plain,
    support::{Kind, System, on_both_stores, registration},
};

on_both_stores!(
    a_new_secret_is_tried_before_the_old_one_goes,
    a_certificate_and_a_federated_token_take_the_secrets_place,
    a_test_names_what_is_missing,
    keys_are_rotated_while_the_server_runs,
);

async fn set(system: &System, connection: &str, body: Value, query: &str) -> (StatusCode, Value) {
    let path = format!("/api/directory/connections/{connection}/credential{query}");
    system.call(Method::PUT, &path, Some(&body)).await
}

async fn a_new_secret_is_tried_before_the_old_one_goes(kind: Kind) {
    let system = System::start(kind, plain(5)).await;
    let connection = system.register(json!({})).await;
    let at = format!("/api/directory/connections/{connection}");
    assert_eq!(system.sync(&connection).await["status"], "succeeded");
    let before = system.get(&at).await;

    let (status, problem) = set(&system, &connection, json!({"clientSecret": "another~secret"}), "").await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("AADSTS"), "{problem}");
    let mut after = system.get(&at).await;
    after["lastRun"] = before["lastRun"].clone();
    assert_eq!(after, before, "the old one stays");
    assert_eq!(system.sync(&connection).await["status"], "succeeded");

    // The directory has another one now: the connection stops, until it is given that.
    system.simulator.registration().set_secret("another~secret");
    system.simulator.registration().revoke_tokens();
    let failed = system.sync(&connection).await;
    assert_eq!(failed["error"]["code"], "credential_invalid", "{failed}");
    assert_eq!(system.get(&at).await["state"], "quarantined");
    let new = json!({"clientSecret": "another~secret", "clientSecretExpiresAt": "2031-01-31T00:00:00Z"});
    let (status, body) = set(&system, &connection, new, "").await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{body}");
    let now = system.get(&at).await;
    assert_eq!((&now["state"], &now["stateReason"]), (&json!("active"), &Value::Null), "it works again");
    assert_eq!(now["credentialExpiresAt"], "2031-01-31T00:00:00Z");
    assert_eq!(system.sync(&connection).await["status"], "succeeded");

    // Without being tried it is taken as it is.
    let (status, _) = set(&system, &connection, json!({"clientSecret": "not~yet"}), "?verify=false").await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    system.simulator.registration().revoke_tokens();
    assert_eq!(system.sync(&connection).await["status"], "failed");
    let (status, problem) = set(&system, &connection, json!({}), "").await;
    assert_eq!((status, &problem["errors"][0]["pointer"]), (StatusCode::BAD_REQUEST, &json!("/clientSecret")));
    let dump = String::from_utf8_lossy(&system.database.dump().await).into_owned();
    for secret in [CLIENT_SECRET, "another~secret", "not~yet"] {
        assert!(!dump.contains(secret) && !system.server().log().contains(secret));
    }
}

fn trusting(simulator: &Simulator) {
    simulator.registration().trust_certificate(CLIENT_CERTIFICATE).unwrap();
    simulator.registration().trust_federated_token("a-workload-token");
}

async fn a_certificate_and_a_federated_token_take_the_secrets_place(kind: Kind) {
    let system = System::start(kind, plain(5)).await;
    let mut body = registration(json!({"certificate": CLIENT_CERTIFICATE}));
    body.as_object_mut().unwrap().remove("clientSecret");
    let (status, made) = system.call(Method::POST, "/api/directory/entra", Some(&body)).await;
    assert_eq!((status, &made["credentialKind"]), (StatusCode::CREATED, &json!("certificate")), "{made}");
    assert!(made["credentialExpiresAt"].as_str().unwrap().starts_with("2099"), "as the certificate says: {made}");
    let connection = made["id"].as_str().unwrap();
    let refused = system.sync(connection).await;
    assert_eq!(refused["error"]["code"], "credential_invalid", "nobody trusts it yet: {refused}");
    trusting(&system.simulator);
    assert_eq!(system.sync(connection).await["counts"]["created"], 5);

    // A federated token opens whatever trusts it, so only the operator says which connections use it.
    let (status, problem) = set(&system, connection, json!({"federatedToken": true}), "").await;
    assert_eq!((status, &problem["errors"][0]["pointer"]), (StatusCode::BAD_REQUEST, &json!("/federatedToken")));
    let mut body = registration(json!({"federatedToken": true}));
    body.as_object_mut().unwrap().remove("clientSecret");
    assert_eq!(system.call(Method::POST, "/api/directory/entra", Some(&body)).await.0, StatusCode::BAD_REQUEST);

    // It is read anew each time. That it is missing is the operator's to mend, and no quarantine.
    let give = ["connection", "set-secret", "Acme Entra", "--federated-token"];
    let token = system.database.dir.path().join("token");
    std::fs::write(&token, "another-workloads-token\n").unwrap();
    assert_eq!(system.cli.json(&give, "").0, 1, "nobody trusts that one");
    std::fs::write(&token, "a-workload-token\n").unwrap();
    assert_eq!(system.cli.json(&give, "").0, 0);
    assert_eq!(system.sync(connection).await["counts"]["unchanged"], 5);
    let now = system.get(&format!("/api/directory/connections/{connection}")).await;
    assert_eq!((&now["credentialKind"], &now["credentialExpiresAt"]), (&json!("federated_token"), &Value::Null));
    std::fs::remove_file(&token).unwrap();
    let failed = system.sync(connection).await;
    assert_eq!((&failed["status"], &failed["error"]["code"]), (&json!("failed"), &json!("internal")), "{failed}");
    assert_eq!(system.get(&format!("/api/directory/connections/{connection}")).await["state"], "active");

    let nonsense = json!({"certificate": "-----BEGIN CERTIFICATE-----"});
    let (status, problem) = set(&system, connection, nonsense, "").await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{problem}");
    let dump = String::from_utf8_lossy(&system.database.dump().await).into_owned();
    let key = CLIENT_CERTIFICATE.lines().nth(3).unwrap();
    assert!(!dump.contains(key) && !system.server().log().contains(key));
}

async fn a_test_names_what_is_missing(kind: Kind) {
    let system = System::start(kind, plain(30)).await;
    let group = system.simulator.directory().engineering();
    let connection = system.register(json!({"groupId": group})).await;
    let path = format!("/api/directory/connections/{connection}/test");
    let test = async || {
        let (status, report) = system.call(Method::POST, &path, None).await;
        assert_eq!(status, StatusCode::OK, "{report}");
        report
    };
    let outcome = |report: &Value, check: &str| {
        let checks = report["checks"].as_array().unwrap();
        let found = checks.iter().find(|line| line["check"] == check || line["permission"] == check);
        found.unwrap_or_else(|| panic!("{check}: {report}")).clone()
    };
    let fine = test().await;
    assert_eq!(fine["ok"], true, "{fine}");
    for check in ["token", "User.Read.All", "GroupMember.Read.All", "users", "group"] {
        assert_eq!(outcome(&fine, check)["outcome"], "passed", "{fine}");
    }

    system.simulator.registration().set_permissions([Permission::UserReadAll]);
    system.simulator.registration().revoke_tokens();
    let report = test().await;
    assert_eq!((&report["ok"], &outcome(&report, "users")["outcome"]), (&json!(false), &json!("passed")), "{report}");
    let missing = outcome(&report, "GroupMember.Read.All");
    assert_eq!((&missing["outcome"], &missing["code"]), (&json!("failed"), &json!("permission_missing")), "{report}");
    assert!(missing["hint"].as_str().unwrap().contains("GroupMember.Read.All"), "{missing}");

    system.simulator.registration().expire_secret();
    system.simulator.registration().revoke_tokens();
    let report = test().await;
    assert_eq!(outcome(&report, "token")["code"], "credential_expired", "{report}");
    assert_eq!(outcome(&report, "users")["outcome"], "unknown", "{report}");
    // Trying writes nothing.
    assert_eq!(system.get(&format!("/api/directory/connections/{connection}")).await["state"], "active");
    assert!(system.all("/api/directory/users").await.is_empty());
}

async fn keys_are_rotated_while_the_server_runs(kind: Kind) {
    let mut system = System::start(kind, plain(5)).await;
    let connection = system.register(json!({})).await;
    let (_, other) = system.other_tenant("globex");
    system.register_as(&other, json!({})).await;
    assert_eq!(system.sync(&connection).await["counts"]["created"], 5);

    // A new key comes first, the old one still opens.
    let (code, status) = system.cli.json(&["key", "status"], "");
    assert_eq!((code, &status["keys"][0]["credentials"]), (0, &json!(2)), "{status}");
    let rotating = system.cli_with_new_key();
    assert!(system.take_server().terminate().success());
    system.cli = rotating.clone();
    system.start_server();
    let (code, done) = rotating.json(&["key", "rotate"], "");
    assert_eq!((code, &done["seen"], &done["resealed"]), (0, &json!(2), &json!(2)), "{done}");
    let (code, again) = rotating.json(&["key", "rotate"], "");
    assert_eq!((code, &again["resealed"]), (0, &json!(0)), "{again}");
    let (code, status) = rotating.json(&["key", "status"], "");
    let of = |kid: &str| status["keys"].as_array().unwrap().iter().find(|key| key["kid"] == kid).cloned();
    assert_eq!((code, &of("rotated").unwrap()["credentials"]), (0, &json!(2)), "{status}");
    assert_eq!(of("test").unwrap()["credentials"], json!(0), "{status}");

    assert_eq!(system.sync(&connection).await["counts"]["unchanged"], 5, "the server goes on");

    // The old key can go. Without the new one nothing opens.
    assert!(system.take_server().terminate().success());
    let (code, status) = system.cli_with_the_old_key().json(&["key", "status"], "");
    assert_eq!(code, 1, "{status}");
    system.retire_the_old_key();
    system.start_server();
    assert_eq!(system.sync(&connection).await["counts"]["unchanged"], 5);
}
