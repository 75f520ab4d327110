//! A worker hears of runs that other processes queue.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use crypto::Keyring;
use directory_core::{
    Check, ConnectionSettings, Credential, DirectoryProvider, Listing, Policy, ProviderError, ProviderFactory,
    TenantId, fake::FakeDirectory,
};
use secrecy::{ExposeSecret, SecretString};
use store::{Actor, CreatedRun, NewTenant, RunMode, RunStatus, Store, Trigger};
use store_postgres::PostgresStore;
use sync_engine::{EngineOptions, Providers, Registration, RunRequest, SyncEngine, Worker};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::{Database, Kind, wait_for};

/// Every connection's directory: nobody is in it.
struct Nobody;

impl ProviderFactory for Nobody {
    fn provider(&self) -> &'static str {
        "nobody"
    }

    fn connect(&self, _: &ConnectionSettings, _: Credential) -> Result<Box<dyn DirectoryProvider>, ProviderError> {
        Ok(Box::new(Self))
    }

    fn expiry(&self, _: &Credential) -> Result<Option<std::time::SystemTime>, ProviderError> {
        Ok(None)
    }
}

#[async_trait]
impl DirectoryProvider for Nobody {
    async fn list(&self) -> Result<Box<dyn Listing>, ProviderError> {
        FakeDirectory::complete(vec![Vec::new()]).list().await
    }

    async fn verify(&self) -> Vec<Check> {
        Vec::new()
    }
}

/// An engine as another process has it.
async fn engine(database: &Database, keyring: &Arc<Keyring>) -> SyncEngine {
    let store = PostgresStore::connect(&database.url).unwrap();
    store.migrate().await.unwrap();
    // Nobody looks at the queue by himself.
    let options = EngineOptions { poll: Duration::from_hours(1), ..EngineOptions::default() };
    SyncEngine::new(Arc::new(store), keyring.clone(), Providers::default().with(Nobody)).with_options(options)
}

async fn registered(engine: &SyncEngine) -> RunRequest {
    let tenant = TenantId(Uuid::now_v7());
    let new = NewTenant { id: tenant, slug: "acme".to_owned(), name: "Acme".to_owned() };
    engine.store().create_tenant(Actor::SYSTEM, &new).await.unwrap();
    let registration = Registration {
        tenant,
        provider: "nobody".to_owned(),
        display_name: "Test".to_owned(),
        directory_id: "d".to_owned(),
        client_id: "c".to_owned(),
        credential: Credential::ClientSecret(SecretString::from("s3cret")),
        group_id: None,
        cloud: "global".to_owned(),
        default_role: "member".to_owned(),
        policy: Policy::default_for(false),
        schedule: None,
        credential_expires_at: None,
    };
    let connection = engine.register(Actor::SYSTEM, registration).await.unwrap().id;
    RunRequest { tenant, connection, mode: RunMode::Full, trigger: Trigger::Manual, dry_run: false }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_is_woken_by_another_process() {
    let database = Database::new(Kind::Postgres).await;
    let key = crypto::generate_key_line("test").unwrap();
    let keyring = Arc::new(Keyring::parse(key.expose_secret()).unwrap());
    let asking = engine(&database, &keyring).await;
    let request = registered(&asking).await;

    let stop = CancellationToken::new();
    let worker = tokio::spawn(Worker::new(engine(&database, &keyring).await, 1).run(stop.clone()));
    let listens = "SELECT 'yes' FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    wait_for("the listening", async || (!database.texts(listens).await.is_empty()).then_some(())).await;
    // The second time nobody has just begun to look.
    for _ in 0..2 {
        let CreatedRun::Queued(run) = asking.request_run(Actor::SYSTEM, request).await.unwrap() else {
            panic!("not queued")
        };
        wait_for("the run's end", async || {
            let run = asking.store().run(run.tenant, run.id).await.unwrap().unwrap();
            (run.status == RunStatus::Succeeded).then_some(())
        })
        .await;
    }
    stop.cancel();
    worker.await.unwrap();
}
