//! The engine's face: what runs need, asking for them, claiming them.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use crypto::Keyring;
use directory_core::{ConnectionId, DirectoryProvider, ProviderError, ProviderFactory, RunId, TenantId};
use store::{
    Actor, Approval, Choice, Claim, ClaimLimits, Clock, Connection, CreatedRun, Draft, NewRun, RunMode, Store,
    StoreError, Trigger, chain,
};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::{KeyHealth, Providers, credential, metrics, webhooks::WebhookSender};

/// Times and sizes of runs. The defaults suit production; tests shrink them.
#[derive(Clone, Copy, Debug)]
pub struct EngineOptions {
    /// How long a claim lasts without a sign of life. A dead worker's run is taken up after this and one poll.
    pub lease: Duration,
    /// How often a working run renews its lease and notes its progress.
    pub heartbeat: Duration,
    /// How often an idle worker looks for runs that nobody woke it for.
    pub poll: Duration,
    /// How many runs may be running at a time over all workers of all processes, which therefore should all say the same.
    pub claims: ClaimLimits,
    /// Users read at a time when looking for absent ones.
    pub sweep_page: u32,
    /// Changes applied in one transaction.
    pub batch: u32,
    /// How often a listing whose continuation expired is started over.
    pub listing_restarts: u32,
    /// After how long a run reads all of its directory again, unless told otherwise, where the changes would do; `None` is
    /// never. It finds what was changed here and what the directory did not tell.
    pub full_sync_every: Option<Duration>,
    /// How often a run is taken up without getting any further before it is given up.
    pub attempts: u32,
    /// How long a run's changes are kept once it has ended; the run itself stays. `None` keeps them for ever.
    pub keep_changes: Option<Duration>,
    /// How long events can be read again; `None` is for ever. What they are told from is kept for as long, even if
    /// `keep_changes` is less.
    pub keep_events: Option<Duration>,
    /// How often a worker looks for changes that are to be deleted.
    pub housekeeping: Duration,
    /// How often a worker looks for connections whose schedule is due.
    pub schedule_look: Duration,
    /// How often a worker looks for connections that have a schedule and no next time, after its first look at its start.
    pub plan_look: Duration,
    /// How often a worker looks for credentials that end, after its first look at its start.
    pub expiry_look: Duration,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(30),
            heartbeat: Duration::from_secs(2),
            poll: Duration::from_secs(2),
            claims: ClaimLimits::DEFAULT,
            sweep_page: 5_000,
            batch: 5_000,
            listing_restarts: 5,
            full_sync_every: Some(Duration::from_hours(24)),
            attempts: 10,
            keep_changes: Some(Duration::from_hours(90 * 24)),
            keep_events: Some(Duration::from_hours(30 * 24)),
            housekeeping: Duration::from_mins(15),
            schedule_look: Duration::from_secs(2),
            plan_look: Duration::from_hours(1),
            expiry_look: Duration::from_hours(1),
        }
    }
}

/// A run to queue.
#[derive(Clone, Copy, Debug)]
pub struct RunRequest {
    /// Whose connection.
    pub tenant: TenantId,
    /// Which connection.
    pub connection: ConnectionId,
    /// How to read the directory.
    pub mode: RunMode,
    /// What starts it.
    pub trigger: Trigger,
    /// End after the check.
    pub dry_run: bool,
}

/// Why the engine could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// No factory of this kind is registered.
    #[error("no directory provider of kind `{0}` is registered")]
    UnknownProvider(String),
    /// The directory, or the values to reach it with.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The credential could not be sealed.
    #[error("the credential could not be sealed")]
    Seal(#[from] crypto::SealError),
    /// The stored credential could not be opened.
    #[error("the stored credential cannot be opened")]
    Open(#[from] crypto::OpenError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Everything that runs need, shared by all who start, execute and watch them. Cheap to clone.
#[derive(Clone)]
pub struct SyncEngine {
    pub(crate) shared: Arc<Shared>,
    pub(crate) options: EngineOptions,
    pub(crate) clock: Clock,
    /// What sends messages to webhooks; without it none are sent.
    pub(crate) webhooks: Option<Arc<dyn WebhookSender>>,
}

pub(crate) struct Shared {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) providers: Providers,
    /// Rings when a run was queued in this process.
    pub(crate) queued: Notify,
    /// What was last found out about the keys.
    pub(crate) key_health: Mutex<KeyHealth>,
}

impl SyncEngine {
    /// An engine on a store, with the keys that open its credentials and the kinds of directories it knows.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, keyring: Arc<Keyring>, providers: Providers) -> Self {
        let shared =
            Arc::new(Shared { store, keyring, providers, queued: Notify::new(), key_health: Mutex::default() });
        Self { shared, options: EngineOptions::default(), clock: Clock::default(), webhooks: None }
    }

    /// The same engine with other times and sizes.
    #[must_use]
    pub fn with_options(self, options: EngineOptions) -> Self {
        Self { options, ..self }
    }

    /// The same engine with another clock for its schedules; its store has to have the same.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// The same engine with a way to send messages to webhooks.
    #[must_use]
    pub fn with_webhooks(self, sender: Arc<dyn WebhookSender>) -> Self {
        Self { webhooks: Some(sender), ..self }
    }

    /// The store that it works on.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.shared.store
    }

    /// Answers when the database does, its schema is current, and the keyring opens what it seals.
    pub async fn check(&self) -> Result<(), EngineError> {
        credential::try_keyring(&self.shared.keyring)?;
        Ok(self.store().check().await?)
    }

    /// Reads the numbers over all tenants for [`crate::metrics`]. They cost a look at all connections, so this is to be
    /// called when somebody asks for them, and now and then only.
    pub async fn take_census(&self) {
        let census = self.store().census().await;
        if let Err(error) = &census {
            tracing::warn!(error = %chain(error), "the numbers of queue and connections could not be read");
        }
        metrics::take_census(census.as_ref().ok());
    }

    /// Queues a run and wakes this process's worker, if it has one.
    pub async fn request_run(&self, by: &Actor, request: RunRequest) -> Result<CreatedRun, StoreError> {
        let run = NewRun {
            id: RunId(Uuid::now_v7()),
            tenant: request.tenant,
            connection: request.connection,
            mode: request.mode,
            trigger: request.trigger,
            dry_run: request.dry_run,
            draft: None,
        };
        self.queue(by, &run).await
    }

    /// Queues a dry run that plans with the draft's scope and policy. Nothing but the run is saved.
    pub async fn request_preview(
        &self,
        by: &Actor,
        tenant: TenantId,
        connection: ConnectionId,
        draft: Draft,
    ) -> Result<CreatedRun, StoreError> {
        let run = NewRun {
            id: RunId(Uuid::now_v7()),
            tenant,
            connection,
            mode: RunMode::Full,
            trigger: Trigger::Manual,
            dry_run: true,
            draft: Some(draft),
        };
        self.queue(by, &run).await
    }

    async fn queue(&self, by: &Actor, run: &NewRun) -> Result<CreatedRun, StoreError> {
        let created = self.shared.store.create_run(by, run).await?;
        self.shared.queued.notify_one();
        Ok(created)
    }

    /// Sends a held run on to applying what was chosen of the plan with this digest, and wakes this process's worker.
    pub async fn approve(
        &self,
        by: &Actor,
        tenant: TenantId,
        run: RunId,
        digest: &str,
        choice: &Choice,
    ) -> Result<Approval, StoreError> {
        let approval = self.shared.store.approve_run(by, tenant, run, digest, choice).await?;
        if matches!(approval, Approval::Approved(_)) {
            self.shared.queued.notify_one();
        }
        Ok(approval)
    }

    /// Claims one run for the caller to [`Self::execute`]; `None` when somebody else has it or it has ended.
    pub async fn claim(&self, tenant: TenantId, run: RunId) -> Result<Option<Claim>, StoreError> {
        self.shared.store.claim_run(tenant, run, Uuid::now_v7(), self.options.lease).await
    }

    /// A provider with the stored credential; `None` when the connection is gone.
    pub(crate) async fn connect(
        &self,
        connection: &Connection,
    ) -> Result<Option<Box<dyn DirectoryProvider>>, EngineError> {
        let factory = self.factory(&connection.provider)?;
        let Some(sealed) = self.shared.store.sealed_credential(connection.tenant, connection.id).await? else {
            return Ok(None);
        };
        let credential = credential::open(&self.shared.keyring, &sealed)?;
        Ok(Some(factory.connect(&connection.settings(), credential)?))
    }

    pub(crate) fn factory(&self, kind: &str) -> Result<Arc<dyn ProviderFactory>, EngineError> {
        self.shared.providers.get(kind).ok_or_else(|| EngineError::UnknownProvider(kind.to_owned()))
    }
}
