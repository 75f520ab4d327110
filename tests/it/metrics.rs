//! What an operator sees: metrics, readiness, and log lines that lead from a request to its run.

use std::collections::BTreeMap;

use entra_simulator::{CLIENT_ID, CLIENT_SECRET, DIRECTORY_ID, Fault, FaultKind, Route};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    main_job::{mail, plain},
    support::{Kind, System, on_both_stores, wait_for},
};

on_both_stores!(
    what_happens_is_counted,
    metrics_name_nobody,
    readiness_says_which_check_failed,
    a_missing_key_is_told_and_everybody_else_served,
    a_run_is_found_by_its_requests_id,
);

/// One look at the metrics.
struct Scrape {
    text: String,
}

/// A metric's name and its labels.
type Series = (String, BTreeMap<String, String>);

impl Scrape {
    async fn of(system: &System) -> Self {
        let response = system.client.get(format!("{}/metrics", system.server().address)).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
        Self { text: response.text().await.unwrap() }
    }

    fn samples(&self) -> Vec<(Series, f64)> {
        let lines = self.text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.map(|line| sample(line).unwrap_or_else(|| panic!("no sample: {line}"))).collect()
    }

    /// The value of the one series of this name that has these labels.
    fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let samples = self.samples();
        let has = |series: &Series| labels.iter().all(|(key, value)| series.1.get(*key).is_some_and(|v| v == value));
        let mut found = samples.iter().filter(|(series, _)| series.0 == name && has(series));
        let (Some((_, value)), None) = (found.next(), found.next()) else {
            panic!("not one {name} {labels:?} in\n{}", self.text)
        };
        *value
    }

    fn assert(&self, name: &str, labels: &[(&str, &str)], expected: f64) {
        let value = self.value(name, labels);
        assert!((value - expected).abs() < 1e-9, "{name} {labels:?} is {value} and not {expected}\n{}", self.text);
    }

    /// The sum over all series of this name.
    fn sum(&self, name: &str) -> f64 {
        self.samples().iter().filter(|(series, _)| series.0 == name).map(|(_, value)| value).sum()
    }
}

fn sample(line: &str) -> Option<(Series, f64)> {
    let (series, value) = line.rsplit_once(' ')?;
    let (name, labels) = match series.split_once('{') {
        Some((name, labels)) => (name, labels.strip_suffix('}')?),
        None => (series, ""),
    };
    // No value of ours has a comma.
    let labels = labels.split(',').filter(|label| !label.is_empty()).map(|label| {
        let (key, value) = label.split_once('=')?;
        Some((key.to_owned(), value.strip_prefix('"')?.strip_suffix('"')?.to_owned()))
    });
    Some(((name.to_owned(), labels.collect::<Option<_>>()?), value.parse().ok()?))
}

/// The metrics once this process has seen so many runs through: a run has ended before it is counted.
async fn after_runs(system: &System, runs: u32) -> Scrape {
    wait_for("the runs are counted", async || {
        let scrape = Scrape::of(system).await;
        let seen = scrape.sum("directory_runs_total") >= f64::from(runs);
        (seen && scrape.value("directory_runs_running", &[]) < 0.5).then_some(scrape)
    })
    .await
}

/// Five runs: three that succeed, the last of them throttled once, a dry run, and one that fails. The connection's id.
async fn five_runs(system: &System) -> String {
    let connection = system.register(json!({})).await;
    assert_eq!(system.sync_with(&connection, &json!({"dryRun": true})).await["status"], "planned");
    assert_eq!(system.sync(&connection).await["counts"]["created"], 10);
    let directory = system.simulator.directory();
    directory.update_user(directory.generated_user(1), &json!({"displayName": "Renamed"})).unwrap();
    directory.update_user(directory.generated_user(2), &json!({"displayName": "Renamed too"})).unwrap();
    directory.update_user(directory.generated_user(3), &json!({"accountEnabled": false})).unwrap();
    assert_eq!(system.sync(&connection).await["status"], "succeeded");
    system.simulator.add_fault(Fault::new(Route::Users, FaultKind::throttled("0")));
    assert_eq!(system.sync(&connection).await["status"], "succeeded");
    system.simulator.registration().set_secret("another~secret");
    system.simulator.registration().revoke_tokens();
    assert_eq!(system.sync(&connection).await["status"], "failed");
    connection
}

async fn what_happens_is_counted(kind: Kind) {
    let system = System::start(kind, plain(10)).await;
    let before = Scrape::of(&system).await;
    // Counters begin at nothing and not with the first event, which nobody would see then.
    assert!(before.sum("directory_runs_total") < 0.5 && before.text.contains("directory_runs_total{"));
    before.assert("directory_changes_total", &[("action", "create")], 0.0);

    five_runs(&system).await;
    let gone = system.client.get(format!("{}/nothing/here?at=all", system.server().address)).send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::NOT_FOUND);
    let scrape = after_runs(&system, 5).await;
    let ended = |status, dry_run| [("status", status), ("trigger", "manual"), ("dry_run", dry_run)];
    scrape.assert("directory_runs_total", &ended("succeeded", "false"), 3.0);
    scrape.assert("directory_runs_total", &ended("planned", "true"), 1.0);
    scrape.assert("directory_runs_total", &ended("failed", "false"), 1.0);
    scrape.assert("directory_runs_total", &ended("held", "false"), 0.0);
    scrape.assert("directory_run_duration_seconds_count", &[], 5.0);
    for (action, count) in [("create", 10.0), ("update", 2.0), ("deactivate", 1.0), ("link", 0.0), ("reactivate", 0.0)]
    {
        scrape.assert("directory_changes_total", &[("action", action)], count);
    }
    assert!(scrape.sum("directory_changes_refused_total") < 0.5, "{}", scrape.text);

    let asked = |service, outcome| [("provider", "entra"), ("service", service), ("outcome", outcome)];
    // Of each listing one page, and before it from where changes are told.
    scrape.assert("directory_provider_requests_total", &asked("graph", "ok"), 8.0);
    scrape.assert("directory_provider_requests_total", &asked("graph", "throttled"), 1.0);
    scrape.assert("directory_provider_requests_total", &asked("token", "refused"), 1.0);
    scrape.assert("directory_provider_requests_total", &asked("graph", "network"), 0.0);
    scrape.assert("directory_provider_throttled_seconds_count", &[("provider", "entra")], 1.0);
    assert!(scrape.value("directory_provider_throttled_seconds_sum", &[]) > 0.0);
    scrape.assert("directory_provider_request_duration_seconds_count", &[("service", "graph")], 9.0);

    // These numbers are counted anew now and then only.
    let scrape = wait_for("a new count", async || {
        let scrape = Scrape::of(&system).await;
        (scrape.value("directory_connections", &[("state", "quarantined")]) > 0.5).then_some(scrape)
    })
    .await;
    scrape.assert("directory_connections", &[("state", "quarantined")], 1.0);
    scrape.assert("directory_connections", &[("state", "active")], 0.0);
    for (name, value) in [("directory_runs_queued", 0.0), ("directory_run_queue_age_seconds", 0.0)] {
        scrape.assert(name, &[], value);
    }
    scrape.assert("directory_database_up", &[], 1.0);
    scrape.assert("directory_build_info", &[], 1.0);

    let route = |method, route, status| [("method", method), ("route", route), ("status", status)];
    let sync = "/api/directory/connections/{id}/sync";
    scrape.assert("directory_http_requests_total", &route("POST", sync, "202"), 5.0);
    scrape.assert("directory_http_requests_total", &route("GET", "unmatched", "404"), 1.0);
    scrape.assert("directory_http_request_duration_seconds_count", &[("route", sync)], 5.0);
    // This one.
    scrape.assert("directory_http_requests_in_flight", &[], 1.0);
}

async fn metrics_name_nobody(kind: Kind) {
    let system = System::start(kind, plain(10)).await;
    let connection = five_runs(&system).await;
    let person = mail(&system, 1);
    // Whatever a client can make up, in every place where it can.
    for path in ["nothing/ada@example.org", "api/directory/users/ada@example.org", "api/directory/ada@example.org"] {
        system.call(reqwest::Method::GET, &format!("/{path}?email=ada@example.org"), None).await;
    }
    let made_up = reqwest::Method::from_bytes(b"ADA").unwrap();
    system.call(made_up, "/api/directory/users", None).await;
    let runs = system.all(&format!("/api/directory/connections/{connection}/runs")).await;
    let scrape = after_runs(&system, 5).await;

    for ((name, _), _) in scrape.samples() {
        let told =
            |kind: &str, name: &str| scrape.text.lines().any(|line| line.starts_with(&format!("# {kind} {name} ")));
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part));
        let is_told = |name: &str| told("HELP", name) && told("TYPE", name);
        assert!(is_told(&name) || family.is_some_and(is_told), "{name} is not described");
        assert!(name.starts_with("directory_"), "{name}");
    }
    let run = runs[0]["id"].as_str().unwrap().to_owned();
    let (directory, client) = (DIRECTORY_ID.to_string(), CLIENT_ID.to_string());
    for private in [
        "acme",
        "Acme",
        "ada",
        "ADA",
        "example",
        "127.0.0.1",
        "localhost",
        CLIENT_SECRET,
        &system.token,
        &system.tenant,
        &connection,
        &run,
        &directory,
        &client,
        &person,
        &system.server().address,
    ] {
        assert!(!scrape.text.contains(private), "{private} is in\n{}", scrape.text);
    }
}

async fn readiness(system: &System) -> (StatusCode, Value) {
    let response = system.client.get(format!("{}/readyz", system.server().address)).send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

/// Waits until a check fails, and gives the problem.
async fn not_ready(system: &System, check: &str) -> Value {
    wait_for(check, async || {
        let (status, body) = readiness(system).await;
        let told = body["detail"].as_str().is_some_and(|detail| detail.contains(&format!("`{check}`")));
        (status == StatusCode::SERVICE_UNAVAILABLE && told).then_some(body)
    })
    .await
}

async fn ready(system: &System, keys: &str) {
    let expected = json!({"status": "ready", "checks": {"database": "ok", "migrations": "ok", "keys": keys}});
    wait_for("readiness", async || {
        let (status, body) = readiness(system).await;
        (status == StatusCode::OK && body == expected).then_some(())
    })
    .await;
}

async fn readiness_says_which_check_failed(kind: Kind) {
    let system = System::start(kind, plain(5)).await;
    ready(&system, "ok").await;

    // As if an older program had made the schema.
    let newest = "version = (SELECT max(version) FROM (SELECT version FROM _sqlx_migrations WHERE version < 1000) m)";
    assert_eq!(
        system.database.execute(&format!("UPDATE _sqlx_migrations SET version = version + 1000 WHERE {newest}")).await,
        1
    );
    let problem = not_ready(&system, "migrations").await;
    assert_eq!((&problem["status"], &problem["code"]), (&json!(503), &json!("unavailable")));
    assert!(!problem.to_string().contains("pending"), "the cause is the log's: {problem}");
    wait_for("the log's line", async || system.server().log().contains("is pending").then_some(())).await;
    system.database.execute("UPDATE _sqlx_migrations SET version = version - 1000 WHERE version > 1000").await;
    ready(&system, "ok").await;

    // A file is not taken away from whoever has it open.
    if kind == Kind::Postgres {
        system.database.let_others_in(false).await;
        let problem = not_ready(&system, "database").await;
        assert!(!problem.to_string().contains("not currently accepting"), "the cause is the log's: {problem}");
        let scrape = wait_for("the metrics notice", async || {
            let scrape = Scrape::of(&system).await;
            (scrape.value("directory_database_up", &[]) < 0.5).then_some(scrape)
        })
        .await;
        assert!(scrape.value("directory_runs_queued", &[]).is_nan(), "an old number would look like a fresh one");
        system.database.let_others_in(true).await;
        ready(&system, "ok").await;
    }
    assert_eq!(Scrape::of(&system).await.value("directory_http_requests_in_flight", &[]).to_string(), "1");
}

async fn a_missing_key_is_told_and_everybody_else_served(kind: Kind) {
    let mut system = System::start(kind, plain(5)).await;
    system.register(json!({})).await;
    ready(&system, "ok").await;
    Scrape::of(&system).await.assert("directory_credentials_without_key", &[], 0.0);
    assert!(system.take_server().terminate().success());
    system.retire_the_old_key();
    system.start_server();
    ready(&system, "missing").await;
    Scrape::of(&system).await.assert("directory_credentials_without_key", &[], 1.0);
    let newer = system.register(json!({"displayName": "Newer"})).await;
    assert_eq!(system.sync(&newer).await["counts"]["created"], 5, "under the key that is there");
}

async fn a_run_is_found_by_its_requests_id(kind: Kind) {
    let system = System::start(kind, plain(5)).await;
    let connection = system.register(json!({})).await;
    let url = format!("{}/api/directory/connections/{connection}/sync", system.server().address);
    let request = system.client.post(url).bearer_auth(&system.token).header("x-request-id", "find-me-7");
    let run: Value = request.send().await.unwrap().json().await.unwrap();
    let run = run["id"].as_str().unwrap();
    system.end_of(run).await;

    let spans = |message: &str, name: &str, key: &str, value: &str| {
        let log = system.server().log();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let mut spans = lines
            .filter(|line| line["message"] == message)
            .flat_map(|line| line["spans"].as_array().cloned().unwrap_or_default());
        spans.find(|span| span["name"] == name && span[key] == value)
    };
    let served =
        wait_for("the request's line", async || spans("request served", "request", "request_id", "find-me-7")).await;
    let expected = json!({
        "name": "request", "request_id": "find-me-7", "method": "POST", "status": 202,
        "route": "/api/directory/connections/{id}/sync",
        "tenant": system.tenant, "connection_id": connection, "run_id": run,
    });
    assert_eq!(served, expected);
    let worked = wait_for("the run's line", async || spans("the run has ended", "run", "run_id", run)).await;
    let expected = json!({
        "name": "run", "run_id": run, "tenant": system.tenant, "connection_id": connection, "provider": "entra",
    });
    assert_eq!(worked, expected);
    let asked =
        wait_for("a line of Graph's answer", async || spans("answered", "provider_request", "service", "graph")).await;
    assert!(asked["provider_request_id"].is_string() && asked["outcome"] == "ok", "{asked}");
}
