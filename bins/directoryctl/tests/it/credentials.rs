//! Credentials of each kind: registering, replacing, trying.

use std::fs;

use chrono::{TimeDelta, Utc};
use entra_simulator::{CLIENT_CERTIFICATE, Permission};
use serde_json::{Value, json};

use crate::{
    simulated::{ACME, Simulated, text},
    world::Said,
};

const NEW_SECRET: &str = "another~Secret.Value";
const ID_TOKEN: &str = "opaque.federated.token";

fn set_secret(world: &Simulated, more: &[&str], input: &str) -> Said {
    world.run_with_input(&[&["connection", "set-secret", ACME], more].concat(), input)
}

/// A world whose connection is in quarantine, because its secret is no longer the application's.
fn quarantined() -> Simulated {
    let world = Simulated::synced(3);
    world.registration().set_secret(NEW_SECRET);
    assert_eq!(world.run(&["sync", ACME]).json_and(1)["error"]["code"], "credential_invalid");
    assert_eq!(world.connection()["state"], "quarantined");
    world
}

#[test]
fn a_secret_that_the_directory_refuses_leaves_the_old_one() {
    let world = Simulated::synced(3);
    let before = world.connection();
    let line = set_secret(&world, &["--client-secret-stdin"], "wrong~secret").one_line(1);
    assert!(line.contains("the old one stays") && line.contains("AADSTS7000215"), "{line}");
    assert!(!line.contains("wrong~secret"), "{line}");
    assert_eq!(world.connection(), before);
    assert_eq!(world.run(&["sync", ACME]).json()["status"], "succeeded");
}

#[test]
fn a_secret_that_works_lifts_the_quarantine() {
    let world = quarantined();
    let said = set_secret(
        &world,
        &["--client-secret-stdin", "--client-secret-expires-at", "2099-01-31T00:00:00Z"],
        &format!("{NEW_SECRET}\n"),
    );
    let set = said.json_and(0);
    assert_eq!(
        (&set["state"], &set["credentialKind"], &set["credentialExpiresAt"]),
        (&json!("active"), &json!("client_secret"), &json!("2099-01-31T00:00:00Z"))
    );
    assert!(said.stderr.contains("no longer quarantined"), "{said:?}");
    assert_eq!(world.run(&["sync", ACME]).json()["status"], "succeeded");
}

#[test]
fn what_is_not_tried_is_set_right_or_wrong() {
    let world = quarantined();
    let said = set_secret(&world, &["--client-secret-stdin", "--no-verify"], NEW_SECRET);
    assert_eq!(said.json_and(0)["state"], "quarantined");
    assert!(said.stderr.contains("stays quarantined until a sync succeeds"), "{said:?}");
    assert_eq!(world.run(&["sync", ACME]).json()["status"], "succeeded");
    assert_eq!(world.connection()["state"], "active");

    let said = set_secret(&world, &["--client-secret-stdin", "--no-verify"], "wrong~secret").done();
    assert!(said.stderr.contains("connection test"), "{said:?}");
    assert_eq!(world.run(&["sync", ACME]).json_and(1)["error"]["code"], "credential_invalid");
}

#[test]
fn a_connection_registered_with_a_certificate_syncs() {
    let world = Simulated::new(3);
    world.run(&["connection", "delete", ACME, "--yes"]).done();
    let refused = world.register_with(&["--certificate-stdin", "--verify"], CLIENT_CERTIFICATE).one_line(1);
    assert!(refused.contains("was not registered"), "{refused}");

    world.registration().trust_certificate(CLIENT_CERTIFICATE).expect("readable");
    let made = world.register_with(&["--certificate-stdin", "--verify"], CLIENT_CERTIFICATE).json();
    assert_eq!(made["credentialKind"], "certificate");
    assert!(made["credentialExpiresAt"].is_string(), "the certificate itself says when it ends: {made}");
    let run = world.run(&["sync", ACME]).json();
    assert_eq!((&run["status"], &run["counts"]["created"]), (&json!("succeeded"), &json!(3)));
    let facts = world.run(&["connection", "show", "--output", "table"]).done().stdout;
    assert!(facts.lines().any(|line| line.starts_with("Credential ") && line.ends_with(" certificate")), "{facts}");
}

#[test]
fn a_secret_is_replaced_by_a_certificate_and_that_by_a_federated_token() {
    let world = Simulated::synced(3);
    world.registration().trust_certificate(CLIENT_CERTIFICATE).expect("readable");
    assert_eq!(
        set_secret(&world, &["--certificate-stdin"], CLIENT_CERTIFICATE).json()["credentialKind"],
        "certificate"
    );
    // No secret is any good any more.
    world.registration().set_secret(NEW_SECRET);
    assert_eq!(world.run(&["sync", ACME]).json()["status"], "succeeded");

    let unset = set_secret(&world, &["--federated-token"], "").one_line(1);
    assert!(unset.contains("DIRECTORY_FEDERATED_TOKEN_FILE") && unset.contains("the old one stays"), "{unset}");

    let world = world.env("DIRECTORY_FEDERATED_TOKEN_FILE", "token");
    fs::write(world.path("token"), ID_TOKEN).expect("written");
    set_secret(&world, &["--federated-token"], "").one_line(1);
    assert_eq!(world.connection()["credentialKind"], "certificate", "the directory does not trust the token yet");
    world.registration().trust_federated_token(ID_TOKEN);
    let set = set_secret(&world, &["--federated-token"], "").json();
    assert_eq!((&set["credentialKind"], &set["credentialExpiresAt"]), (&json!("federated_token"), &Value::Null));
    assert_eq!(world.run(&["sync", ACME]).json()["status"], "succeeded");
}

#[test]
fn a_credential_that_cannot_be_meant_is_one_line_and_changes_nothing() {
    let world = Simulated::new(0);
    let before = world.connection();
    for (args, input, code, expected) in [
        (&["--client-secret-stdin", "--certificate-stdin"][..], "x", 2, "--certificate-stdin"),
        (&["--client-secret-stdin", "--federated-token"], "x", 2, "--federated-token"),
        (&["--certificate-stdin", "--federated-token"], "x", 2, "--federated-token"),
        (
            &["--federated-token", "--client-secret-expires-at", "2099-01-31T00:00:00Z"],
            "",
            2,
            "belongs to a client secret",
        ),
        (&["--client-secret-stdin", "--client-secret-expires-at", "soon"], "x", 2, "--client-secret-expires-at"),
        (&["--client-secret-stdin"], "", 2, "client secret"),
        (&["--client-secret-stdin"], " x", 2, "the client secret must"),
        (&["--certificate-stdin"], "", 2, "certificate"),
        (&["--certificate-stdin"], "é", 2, "the certificate must"),
        (&["--certificate-stdin", "--no-verify"], "hunter2", 1, "the old one stays"),
        (&[], "", 2, "--client-secret-stdin"),
    ] {
        let line = set_secret(&world, args, input).one_line(code);
        assert!(line.contains(expected) && !line.contains("hunter2"), "{args:?}: {line}");
    }
    assert_eq!(world.connection(), before);
    assert!(world.run(&["connection", "set-secret", "Nope", "--federated-token"]).one_line(1).contains("`Nope`"));
}

#[test]
fn a_test_names_the_permission_that_is_missing() {
    let world = Simulated::new(3);
    let report = world.run(&["connection", "test", ACME]).json();
    assert_eq!(
        report["checks"].as_array().map(|checks| checks.iter().all(|check| check["outcome"] == "passed")),
        Some(true)
    );

    let before = world.connection();
    world.registration().set_permissions([Permission::GroupMemberReadAll]);
    let report = world.run(&["connection", "test", ACME]).json_and(1);
    let checks = report["checks"].as_array().expect("a list");
    let failed = checks.iter().find(|check| check["check"] == "permission").expect("the permission");
    assert_eq!(
        (&failed["permission"], &failed["outcome"], &failed["code"]),
        (&json!("User.Read.All"), &json!("failed"), &json!("permission_missing"))
    );
    assert_eq!((&checks[0]["check"], &checks[0]["outcome"]), (&json!("token"), &json!("passed")));

    let said = world.run(&["connection", "test", "--output", "table"]);
    assert_eq!(said.code, 1);
    let row = said.stdout.lines().find(|line| line.starts_with("permission User.Read.All")).expect("a row");
    assert!(row.contains("failed") && row.contains(text(&failed["hint"])), "{row}");
    assert_eq!(world.connection(), before, "nothing is written");
}

#[test]
fn a_test_that_gets_no_token_says_so_and_knows_no_more() {
    let world = Simulated::new(0);
    world.registration().expire_secret();
    let report = world.run(&["connection", "test", ACME]).json_and(1);
    let outcomes: Vec<_> =
        report["checks"].as_array().expect("a list").iter().map(|check| text(&check["outcome"])).collect();
    assert_eq!((outcomes[0], &report["checks"][0]["code"]), ("failed", &json!("credential_expired")));
    assert!(outcomes[1..].iter().all(|&outcome| outcome == "unknown"), "{outcomes:?}");
    assert_eq!(world.connection()["state"], "active");
    assert!(world.run(&["connection", "test", "Nope"]).one_line(1).contains("`Nope`"));
}

#[test]
fn a_secret_that_ends_soon_is_spoken_of() {
    let world = Simulated::new(0);
    let set = ["--client-secret-stdin", "--no-verify", "--client-secret-expires-at"];
    let soon = (Utc::now() + TimeDelta::days(20)).to_rfc3339();
    for (ends, spoken) in [(&*soon, true), ("2999-01-31T00:00:00Z", false)] {
        set_secret(&world, &[&set[..], &[ends]].concat(), NEW_SECRET).done();
        let said = world.run(&["connection", "show"]).done();
        assert_eq!(said.stderr.contains("warning: The client secret ends at "), spoken, "{said:?}");
        assert_eq!(said.stderr.is_empty(), !spoken, "{said:?}");
        assert_eq!(said.json()["credentialWarning"]["level"] == "expires_in_30_days", spoken);
        let list = world.run(&["connection", "list", "--output", "table"]).done().stdout;
        assert_eq!(list.contains("CREDENTIAL ENDS"), spoken, "{list}");
    }
}
