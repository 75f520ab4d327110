//! What a run costs, by how much changed and how many users there are: requests to the directory, rows written, seconds.
//!
//! `cargo xtask postgres -- cargo run --release -p system-tests --example cost_of_change [USERS…]` prints a table. Simulator,
//! engine and database share the machine, and the throwaway database does not wait for the disk.

use std::{
    env,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use crypto::Keyring;
use directory_core::{ConnectionId, Credential, Policy, TenantId};
use entra_simulator::{CLIENT_ID, CLIENT_SECRET, Config, DIRECTORY_ID, Mix, Route, Simulator, TenantConfig};
use provider_entra::{EntraFactory, EntraOptions};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgPoolOptions};
use store::{Actor, CreatedRun, NewTenant, Run, RunMode, RunStatus, Store, Trigger};
use store_postgres::PostgresStore;
use sync_engine::{Providers, Registration, RunRequest, SyncEngine};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const USERS: [u32; 3] = [10_000, 100_000, 1_000_000];
const CHANGES: [u32; 3] = [0, 100, 10_000];

/// A session that rests hands its counters over after ten seconds at the latest.
const SETTLED: Duration = Duration::from_secs(11);

#[tokio::main]
async fn main() -> Result<()> {
    rustls::crypto::ring::default_provider().install_default().ok().context("a TLS provider is installed already")?;
    let given: Vec<u32> = env::args().skip(1).map(|text| text.parse()).collect::<Result<_, _>>()?;
    println!("| Users | Changes | Mode | Requests | Rows written | Seconds |");
    println!("|---|---|---|---|---|---|");
    for users in if given.is_empty() { USERS.to_vec() } else { given } {
        let mut bench = Bench::new(users).await?;
        bench.measure("first import").await?;
        for changes in CHANGES {
            bench.change(changes)?;
            bench.measure(&changes.to_string()).await?;
        }
    }
    Ok(())
}

struct Bench {
    users: u32,
    simulator: Simulator,
    engine: SyncEngine,
    tenant: TenantId,
    connection: ConnectionId,
    database: PgConnection,
    edits: u32,
}

impl Bench {
    async fn new(users: u32) -> Result<Self> {
        let tenant = TenantConfig { users, mix: Mix::PLAIN, ..TenantConfig::default() };
        let simulator = Simulator::start(Config { tenants: vec![tenant], ..Config::default() })?;
        let url = new_database().await?;
        let store: Arc<dyn Store> = Arc::new(PostgresStore::from_pool(PgPoolOptions::new().connect(&url).await?));
        store.migrate().await?;
        let tenant = TenantId(Uuid::now_v7());
        let new = NewTenant { id: tenant, slug: "acme".to_owned(), name: "Acme".to_owned() };
        store.create_tenant(Actor::SYSTEM, &new).await?;
        let keyring = Keyring::parse(crypto::generate_key_line("bench")?.expose_secret())?;
        let entra = EntraFactory::new(EntraOptions {
            login_url: Some(simulator.login_url().parse()?),
            graph_url: Some(simulator.graph_url().parse()?),
            ..EntraOptions::default()
        })?;
        let engine = SyncEngine::new(store, Arc::new(keyring), Providers::default().with(entra));
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
        let connection = engine.register(Actor::SYSTEM, registration).await?.id;
        let database = PgConnection::connect(&url).await?;
        Ok(Self { users, simulator, engine, tenant, connection, database, edits: 0 })
    }

    /// Renames so many users, spread over the directory.
    fn change(&mut self, changes: u32) -> Result<()> {
        let directory = self.simulator.directory();
        for index in 0..changes {
            let user = directory.generated_user(index * (self.users / changes));
            directory.update_user(user, &json!({"displayName": format!("Renamed {} {index}", self.edits)}))?;
        }
        self.edits += 1;
        Ok(())
    }

    async fn measure(&mut self, what: &str) -> Result<()> {
        let before = self.rows_written().await?;
        self.simulator.reset_requests();
        let began = Instant::now();
        let run = self.sync().await?;
        let took = began.elapsed();
        let requests = self.simulator.requests(Route::Graph);
        let rows = self.rows_written().await? - before;
        ensure!(run.status == RunStatus::Succeeded, "the run ended {:?}: {:?}", run.status, run.error);
        let (users, mode) = (self.users, run.mode.as_str());
        println!("| {users} | {what} | {mode} | {requests} | {rows} | {:.2} |", took.as_secs_f64());
        Ok(())
    }

    async fn sync(&self) -> Result<Run> {
        let (tenant, connection) = (self.tenant, self.connection);
        let request = RunRequest { tenant, connection, mode: RunMode::Auto, trigger: Trigger::Manual, dry_run: false };
        let created = self.engine.request_run(Actor::SYSTEM, request).await?;
        let CreatedRun::Queued(run) = created else { anyhow::bail!("not queued: {created:?}") };
        let claim = self.engine.claim(tenant, run.id).await?.context("the run is free")?;
        self.engine.execute(claim, &CancellationToken::new()).await;
        self.engine.store().run(tenant, run.id).await?.context("the run is there")
    }

    /// Rows inserted, updated and deleted so far, in all tables.
    async fn rows_written(&mut self) -> Result<i64> {
        tokio::time::sleep(SETTLED).await;
        let sum = "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint FROM pg_stat_user_tables";
        Ok(sqlx::query_scalar(sum).fetch_one(&mut self.database).await?)
    }
}

async fn new_database() -> Result<String> {
    let server = env::var("DIRECTORY_TEST_POSTGRES_URL").context("run it under `cargo xtask postgres --`")?;
    let name = format!("cost_{}", Uuid::new_v4().simple());
    let mut connection = PgConnection::connect(&server).await?;
    sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await?;
    let (base, options) = server.split_once('?').map_or((server.as_str(), ""), |(base, options)| (base, options));
    let (host, _) = base.rsplit_once('/').context("the URL names a database")?;
    Ok(if options.is_empty() { format!("{host}/{name}") } else { format!("{host}/{name}?{options}") })
}
