//! `directoryctl doctor`: what it finds where everything is well, and where something is broken.

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    thread,
    time::{Duration, SystemTime},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::{
    main_job::plain,
    support::{Cli, Database, Kind, System, on_both_stores},
};

on_both_stores!(
    where_all_is_well_it_says_so_and_changes_nothing,
    another_key_by_the_same_name_is_found_out,
    pending_migrations_are_told_and_not_applied,
    a_host_that_is_away_is_told_beside_the_rest,
    a_database_that_is_away_is_told_beside_the_rest,
    a_clock_that_is_wrong_is_told,
    before_the_first_use_nothing_is_made,
);

const WALL: &str = "row-level security";

/// The exit code, and each check's status by its name.
fn doctor(cli: &Cli) -> (i32, Value) {
    let output = cli.run(&["doctor", "--output", "json"], "");
    let text = String::from_utf8(output.stdout).unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    for secret in ["hunter2", "aHVudGVyMg", "Basic "] {
        assert!(!text.contains(secret) && !said.contains(secret), "{text}{said}");
    }
    let report: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}{said}"));
    for check in report["checks"].as_array().unwrap() {
        let members: Vec<&String> = check.as_object().unwrap().keys().collect();
        assert_eq!(members, ["detail", "hint", "name", "status"]);
        assert_eq!(check["hint"].is_null(), check["status"] == "ok", "a next step where there is one: {check}");
    }
    (output.status.code().unwrap(), report)
}

fn status<'a>(report: &'a Value, name: &str) -> &'a str {
    let found = report["checks"].as_array().unwrap().iter().find(|check| check["name"] == name);
    found.unwrap_or_else(|| panic!("{name}: {report}"))["status"].as_str().unwrap()
}

/// Those that are not as they should be.
fn amiss(report: &Value) -> Vec<&str> {
    let checks = report["checks"].as_array().unwrap().iter();
    checks.filter(|check| check["status"] != "ok").map(|check| check["name"].as_str().unwrap()).collect()
}

fn key(kid: &str, byte: u8) -> String {
    format!("{kid}:{}", BASE64_STANDARD.encode([byte; 32]))
}

/// A port that nobody listens at.
fn closed() -> String {
    let free = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    format!("127.0.0.1:{}", free.port())
}

async fn where_all_is_well_it_says_so_and_changes_nothing(kind: Kind) {
    let system = System::start(kind, plain(3)).await;
    let connection = system.register(json!({})).await;
    system.sync(&connection).await;
    let before = system.database.dump().await;
    let (code, report) = doctor(&system.cli);
    assert_eq!((code, amiss(&report)), (0, Vec::new()), "{report}");
    for name in ["settings", "encryption keys", "database", "migrations", "credential expiry", "stored credentials"] {
        assert_eq!(status(&report, name), "ok");
    }
    let wall = report["checks"].as_array().unwrap().iter().find(|check| check["name"] == WALL);
    match kind {
        Kind::Sqlite => assert_eq!(wall, None, "it has none"),
        Kind::Postgres => assert_eq!(wall.unwrap()["status"], "ok", "{report}"),
    }
    let host = system.simulator.login_url();
    let host = host.strip_prefix("http://").unwrap().split('/').next().unwrap();
    assert_eq!((status(&report, host), status(&report, &format!("clock of {host}"))), ("ok", "ok"), "{report}");
    assert!(system.database.dump().await == before, "it wrote");
    let table = system.cli.run(&["doctor", "--output", "table"], "").stdout;
    let table = String::from_utf8(table).unwrap();
    assert!(table.starts_with("CHECK") && table.contains("NEXT STEP") && table.contains("migrations"), "{table}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn that_row_level_security_binds_no_superuser_is_told() {
    let system = System::start(Kind::Postgres, plain(1)).await;
    system.register(json!({})).await;
    let server = env::var("DIRECTORY_TEST_POSTGRES_URL").unwrap();
    let (superuser, _) = server.rsplit_once('/').unwrap();
    let (_, database) = system.database.url.rsplit_once('/').unwrap();
    let (code, report) = doctor(&system.cli.with("DIRECTORY_DATABASE_URL", &format!("{superuser}/{database}")));
    assert_eq!((code, amiss(&report)), (0, vec![WALL]), "{report}");
    assert_eq!(status(&report, WALL), "warning");
    let password = superuser.split_once('@').unwrap().0.rsplit_once(':').unwrap().1;
    assert!(!report.to_string().contains(password), "{report}");
}

async fn another_key_by_the_same_name_is_found_out(kind: Kind) {
    let system = System::start(kind, plain(1)).await;
    system.register(json!({})).await;
    for (keys, kid) in [(key("test", 7), "test"), (key("other", 7), "other")] {
        let (code, report) = doctor(&system.cli.with("DIRECTORY_ENCRYPTION_KEYS", &keys));
        assert_eq!((code, amiss(&report)), (1, vec!["stored credentials"]), "{kid}: {report}");
        let text = report.to_string();
        assert!(text.contains("directoryctl key status") && !text.contains(&keys[kid.len() + 1..]), "{text}");
    }
    let (code, report) = doctor(&system.cli.with("DIRECTORY_ENCRYPTION_KEYS", "k1:aHVudGVyMg=="));
    assert_eq!((code, amiss(&report)), (1, vec!["encryption keys"]), "{report}");
    assert_eq!(status(&report, "database"), "ok");
    let (code, report) = doctor(&system.cli.with("DIRECTORY_GRAPH_URL", "http://u:hunter2@graph.example"));
    assert_eq!((code, amiss(&report)), (2, vec!["settings"]), "{report}");
}

async fn pending_migrations_are_told_and_not_applied(kind: Kind) {
    let system = System::start(kind, plain(1)).await;
    let newest = "DELETE FROM _sqlx_migrations WHERE version = (SELECT max(version) FROM _sqlx_migrations)";
    assert_eq!(system.database.execute(newest).await, 1);
    let count = "SELECT cast(count(*) AS text) FROM _sqlx_migrations";
    let before = system.database.texts(count).await;
    let (code, report) = doctor(&system.cli);
    assert_eq!((code, amiss(&report)), (1, vec!["migrations"]), "{report}");
    assert!(report.to_string().contains("directoryctl migrate"), "{report}");
    assert_eq!(system.database.texts(count).await, before);
}

async fn a_host_that_is_away_is_told_beside_the_rest(kind: Kind) {
    let system = System::start(kind, plain(1)).await;
    system.register(json!({})).await;
    let away = closed();
    let (code, report) = doctor(&system.cli.with("DIRECTORY_LOGIN_URL", &format!("http://{away}")));
    assert_eq!((code, amiss(&report)), (1, vec![away.as_str()]), "{report}");
    assert_eq!((status(&report, "database"), status(&report, "stored credentials")), ("ok", "ok"));
}

async fn a_database_that_is_away_is_told_beside_the_rest(kind: Kind) {
    let system = System::start(kind, plain(1)).await;
    let url = match kind {
        Kind::Sqlite => {
            let path = system.database.dir.path().join("no-database");
            fs::write(&path, "hunter2 ".repeat(1_000)).unwrap();
            format!("sqlite://{}", path.display())
        }
        Kind::Postgres => format!("postgres://u:hunter2@{}/d?sslmode=disable", closed()),
    };
    let (code, report) = doctor(&system.cli.with("DIRECTORY_DATABASE_URL", &url));
    assert_eq!((code, amiss(&report)), (1, vec!["database"]), "{report}");
    assert_eq!((status(&report, "settings"), status(&report, "encryption keys")), ("ok", "ok"));
    assert!(report["checks"].as_array().unwrap().len() > 3, "the hosts too: {report}");
}

/// Answers every request with a date that is so far ahead.
fn ahead(by: Duration) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            let mut lines = BufReader::new(&stream).lines();
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            let date = DateTime::<Utc>::from(SystemTime::now() + by).format("%a, %d %b %Y %H:%M:%S GMT");
            let _ =
                write!(&stream, "HTTP/1.1 200 OK\r\ndate: {date}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        }
    });
    address
}

async fn a_clock_that_is_wrong_is_told(kind: Kind) {
    let system = System::start(kind, plain(1)).await;
    for (minutes, expected, exit) in [(3, "warning", 0), (60, "failed", 1)] {
        let host = ahead(Duration::from_mins(minutes));
        let (code, report) = doctor(&system.cli.with("DIRECTORY_GRAPH_URL", &format!("http://{host}")));
        let clock = format!("clock of {host}");
        assert_eq!((code, amiss(&report)), (exit, vec![clock.as_str()]), "{report}");
        assert_eq!((status(&report, &clock), status(&report, &host)), (expected, "ok"), "{report}");
    }
}

async fn before_the_first_use_nothing_is_made(kind: Kind) {
    let database = Database::new(kind).await;
    let away = format!("http://{}", closed());
    let setting = |name: &str, value: &str| (format!("DIRECTORY_{name}"), value.to_owned());
    let mut settings = vec![setting("LOGIN_URL", &away), setting("GRAPH_URL", &away)];
    match kind {
        Kind::Sqlite => {
            let path = database.dir.path().join("data/directory.db");
            settings.push(setting("DATABASE_URL", &format!("sqlite://{}", path.display())));
            let (code, report) = doctor(&Cli::new(settings));
            assert_eq!(
                (code, status(&report, "database"), status(&report, "encryption keys")),
                (1, "warning", "warning")
            );
            assert_eq!(fs::read_dir(database.dir.path()).unwrap().count(), 0);
        }
        Kind::Postgres => {
            settings.push(setting("DATABASE_URL", &database.url));
            let (code, report) = doctor(&Cli::new(settings));
            assert_eq!(
                (code, status(&report, "migrations"), status(&report, "encryption keys")),
                (1, "failed", "failed")
            );
            assert_eq!(database.texts("SELECT relname::text FROM pg_stat_user_tables").await, Vec::<String>::new());
        }
    }
}
