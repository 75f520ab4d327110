//! Starting, stopping and dying: no run is lost, none is done twice.

use std::time::{Duration, Instant};

use entra_simulator::Config;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::{
    main_job::plain,
    support::{Database, Kind, Server, System, on_both_stores, wait_for},
};

on_both_stores!(
    a_stopped_server_gives_its_run_back,
    a_killed_servers_run_is_taken_up,
    a_connection_has_one_active_run,
    many_processes_may_start_at_once,
);

/// Pages that come slowly enough for something to happen in between.
fn slow() -> Config {
    Config { max_page_size: 5, latency: Duration::from_millis(50), ..plain(200) }
}

async fn started_run(system: &System) -> String {
    let connection = system.register(json!({})).await;
    let run = system.start_sync(&connection).await;
    wait_for("the first page", async || (system.simulator.requests(entra_simulator::Route::Users) > 2).then_some(()))
        .await;
    run
}

async fn finishes_after_a_restart(mut system: System, run: &str) {
    system.simulator.set_latency(Duration::ZERO);
    system.start_server();
    let run = system.end_of(run).await;
    assert_eq!((&run["status"], &run["counts"]["created"]), (&json!("succeeded"), &json!(200)), "{run}");
    assert_eq!(system.all("/api/directory/users").await.len(), 200);
}

async fn a_stopped_server_gives_its_run_back(kind: Kind) {
    let mut system = System::start(kind, slow()).await;
    let run = started_run(&system).await;
    let asked = Instant::now();
    let status = system.take_server().terminate();
    assert!(status.success(), "{status}");
    assert!(asked.elapsed() < Duration::from_secs(10));
    finishes_after_a_restart(system, &run).await;
}

async fn a_killed_servers_run_is_taken_up(kind: Kind) {
    let mut system = System::start(kind, slow()).await;
    let run = started_run(&system).await;
    system.take_server().kill();
    // The lease would pass by itself within half a minute.
    let passed = match kind {
        Kind::Sqlite => "UPDATE sync_runs SET lease_until = '2000-01-01T00:00:00.000Z' WHERE status = 'running'",
        Kind::Postgres => "UPDATE sync_runs SET lease_until = '2000-01-01' WHERE status = 'running'",
    };
    assert_eq!(system.database.execute(passed).await, 1);
    finishes_after_a_restart(system, &run).await;
}

async fn a_connection_has_one_active_run(kind: Kind) {
    let system = System::start(kind, slow()).await;
    let connection = system.register(json!({})).await;
    let path = format!("/api/directory/connections/{connection}/sync");
    let run = system.start_sync(&connection).await;
    let (status, problem) = system.call(Method::POST, &path, None).await;
    assert_eq!(status, StatusCode::CONFLICT, "{problem}");
    assert!(problem.to_string().contains(&run), "the active run is named: {problem}");
    system.simulator.set_latency(Duration::ZERO);
    system.end_of(&run).await;
    let answers = at_the_same_time(&system, &path).await;
    assert_eq!(answers.iter().filter(|status| **status == StatusCode::ACCEPTED).count(), 1, "{answers:?}");
}

/// Eight requests at the same time.
async fn at_the_same_time(system: &System, path: &str) -> Vec<StatusCode> {
    let mut tasks = tokio::task::JoinSet::new();
    system.simulator.set_latency(Duration::from_millis(50));
    for _ in 0..8 {
        let request = system.client.post(format!("{}{path}", system.server().address)).bearer_auth(&system.token);
        tasks.spawn(async move { request.send().await.unwrap().status() });
    }
    tasks.join_all().await
}

#[test]
fn a_wrong_argument_is_one_line_and_exit_code_2() {
    let cli = crate::support::Cli::new(Vec::new());
    for arguments in [&["--bogus"][..], &["extra"], &["--workers", "-1"], &["--log-format", "xml"]] {
        let output = cli.command("directory-server").args(arguments).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.lines().count()), (Some(2), 1), "{said}");
    }
}

async fn many_processes_may_start_at_once(kind: Kind) {
    let database = Database::new(kind).await;
    let settings = vec![
        ("DIRECTORY_DATABASE_URL".to_owned(), database.url.clone()),
        ("DIRECTORY_ENCRYPTION_KEYS".to_owned(), format!("k:{}", "A".repeat(43) + "=")),
    ];
    let cli = crate::support::Cli::new(settings);
    let children: Vec<_> = (0..4).map(|_| cli.command("directoryctl").arg("migrate").spawn().unwrap()).collect();
    let server = Server::start(&cli);
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert!(server.terminate().success());
}
