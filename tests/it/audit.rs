//! The audit log, and when tokens were last used: what servers and command lines write, and either shows.

use entra_simulator::CLIENT_SECRET;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    main_job::plain,
    support::{Cli, Kind, System, on_both_stores, wait_for},
};

on_both_stores!(
    who_changed_what_is_seen_by_everybody,
    decisions_about_plans_are_told_of,
    the_last_use_of_a_token_is_seen,
    nothing_waits_for_a_use_to_be_noted,
);

const LOG: &str = "/api/directory/audit";

/// Action and kind of actor of each entry, oldest first.
fn lines(log: &[Value]) -> Vec<(&str, &str)> {
    log.iter()
        .rev()
        .map(|entry| (entry["action"].as_str().unwrap(), entry["actor"]["kind"].as_str().unwrap()))
        .collect()
}

async fn done(system: &System, method: Method, path: &str, body: Option<Value>) {
    let (status, answer) = system.call(method, path, body.as_ref()).await;
    assert!(status.is_success(), "{path}: {status} {answer}");
}

fn run(cli: &Cli, arguments: &[&str]) -> Value {
    let (code, said) = cli.json(arguments, "");
    assert_eq!(code, 0, "{arguments:?}: {said}");
    said
}

async fn who_changed_what_is_seen_by_everybody(kind: Kind) {
    let system = System::start(kind, plain(5)).await;
    let (_, other) = system.other_tenant("globex");
    let zoe = system.cli.with("SUDO_USER", "zoe").with("DIRECTORY_TENANT", "acme");
    let connection = system.register(json!({})).await;
    let at = format!("/api/directory/connections/{connection}");
    system.sync(&connection).await;
    let user = system.get("/api/directory/users").await["items"][0].clone();

    done(&system, Method::PATCH, &at, Some(json!({"policy": {"deactivateMissing": false}}))).await;
    done(&system, Method::PUT, &format!("{at}/credential"), Some(json!({"clientSecret": CLIENT_SECRET}))).await;
    run(&zoe, &["connection", "update", &connection, "--display-name", "Renamed"]);
    run(&zoe, &["connection", "ignore", &connection, "e1"]);
    run(&zoe, &["user", "unlink", user["id"].as_str().unwrap()]);
    let token = run(&zoe, &["token", "create", "--role", "viewer"]);
    run(&zoe, &["token", "revoke", token["id"].as_str().unwrap()]);
    done(&system, Method::DELETE, &at, None).await;

    let log = system.all(LOG).await;
    assert_eq!(
        lines(&log),
        [
            ("tenant.created", "operator"),
            ("token.created", "operator"),
            ("connection.created", "token"),
            ("run.requested", "token"),
            ("connection.updated", "token"),
            ("connection.credential_set", "token"),
            ("connection.updated", "operator"),
            ("user.ignored", "operator"),
            ("user.unlinked", "operator"),
            ("token.created", "operator"),
            ("token.revoked", "operator"),
            ("connection.deleted", "token"),
        ]
    );
    let listed = run(&zoe, &["audit", "list"]);
    assert_eq!(listed["items"], json!(log), "the command line shows the same");
    let [patched, renamed] = [log[7].clone(), log[5].clone()];
    assert_eq!(patched["before"], json!({"policy": {"deactivateMissing": true}}));
    assert_eq!(patched["after"], json!({"policy": {"deactivateMissing": false}}));
    assert_eq!(patched["subject"], json!({"kind": "connection", "id": connection}));
    assert!(patched["requestId"].is_string() && patched["at"].is_string(), "{patched}");
    assert_eq!(patched["actor"]["id"], log[0]["actor"]["id"], "the one admin's token");
    let of_token = format!("{LOG}?subjectId={}&action=token.created", patched["actor"]["id"].as_str().unwrap());
    assert_eq!(system.all(&of_token).await, log[10..11], "which is in the log itself");
    assert_eq!(renamed["actor"], json!({"kind": "operator", "id": null, "name": "zoe"}));
    assert_eq!((&renamed["after"], &renamed["requestId"]), (&json!({"displayName": "Renamed"}), &Value::Null));

    // Another tenant sees its own.
    assert_eq!(
        lines(&system.all_as(&other, LOG).await),
        [("tenant.created", "operator"), ("token.created", "operator")]
    );
    let path = format!("{LOG}?subjectId={connection}");
    assert_eq!(system.get_as(&other, &path).await["items"], json!([]));

    let text = Value::from(log).to_string();
    let said = |value: &Value| value.as_str().unwrap().to_owned();
    for secret in
        [CLIENT_SECRET, &system.token, &said(&token["token"]), &said(&user["email"]), &said(&user["displayName"])]
    {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let stored = system.database.dump().await;
    assert!(!String::from_utf8_lossy(&stored).contains(CLIENT_SECRET));
}

async fn decisions_about_plans_are_told_of(kind: Kind) {
    let system = System::start(kind, plain(30)).await;
    let zoe = system.cli.with("SUDO_USER", "zoe");
    let connection = system.register(json!({})).await;
    system.sync(&connection).await;
    let directory = system.simulator.directory();
    for index in 0..15 {
        directory.delete_user(directory.generated_user(index)).unwrap();
    }
    let turned_down = system.sync(&connection).await;
    run(&zoe, &["run", "reject", turned_down["id"].as_str().unwrap()]);
    let held = system.sync(&connection).await;
    assert_eq!(held["status"], "held", "{held}");
    let approve = format!("/api/directory/runs/{}/approve", held["id"].as_str().unwrap());
    let (status, _) = system.call(Method::POST, &approve, Some(&json!({"planDigest": "0".repeat(64)}))).await;
    assert_eq!(status, StatusCode::CONFLICT);
    done(&system, Method::POST, &approve, Some(json!({"planDigest": held["planDigest"]}))).await;
    system.end_of(held["id"].as_str().unwrap()).await;

    let log = system.all(LOG).await;
    let tail = lines(&log).split_off(4);
    let asked = ("run.requested", "token");
    assert_eq!(tail, [asked, ("run.rejected", "operator"), asked, ("run.approved", "token")]);
    assert_eq!(log[0]["subject"], json!({"kind": "run", "id": held["id"]}));
    assert_eq!((&log[0]["after"]["planDigest"], &log[0]["after"]["status"]), (&held["planDigest"], &json!("queued")));
    assert_eq!((&log[2]["subject"]["id"], &log[2]["after"]), (&turned_down["id"], &json!({"status": "rejected"})));

    run(&system.cli_with_new_key().with("SUDO_USER", "zoe"), &["key", "rotate"]);
    let rotated = system.all(&format!("{LOG}?action=connection.credential_resealed")).await;
    assert_eq!((rotated.len(), &rotated[0]["subject"]["id"]), (1, &json!(connection)));
    assert_eq!((&rotated[0]["actor"]["name"], &rotated[0]["after"]), (&json!("zoe"), &Value::Null));
}

/// When the tenant's tokens were last used, by their names.
fn last_use(cli: &Cli, name: &str) -> Option<String> {
    let list = run(cli, &["token", "list", "--tenant", "acme"]);
    let token = list["items"].as_array().unwrap().iter().find(|token| token["name"] == name).unwrap();
    token["lastUsedAt"].as_str().map(str::to_owned)
}

async fn the_last_use_of_a_token_is_seen(kind: Kind) {
    let system = System::start(kind, plain(5)).await;
    let create = |name| run(&system.cli, &["token", "create", "--tenant", "acme", "--role", "viewer", "--name", name]);
    let (used, _) = (create("used"), create("unused"));
    let used = used["token"].as_str().unwrap();
    assert_eq!(last_use(&system.cli, "used"), None);
    system.get_as(used, "/api/directory/users").await;
    let first = wait_for("noting the use", async || last_use(&system.cli, "used")).await;
    for _ in 0..20 {
        system.get_as(used, "/api/directory/users").await;
    }
    assert_eq!(last_use(&system.cli, "used"), Some(first), "not written again within a minute");
    assert_eq!(last_use(&system.cli, "unused"), None);
}

/// While nobody can write to the tokens, requests are answered as ever.
async fn nothing_waits_for_a_use_to_be_noted(kind: Kind) {
    let system = System::start(kind, plain(5)).await;
    let locked = system.database.lock("api_tokens").await;
    for _ in 0..3 {
        system.get("/api/directory/users").await;
    }
    drop(locked);
    wait_for("noting the use", async || last_use(&system.cli, "directoryctl")).await;
}
