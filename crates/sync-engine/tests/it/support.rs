//! An engine on an embedded store, and directories that do as they are told.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use crypto::Keyring;
use directory_core::{
    AccountKind, ChangesTold, Check, ConnectionSettings, Continuation, Credential, DirectoryEntry, DirectoryProvider,
    DirectoryUser, ExternalId, FailureKind, Listing, Policy, ProviderError, ProviderFactory, RunErrorCode, TenantId,
    fake::FakeDirectory,
};
use secrecy::{ExposeSecret, SecretString};
use store::{Actor, Claim, ClaimLimits, Clock, Connection, CreatedRun, NewTenant, Run, RunMode, Store, Trigger};
use store_sqlite::SqliteStore;
use sync_engine::{EngineOptions, Providers, Registration, RunRequest, SyncEngine};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// What the directory gives when it is listed for the n-th time, from 1.
pub(crate) type Script = Arc<dyn Fn(u32) -> Box<dyn DirectoryProvider> + Send + Sync>;

#[derive(Clone)]
pub(crate) struct Scripted {
    script: Script,
    pub(crate) listings: Arc<AtomicU32>,
    asked: Asked,
}

/// From where changes were asked for, and who was to be read anew.
type Asked = Arc<Mutex<Vec<(String, Vec<ExternalId>)>>>;

impl ProviderFactory for Scripted {
    fn provider(&self) -> &'static str {
        "scripted"
    }

    fn connect(
        &self,
        _: &ConnectionSettings,
        credential: Credential,
    ) -> Result<Box<dyn DirectoryProvider>, ProviderError> {
        assert_eq!(credential.secret().unwrap().expose_secret(), "s3cret", "the credential was opened");
        Ok(Box::new(self.clone()))
    }

    fn expiry(&self, _: &Credential) -> Result<Option<std::time::SystemTime>, ProviderError> {
        Ok(None)
    }
}

#[async_trait]
impl DirectoryProvider for Scripted {
    async fn list(&self) -> Result<Box<dyn Listing>, ProviderError> {
        let n = self.listings.fetch_add(1, Ordering::SeqCst) + 1;
        (self.script)(n).list().await
    }

    fn tells_changes(&self) -> ChangesTold {
        (self.script)(self.listings.load(Ordering::SeqCst) + 1).tells_changes()
    }

    async fn list_changes(
        &self,
        since: &Continuation,
        reread: Vec<ExternalId>,
    ) -> Result<Box<dyn Listing>, ProviderError> {
        self.asked.lock().unwrap().push((since.expose().to_owned(), reread));
        self.list().await
    }

    async fn verify(&self) -> Vec<Check> {
        Vec::new()
    }
}

pub(crate) struct Bench {
    pub(crate) engine: SyncEngine,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) tenant: TenantId,
    pub(crate) providers: Providers,
    pub(crate) listings: Arc<AtomicU32>,
    pub(crate) asked: Asked,
    _folder: TempDir,
}

pub(crate) fn keyring_with(kid: &str) -> Arc<Keyring> {
    Arc::new(Keyring::parse(crypto::generate_key_line(kid).unwrap().expose_secret()).unwrap())
}

/// Times that let tests see leases pass without waiting for them.
pub(crate) fn quick() -> EngineOptions {
    EngineOptions {
        lease: Duration::from_millis(600),
        heartbeat: Duration::from_millis(50),
        poll: Duration::from_millis(20),
        claims: ClaimLimits::NONE,
        sweep_page: 3,
        batch: 2,
        ..EngineOptions::default()
    }
}

impl Bench {
    pub(crate) async fn new(script: impl Fn(u32) -> Box<dyn DirectoryProvider> + Send + Sync + 'static) -> Self {
        Self::in_time(Clock::default(), script).await
    }

    /// With schedules that go by this clock.
    pub(crate) async fn in_time(
        clock: Clock,
        script: impl Fn(u32) -> Box<dyn DirectoryProvider> + Send + Sync + 'static,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("test.db")).await.unwrap().with_clock(clock.clone());
        let store: Arc<dyn Store> = Arc::new(store);
        store.migrate().await.unwrap();
        let tenant = TenantId(Uuid::now_v7());
        let new = NewTenant { id: tenant, slug: "acme".to_owned(), name: "Acme".to_owned() };
        store.create_tenant(Actor::SYSTEM, &new).await.unwrap();
        let factory = Scripted { script: Arc::new(script), listings: Arc::default(), asked: Arc::default() };
        let (listings, asked) = (factory.listings.clone(), factory.asked.clone());
        let providers = Providers::default().with(factory);
        let engine = SyncEngine::new(store.clone(), keyring_with("test"), providers.clone());
        let engine = engine.with_options(quick()).with_clock(clock);
        Self { engine, store, tenant, providers, listings, asked, _folder: folder }
    }

    /// A directory that always lists the same people, in pages of two.
    pub(crate) async fn listing(people: &[&str]) -> Self {
        let pages: Vec<_> = people.chunks(2).map(|page| page.iter().map(|name| person(name)).collect()).collect();
        Self::new(move |_| Box::new(FakeDirectory::complete(pages.clone()))).await
    }

    pub(crate) async fn connection(&self) -> Connection {
        self.engine.register(Actor::SYSTEM, self.registration("scripted")).await.unwrap()
    }

    pub(crate) fn registration(&self, provider: &str) -> Registration {
        Registration {
            tenant: self.tenant,
            provider: provider.to_owned(),
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
        }
    }

    pub(crate) async fn request(&self, connection: &Connection, dry_run: bool) -> Run {
        let request = RunRequest {
            tenant: self.tenant,
            connection: connection.id,
            mode: RunMode::Auto,
            trigger: Trigger::Manual,
            dry_run,
        };
        match self.engine.request_run(Actor::SYSTEM, request).await.unwrap() {
            CreatedRun::Queued(run) => *run,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn claim(&self, run: &Run) -> Claim {
        self.engine.claim(self.tenant, run.id).await.unwrap().expect("the run is free")
    }

    pub(crate) async fn run(&self, run: &Run) -> Run {
        self.store.run(self.tenant, run.id).await.unwrap().unwrap()
    }

    /// Asks for a run and executes it here.
    pub(crate) async fn sync(&self, connection: &Connection, dry_run: bool) -> Run {
        let run = self.request(connection, dry_run).await;
        let claim = self.claim(&run).await;
        self.engine.execute(claim, &CancellationToken::new()).await;
        self.run(&run).await
    }

    /// Waits for the run to be neither queued nor running.
    pub(crate) async fn ended(&self, run: &Run) -> Run {
        for _ in 0..3_000 {
            let run = self.run(run).await;
            if !run.status.is_active() {
                return run;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the run does not end");
    }

    /// The addresses of the tenant's users.
    pub(crate) async fn addresses(&self) -> Vec<String> {
        let page = store::IdPage { after: None, limit: 200 };
        let users = self.store.users(self.tenant, &store::UserFilter::default(), page).await.unwrap();
        let mut addresses: Vec<_> = users.into_iter().map(|record| record.user.email).collect();
        addresses.sort();
        addresses
    }

    pub(crate) async fn changes(&self, run: &Run) -> Vec<store::ChangeRecord> {
        let page = store::SeqPage { after: 0, limit: 200 };
        self.store.changes(self.tenant, run.id, store::ChangeFilter::default(), page).await.unwrap()
    }
}

pub(crate) fn person(name: &str) -> DirectoryEntry {
    DirectoryEntry::Present(DirectoryUser {
        external_id: ExternalId::parse(&format!("id-{name}")).unwrap(),
        user_principal_name: None,
        mail: Some(format!("{name}@example.org")),
        display_name: Some(name.to_owned()),
        given_name: None,
        family_name: None,
        enabled: Some(true),
        kind: AccountKind::Member,
    })
}

pub(crate) fn failure(kind: FailureKind) -> ProviderError {
    ProviderError {
        kind,
        code: RunErrorCode::ProviderProtocol,
        message: "It broke.".to_owned(),
        hint: "Mend it.".to_owned(),
        request_id: Some("request-7".to_owned()),
    }
}
