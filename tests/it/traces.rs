//! Traces reach a collector: a real one's place is taken by a socket that keeps what it is sent.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    sync::{Arc, Mutex},
    thread,
};

use crypto::Keyring;
use directory_core::{Credential, Policy, TenantId};
use directory_wiring::{LogFormat, LogSettings, Traces, init_logging_and_traces};
use entra_simulator::{CLIENT_ID, CLIENT_SECRET, DIRECTORY_ID, Simulator};
use http_api::{ApiConfig, Server, Telemetry};
use provider_entra::{EntraFactory, EntraOptions};
use secrecy::{ExposeSecret, SecretString};
use store::{Actor, CreatedRun, NewTenant, RunMode, RunStatus, Store, Trigger};
use store_sqlite::SqliteStore;
use sync_engine::{Providers, Registration, RunRequest, SyncEngine};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    main_job::plain,
    support::{Cli, Database, Kind},
};

const TRACE: [u8; 16] = *b"a trace's own id";

/// What was posted to `/v1/traces`, one body after the other.
type Sent = Arc<Mutex<Vec<u8>>>;

/// A collector's address, and what it is sent.
fn collector() -> (String, Sent) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, sent) = (format!("http://{}", listener.local_addr().unwrap()), Sent::default());
    let into = Arc::clone(&sent);
    thread::spawn(move || {
        for connection in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(connection);
            let mut head = String::new();
            while reader.read_line(&mut head).unwrap() > 2 {}
            assert!(head.starts_with("POST /v1/traces "), "{head}");
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length:").map(str::to_owned));
            let mut body = vec![0; length.unwrap().trim().parse().unwrap()];
            reader.read_exact(&mut body).unwrap();
            into.lock().unwrap().extend(body);
            let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            reader.get_mut().write_all(answer.as_bytes()).unwrap();
        }
    });
    (address, sent)
}

/// An engine on a new database, and the tenant in it.
async fn engine(database: &Database, simulator: &Simulator) -> (SyncEngine, TenantId) {
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&database.dir.path().join("directory.db")).await.unwrap());
    store.migrate().await.unwrap();
    let tenant = TenantId(Uuid::now_v7());
    store
        .create_tenant(Actor::SYSTEM, &NewTenant { id: tenant, slug: "acme".to_owned(), name: "Acme".to_owned() })
        .await
        .unwrap();
    let keyring = Keyring::parse(crypto::generate_key_line("test").unwrap().expose_secret()).unwrap();
    let entra = EntraFactory::new(EntraOptions {
        login_url: Some(simulator.login_url().parse().unwrap()),
        graph_url: Some(simulator.graph_url().parse().unwrap()),
        ..EntraOptions::default()
    });
    (SyncEngine::new(store, Arc::new(keyring), Providers::default().with(entra.unwrap())), tenant)
}

/// A sync here and now; the run's id.
async fn sync(engine: &SyncEngine, tenant: TenantId) -> String {
    let registration = Registration {
        tenant,
        provider: "entra".to_owned(),
        display_name: "Acme Entra".to_owned(),
        directory_id: DIRECTORY_ID.to_string(),
        client_id: CLIENT_ID.to_string(),
        credential: Credential::ClientSecret(SecretString::from(CLIENT_SECRET)),
        group_id: None,
        cloud: "global".to_owned(),
        default_role: "member".to_owned(),
        policy: Policy::default_for(false),
        schedule: None,
        credential_expires_at: None,
    };
    let connection = engine.register(Actor::SYSTEM, registration).await.unwrap().id;
    let request = RunRequest { tenant, connection, mode: RunMode::Auto, trigger: Trigger::Manual, dry_run: false };
    let CreatedRun::Queued(run) = engine.request_run(Actor::SYSTEM, request).await.unwrap() else {
        panic!("it is the first")
    };
    let claim = engine.claim(tenant, run.id).await.unwrap().unwrap();
    engine.execute(claim, &CancellationToken::new()).await;
    assert_eq!(engine.store().run(tenant, run.id).await.unwrap().unwrap().status, RunStatus::Succeeded);
    run.id.to_string()
}

/// Somebody's address.
fn mail(simulator: &Simulator) -> String {
    let directory = simulator.directory();
    directory.user(directory.generated_user(1)).unwrap()["mail"].as_str().unwrap().to_owned()
}

/// A request to the API, from somebody who is in the middle of a trace.
async fn ask(engine: SyncEngine, traces: &Traces) {
    let telemetry = Telemetry::default().with_parents(traces.parents().unwrap());
    let server = Server::bind("127.0.0.1:0", engine, ApiConfig::default()).unwrap().with_telemetry(telemetry);
    let url = format!("http://{}/api/directory/users", server.local_addr());
    let stop = CancellationToken::new();
    let serving = tokio::spawn(server.run(stop.clone()));
    let parent = format!("00-{:032x}-00f067aa0ba902b7-01", u128::from_be_bytes(TRACE));
    let request = reqwest::Client::new().get(url).header("traceparent", parent);
    assert_eq!(request.send().await.unwrap().status(), 401);
    stop.cancel();
    serving.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_runs_spans_reach_a_collector() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (address, sent) = collector();
    let log = LogSettings { filter: Some("off".to_owned()), format: LogFormat::Json };
    let traces = init_logging_and_traces(&log, "info", Some(&address.parse().unwrap())).unwrap();
    let (database, simulator) = (Database::new(Kind::Sqlite).await, Simulator::start(plain(5)).unwrap());
    let (engine, tenant) = engine(&database, &simulator).await;
    let run = sync(&engine, tenant).await;
    ask(engine, &traces).await;
    tokio::task::spawn_blocking(move || traces.finish()).await.unwrap();

    let sent = sent.lock().unwrap().clone();
    let has = |what: &[u8]| sent.windows(what.len()).any(|window| window == what);
    for name in ["directory-server", "run", "plan", "apply", "provider_request", "provider_request_id", "request"] {
        assert!(has(name.as_bytes()), "{name}");
    }
    assert!(has(run.as_bytes()) && has(tenant.to_string().as_bytes()), "the run's ids are on its span");
    assert!(has(&TRACE), "the request is part of the caller's trace");
    for private in [CLIENT_SECRET, "Acme", &mail(&simulator)] {
        assert!(!has(private.as_bytes()), "{private}");
    }
}

/// The programs that the other tests run are built without the option.
#[test]
fn a_program_without_the_option_says_so() {
    let cli = Cli::new(vec![("DIRECTORY_OTLP_ENDPOINT".to_owned(), "http://127.0.0.1:4318".to_owned())]);
    let output = cli.command("directory-server").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    let expected = "error: DIRECTORY_OTLP_ENDPOINT needs a program that was built with the feature `otel`; this one sends no \
                    traces\n";
    assert_eq!(said, expected);
}
