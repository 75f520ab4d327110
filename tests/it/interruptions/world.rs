//! A database with many tenants, and the processes that work on their runs, one life after the other.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use crypto::Keyring;
use directory_core::{
    Check, ConnectionId, ConnectionSettings, Credential, DirectoryEntry, DirectoryProvider, Listing, MaxDeactivations,
    Policy, ProviderError, ProviderFactory, RunId, TenantId, UserId, fake::FakeDirectory,
};
use secrecy::{ExposeSecret, SecretString};
use store::{
    Actor, ChangeFilter, ChangeRecord, CreatedRun, IdPage, NewTenant, Run, RunMode, SeqPage, Store, StoreError,
    Trigger, UserFilter, UserRecord,
};
use store_postgres::PostgresStore;
use store_sqlite::SqliteStore;
use sync_engine::{EngineOptions, Providers, Registration, RunRequest, SyncEngine};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    disturbed::{Disturbed, Edits, Interruption, Meanwhile},
    product::{Product, Seed},
};
use crate::support::{Database, Kind};

/// More lives than any run should need: a transaction that a dying process has just sent may still be on its way when
/// the next one looks.
const LIVES: usize = 50;

const ALL: u32 = 1_000;

/// The directory of every connection.
#[derive(Clone, Default)]
struct Shown(Arc<Mutex<Vec<Vec<DirectoryEntry>>>>);

impl ProviderFactory for Shown {
    fn provider(&self) -> &'static str {
        "shown"
    }

    fn connect(&self, _: &ConnectionSettings, _: Credential) -> Result<Box<dyn DirectoryProvider>, ProviderError> {
        Ok(Box::new(self.clone()))
    }

    fn expiry(&self, _: &Credential) -> Result<Option<std::time::SystemTime>, ProviderError> {
        Ok(None)
    }
}

#[async_trait]
impl DirectoryProvider for Shown {
    async fn list(&self) -> Result<Box<dyn Listing>, ProviderError> {
        let pages = self.0.lock().unwrap().clone();
        FakeDirectory::complete(pages).list().await
    }

    async fn verify(&self) -> Vec<Check> {
        Vec::new()
    }
}

/// A tenant with a connection, and the id of another connection whose users it has too.
#[derive(Clone, Copy, Debug)]
pub(super) struct World {
    pub(super) tenant: TenantId,
    pub(super) connection: ConnectionId,
    pub(super) elsewhere: ConnectionId,
}

/// A user's row: what must be equal in two worlds, and what tells it apart in its own.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) user: UserRecord,
    /// Every column but the id, the version, and the values of times and of the deactivating run's id.
    pub(super) text: String,
}

/// What came of a run.
pub(super) struct Met {
    pub(super) run: Run,
    pub(super) changes: Vec<ChangeRecord>,
    /// What the product wrote in the meantime.
    pub(super) edits: Edits,
    /// How many calls of the store its last process made.
    pub(super) calls: u32,
}

pub(super) struct Bench {
    pub(super) store: Arc<dyn Store>,
    pub(super) product: Product,
    keyring: Arc<Keyring>,
    directory: Shown,
    _database: Database,
}

impl Bench {
    pub(super) async fn new(kind: Kind) -> Self {
        let database = Database::new(kind).await;
        let store: Arc<dyn Store> = match kind {
            Kind::Sqlite => Arc::new(SqliteStore::open(&database.dir.path().join("directory.db")).await.unwrap()),
            Kind::Postgres => Arc::new(PostgresStore::connect(&database.url).unwrap()),
        };
        store.migrate().await.unwrap();
        let key = crypto::generate_key_line("test").unwrap();
        Self {
            store,
            product: Product::of(&database).await,
            keyring: Arc::new(Keyring::parse(key.expose_secret()).unwrap()),
            directory: Shown::default(),
            _database: database,
        }
    }

    /// Small batches and pages, so that a run has many steps. A lease passes when the test says so, and nothing depends
    /// on the heart's beat.
    fn engine(&self, store: Arc<dyn Store>, attempts: u32) -> SyncEngine {
        let options = EngineOptions {
            lease: Duration::from_hours(1),
            heartbeat: Duration::from_hours(1),
            sweep_page: 3,
            batch: 2,
            attempts,
            ..EngineOptions::default()
        };
        let providers = Providers::default().with(self.directory.clone());
        SyncEngine::new(store, self.keyring.clone(), providers).with_options(options)
    }

    pub(super) async fn world(&self, max_deactivations: MaxDeactivations) -> World {
        let tenant = TenantId(Uuid::now_v7());
        let new = NewTenant { id: tenant, slug: tenant.to_string(), name: "Acme".to_owned() };
        self.store.create_tenant(Actor::SYSTEM, &new).await.unwrap();
        let registration = Registration {
            tenant,
            provider: "shown".to_owned(),
            display_name: "Test".to_owned(),
            directory_id: "d".to_owned(),
            client_id: "c".to_owned(),
            credential: Credential::ClientSecret(SecretString::from("s3cret")),
            group_id: None,
            cloud: "global".to_owned(),
            default_role: "member".to_owned(),
            policy: Policy { max_deactivations, ..Policy::default_for(false) },
            schedule: None,
            credential_expires_at: None,
        };
        let connection = self.engine(self.store.clone(), 1).register(Actor::SYSTEM, registration).await.unwrap().id;
        World { tenant, connection, elsewhere: ConnectionId(Uuid::now_v7()) }
    }

    pub(super) async fn plant(&self, world: World, seeds: &[Seed]) {
        for seed in seeds {
            self.product.plant(world, *seed).await;
        }
    }

    /// A new world with the same users.
    pub(super) async fn twin_of(&self, world: World) -> World {
        let connection = self.store.connection(world.tenant, world.connection).await.unwrap().unwrap();
        let twin = self.world(connection.policy.max_deactivations).await;
        self.product.copy(world, twin).await;
        twin
    }

    pub(super) fn show(&self, pages: Vec<Vec<DirectoryEntry>>) {
        *self.directory.0.lock().unwrap() = pages;
    }

    /// Every user of a world.
    pub(super) async fn rows(&self, world: World) -> BTreeMap<UserId, Row> {
        let page = IdPage { after: None, limit: ALL };
        let users = self.store.users(world.tenant, &UserFilter::default(), page).await.unwrap();
        users.into_iter().map(|user| (user.user.id, Row { text: text(world, &user), user })).collect()
    }

    /// One more run, undisturbed.
    pub(super) async fn sync(&self, world: World) -> Met {
        self.sync_through(world, 10, &[], Meanwhile::new(&self.product, world, &[])).await
    }

    /// A run through one interruption after the other, to its end.
    pub(super) async fn sync_through(
        &self,
        world: World,
        attempts: u32,
        interruptions: &[Interruption],
        meanwhile: Meanwhile,
    ) -> Met {
        let (meanwhile, last) = (Arc::new(meanwhile), self.newest(world).await.map(|run| run.id));
        let mut interruptions = interruptions.iter().copied();
        let mut calls = 0;
        for _ in 0..LIVES {
            let run = self.newest(world).await.filter(|run| Some(run.id) != last);
            match run {
                Some(run) if !run.status.is_active() => {
                    let changes = self.changes(world, run.id).await;
                    let edits = meanwhile.is_over().await;
                    return Met { run, changes, edits, calls };
                }
                Some(_) => self.product.let_leases_pass(world).await,
                None => {}
            }
            let store = Disturbed::new(self.store.clone(), interruptions.next(), meanwhile.clone());
            calls = self.live(world, attempts, run.map(|run| run.id), store).await;
        }
        panic!("the run does not end");
    }

    /// A process's life: it has the run, and works on it until it has nothing more to do or dies.
    async fn live(&self, world: World, attempts: u32, run: Option<RunId>, store: Disturbed) -> u32 {
        let (death, store) = (store.death(), Arc::new(store));
        let engine = self.engine(store.clone(), attempts);
        tokio::select! {
            biased;
            () = death.cancelled() => {}
            () = work(&engine, world, run) => {}
        }
        store.calls()
    }

    async fn newest(&self, world: World) -> Option<Run> {
        let page = IdPage { after: None, limit: 1 };
        self.store.runs(world.tenant, world.connection, page).await.unwrap().pop()
    }

    async fn changes(&self, world: World, run: RunId) -> Vec<ChangeRecord> {
        let page = SeqPage { after: 0, limit: ALL };
        self.store.changes(world.tenant, run, ChangeFilter::default(), page).await.unwrap()
    }
}

async fn work(engine: &SyncEngine, World { tenant, connection, .. }: World, run: Option<RunId>) {
    let request = RunRequest { tenant, connection, mode: RunMode::Auto, trigger: Trigger::Manual, dry_run: false };
    let run = match run {
        Some(run) => run,
        None => match engine.request_run(Actor::SYSTEM, request).await {
            Ok(CreatedRun::Queued(run)) => run.id,
            Ok(CreatedRun::AlreadyActive(run)) => run,
            Err(StoreError::Unavailable(_)) => return,
            other => panic!("{other:?}"),
        },
    };
    match engine.claim(tenant, run).await {
        Ok(Some(claim)) => engine.execute(claim, &CancellationToken::new()).await,
        // What the last process did of it is not over yet.
        Ok(None) => tokio::time::sleep(Duration::from_millis(1)).await,
        Err(StoreError::Unavailable(_)) => {}
        Err(other) => panic!("{other:?}"),
    }
}

fn text(world: World, record: &UserRecord) -> String {
    let user = &record.user;
    let link = user.link.as_ref().map(|link| (link.connection == world.connection, link.external_id.as_str()));
    format!(
        "{} {} {:?} {:?} {} {:?} {:?} by-run={} timed={} {link:?}",
        user.email,
        user.display_name,
        user.given_name,
        user.family_name,
        user.role,
        user.status,
        user.deactivated_by,
        record.deactivated_run.is_some(),
        record.deactivated_at.is_some(),
    )
}
