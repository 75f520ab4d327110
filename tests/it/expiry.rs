//! Credentials that end: what the API, the log and the command line say of them.

use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use entra_simulator::CLIENT_CERTIFICATE;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    main_job::plain,
    support::{Kind, System, on_both_stores, registration, wait_for},
};

on_both_stores!(what_ends_is_warned_of_everywhere, an_end_in_the_past_is_refused);

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// The simulator's certificate with another end. Its signature is wrong then, and is the directory's to judge.
fn certificate_until(end: DateTime<Utc>) -> String {
    let (key, rest) = CLIENT_CERTIFICATE.split_once(BEGIN).unwrap();
    let body: String = rest.split_once(END).unwrap().0.split_whitespace().collect();
    let mut certificate = BASE64_STANDARD.decode(body).unwrap();
    let old = b"20991231235959Z";
    let at = certificate.windows(old.len()).position(|window| window == old).unwrap();
    certificate[at..at + old.len()].copy_from_slice(end.format("%Y%m%d%H%M%SZ").to_string().as_bytes());
    format!("{key}{BEGIN}\n{}\n{END}\n", BASE64_STANDARD.encode(certificate))
}

fn text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The level at which the log speaks of the connection, the last line first.
fn logged(log: &str, connection: &str) -> Option<(String, String)> {
    let line = log.lines().rev().find(|line| line.contains("set-secret") && line.contains(connection))?;
    let line: Value = serde_json::from_str(line).unwrap();
    assert!(!line.to_string().contains("Acme"), "{line}");
    Some((line["level"].as_str().unwrap().to_owned(), line["expires_at"].as_str().unwrap().to_owned()))
}

async fn what_ends_is_warned_of_everywhere(kind: Kind) {
    let mut system = System::start(kind, plain(5)).await;
    let (week, day) = (Utc::now() + TimeDelta::days(5), Utc::now() + TimeDelta::hours(12));
    let secret = system.register(json!({"clientSecretExpiresAt": text(week)})).await;
    let mut body = registration(json!({"certificate": certificate_until(day), "displayName": "By certificate"}));
    body.as_object_mut().unwrap().remove("clientSecret");
    let (status, made) = system.call(Method::POST, "/api/directory/entra", Some(&body)).await;
    assert_eq!((status, &made["credentialWarning"]["level"]), (StatusCode::CREATED, &json!("expires_in_1_day")));
    let certificate = made["id"].as_str().unwrap().to_owned();
    let without = system.register(json!({"displayName": "Without"})).await;

    // The API and the command line's JSON have the same member.
    let at = |id: &str| format!("/api/directory/connections/{id}");
    let warning = system.get(&at(&secret)).await["credentialWarning"].clone();
    assert_eq!(warning["level"], "expires_in_7_days", "{warning}");
    assert!(warning["detail"].as_str().unwrap().contains(&text(week)), "{warning}");
    assert_eq!(system.get(&at(&without)).await["credentialWarning"], Value::Null);
    assert_eq!(system.cli.json(&["connection", "show", &secret], "").1["credentialWarning"], warning);
    let (_, list) = system.cli.json(&["connection", "list"], "");
    let levels: Vec<_> =
        list["items"].as_array().unwrap().iter().map(|one| &one["credentialWarning"]["level"]).collect();
    assert_eq!(levels, [&json!("expires_in_7_days"), &json!("expires_in_1_day"), &Value::Null]);
    assert_eq!(system.all("/api/directory/connections").await, *list["items"].as_array().unwrap());
    let table = system.cli.run(&["--output", "table", "connection", "list"], "").stdout;
    assert!(String::from_utf8(table).unwrap().contains(&week.format("%Y-%m-%d").to_string()));
    for arguments in [&["connection", "show", &secret][..], &["connection", "test", &secret], &["sync", &secret]] {
        let said = String::from_utf8(system.cli.run(arguments, "").stderr).unwrap();
        let line = said.lines().find(|line| line.starts_with("warning: ")).unwrap_or_default();
        assert!(line.contains(&text(week)) && line.contains("set-secret"), "{arguments:?}: {said}");
    }
    let said = system.cli.run(&["sync", &without], "").stderr;
    assert!(!String::from_utf8(said).unwrap().contains("warning"));

    // The log speaks of it when the server starts.
    assert!(system.take_server().terminate().success());
    system.start_server();
    wait_for("the log's line", async || logged(&system.server().log(), &certificate)).await;
    assert_eq!(logged(&system.server().log(), &secret), Some(("WARN".to_owned(), text(week))));
    assert_eq!(logged(&system.server().log(), &without), None);

    // So do the metrics, which are set once the whole look is done.
    let counted = async |within: &str, number: u32| {
        let line = format!("directory_credentials_expiring{{within=\"{within}\"}} {number}");
        wait_for(&line, async || {
            let answer = system.client.get(format!("{}/metrics", system.server().address)).send().await.unwrap();
            answer.text().await.unwrap().lines().any(|found| found == line).then_some(())
        })
        .await;
    };
    counted("7d", 1).await;
    counted("1d", 1).await;
    counted("30d", 0).await;
    counted("expired", 0).await;

    // What has ended is an error.
    let past = text(Utc::now() - TimeDelta::hours(1)).replace('Z', ".000Z");
    let sql = format!("UPDATE connections SET credential_expires_at = '{past}' WHERE id = '{secret}'");
    assert_eq!(system.database.execute(&sql).await, 1);
    assert_eq!(system.get(&at(&secret)).await["credentialWarning"]["level"], "expired");
    assert!(system.take_server().terminate().success());
    system.start_server();
    let (level, _) = wait_for("the log's line", async || logged(&system.server().log(), &secret)).await;
    assert_eq!(level, "ERROR");
}

async fn an_end_in_the_past_is_refused(kind: Kind) {
    let system = System::start(kind, plain(1)).await;
    let past = text(Utc::now() - TimeDelta::seconds(1));
    let pointer = (StatusCode::BAD_REQUEST, json!("/clientSecretExpiresAt"));
    let body = registration(json!({"clientSecretExpiresAt": past}));
    let (status, problem) = system.call(Method::POST, "/api/directory/entra", Some(&body)).await;
    assert_eq!((status, problem["errors"][0]["pointer"].clone()), pointer, "{problem}");
    assert!(problem["errors"][0]["detail"].as_str().unwrap().contains("past"), "{problem}");
    let connection = system.register(json!({})).await;
    let path = format!("/api/directory/connections/{connection}/credential?verify=false");
    let body = json!({"clientSecret": "another~secret", "clientSecretExpiresAt": past});
    let (status, problem) = system.call(Method::PUT, &path, Some(&body)).await;
    assert_eq!((status, problem["errors"][0]["pointer"].clone()), pointer, "{problem}");

    let set = ["connection", "set-secret", &connection, "--client-secret-stdin", "--client-secret-expires-at", &past];
    let said = system.cli.run(&set, "another~secret");
    assert_eq!(said.status.code(), Some(2));
    assert!(String::from_utf8(said.stderr).unwrap().contains("--client-secret-expires-at must not be in the past"));
    assert_eq!(system.sync(&connection).await["status"], "succeeded", "the old one stays");
}
