//! Directory sync inside your own service: your process, your database, no server and no command line.
//!
//! Run it with `cargo run -p examples --example embedding`. It talks to a simulated Entra directory; without the two URL
//! overrides it would talk to the real one.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use async_trait::async_trait;
use crypto::Keyring;
use directory_core::{Credential, Policy, TenantId};
use entra_simulator::{CLIENT_ID, CLIENT_SECRET, Config, DIRECTORY_ID, Simulator};
use provider_entra::{EntraFactory, EntraOptions};
use secrecy::{ExposeSecret, SecretString};
use store::{Actor, BoxError, CreatedRun, Event, EventFilter, EventId, EventKind, NewTenant, RunMode, Store, Trigger};
use store_sqlite::SqliteStore;
use sync_engine::{EventSubscriber, Providers, Registration, RunRequest, SyncEngine};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

#[tokio::main]
async fn main() -> Result<()> {
    // Once a process: the TLS provider that every HTTPS and PostgreSQL connection uses.
    rustls::crypto::ring::default_provider().install_default().ok().context("a TLS provider is installed already")?;
    let simulator = Simulator::start(Config::with_users(100))?;
    let folder = tempfile::tempdir()?;

    // 1. A store. `PostgresStore::from_pool` takes your own pool instead.
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&folder.path().join("users.db")).await?);
    store.migrate().await?;
    let tenant = TenantId(Uuid::now_v7());
    // Who asks is in the audit log. Of a person who signed in with your service it is `Actor::person`.
    let new = NewTenant { id: tenant, slug: "acme".to_owned(), name: "Acme".to_owned() };
    store.create_tenant(Actor::SYSTEM, &new).await?;

    // 2. An engine: the store, the keys that seal credentials, the kinds of directories.
    let keyring = Keyring::parse(crypto::generate_key_line("example")?.expose_secret())?;
    let entra = EntraFactory::new(EntraOptions {
        login_url: Some(simulator.login_url().parse()?),
        graph_url: Some(simulator.graph_url().parse()?),
        ..EntraOptions::default()
    })?;
    let engine = SyncEngine::new(store.clone(), Arc::new(keyring), Providers::default().with(entra));

    // 3. A connection.
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
    let connection = engine.register(Actor::SYSTEM, registration).await?;

    // 4. A run, executed here and now. A long-lived service runs a `sync_engine::Worker` and only asks for runs.
    let request =
        RunRequest { tenant, connection: connection.id, mode: RunMode::Auto, trigger: Trigger::Manual, dry_run: false };
    let CreatedRun::Queued(run) = engine.request_run(Actor::SYSTEM, request).await? else {
        bail!("another run is active")
    };
    let claim = engine.claim(tenant, run.id).await?.context("somebody else claimed the run")?;
    engine.execute(claim, &CancellationToken::new()).await;

    let run = store.run(tenant, run.id).await?.context("the run is gone")?;
    println!("{}: {} seen, {} created", run.status.as_str(), run.counts.seen, run.counts.created);

    // 5. What changed, as it changes. A long-lived service does this in a task of its own, from the place it has stored.
    let watcher = Watcher { stop: CancellationToken::new() };
    let place = engine.follow(tenant, EventId::START, EventFilter::default()).run(&watcher, &watcher.stop).await?;
    println!("the next event comes after {place}");
    Ok(())
}

/// Hears what changes, until the end of a run.
struct Watcher {
    stop: CancellationToken,
}

#[async_trait]
impl EventSubscriber for Watcher {
    async fn handle(&self, event: &Event) -> Result<(), BoxError> {
        println!("{} {}", event.id, event.kind.as_str());
        if event.kind == EventKind::RunFinished {
            self.stop.cancel();
        }
        Ok(())
    }
}
