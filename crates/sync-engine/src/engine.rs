//! The engine's face: registering connections, asking for runs, executing claimed ones.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use crypto::Keyring;
use directory_core::{ConnectionId, ConnectionSettings, DirectoryProvider, Policy, ProviderError, RunId, TenantId};
use secrecy::SecretString;
use store::{
    Approval, Choice, Claim, Connection, CreatedRun, Directory, Draft, NewConnection, NewRun, RunMode, Store,
    StoreError, Trigger, UniqueKey,
};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::{Providers, credential, failure::RunFailure};

/// Times and sizes of runs. The defaults suit production; tests shrink them.
#[derive(Clone, Copy, Debug)]
pub struct EngineOptions {
    /// How long a claim lasts without a sign of life. A dead worker's run is taken up after this and one poll.
    pub lease: Duration,
    /// How often a working run renews its lease and notes its progress.
    pub heartbeat: Duration,
    /// How often an idle worker looks for runs that nobody woke it for.
    pub poll: Duration,
    /// Users read at a time when looking for absent ones.
    pub sweep_page: u32,
    /// Changes applied in one transaction.
    pub batch: u32,
    /// How often a listing whose continuation expired is started over.
    pub listing_restarts: u32,
    /// How often a run is taken up without getting any further before it is given up.
    pub attempts: u32,
    /// How long a run's changes are kept once it has ended; the run itself stays. `None` keeps them for ever.
    pub keep_changes: Option<Duration>,
    /// How often a worker looks for changes that are to be deleted.
    pub housekeeping: Duration,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(30),
            heartbeat: Duration::from_secs(2),
            poll: Duration::from_secs(2),
            sweep_page: 5_000,
            batch: 5_000,
            listing_restarts: 5,
            attempts: 10,
            keep_changes: Some(Duration::from_hours(90 * 24)),
            housekeeping: Duration::from_mins(15),
        }
    }
}

/// A connection to register. The caller has checked the values' form.
#[derive(Clone, Debug)]
pub struct Registration {
    /// Whose it is.
    pub tenant: TenantId,
    /// The kind of directory; one of [`Providers::kinds`].
    pub provider: String,
    /// Name to show.
    pub display_name: String,
    /// The directory's own id.
    pub directory_id: String,
    /// The client's id in that directory.
    pub client_id: String,
    /// The client's secret; sealed before it is stored.
    pub credential: SecretString,
    /// The group that limits the scope.
    pub group_id: Option<String>,
    /// The provider's cloud.
    pub cloud: String,
    /// Role of users that the connection creates.
    pub default_role: String,
    /// The rules.
    pub policy: Policy,
    /// When it synchronises by itself.
    pub schedule: Option<String>,
    /// When the credential ends, as far as known.
    pub credential_expires_at: Option<DateTime<Utc>>,
}

impl Registration {
    fn directory(&self) -> Directory<'_> {
        Directory {
            provider: &self.provider,
            cloud: &self.cloud,
            directory_id: &self.directory_id,
            group_id: self.group_id.as_deref(),
        }
    }

    fn settings(&self) -> ConnectionSettings {
        ConnectionSettings {
            directory_id: self.directory_id.clone(),
            client_id: self.client_id.clone(),
            group_id: self.group_id.clone(),
            include_nested_groups: self.policy.include_nested_groups,
            cloud: Some(self.cloud.clone()),
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
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Everything that runs need, shared by all who start, execute and watch them. Cheap to clone.
#[derive(Clone)]
pub struct SyncEngine {
    pub(crate) shared: Arc<Shared>,
    pub(crate) options: EngineOptions,
}

pub(crate) struct Shared {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) providers: Providers,
    /// Rings when a run was queued in this process.
    pub(crate) queued: Notify,
}

impl SyncEngine {
    /// An engine on a store, with the keys that open its credentials and the kinds of directories it knows.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, keyring: Arc<Keyring>, providers: Providers) -> Self {
        let shared = Arc::new(Shared { store, keyring, providers, queued: Notify::new() });
        Self { shared, options: EngineOptions::default() }
    }

    /// The same engine with other times and sizes.
    #[must_use]
    pub fn with_options(self, options: EngineOptions) -> Self {
        Self { options, ..self }
    }

    /// The store that it works on.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.shared.store
    }

    /// Registers a connection; its credential is sealed for its row first. Where the tenant had a connection of the same
    /// directory that was deleted, the new one has its id, and so governs its users again.
    pub async fn register(&self, registration: Registration) -> Result<Connection, EngineError> {
        // Making a provider checks the values' meaning, and does no I/O.
        self.provider_of(&registration)?;
        let former = self.shared.store.former_connection(registration.tenant, registration.directory()).await?;
        if let Some(id) = former {
            match self.register_as(id, &registration).await {
                // Somebody else has just taken it up.
                Err(EngineError::Store(StoreError::Conflict(UniqueKey::ConnectionId))) => {}
                done => return done,
            }
        }
        self.register_as(ConnectionId(Uuid::now_v7()), &registration).await
    }

    async fn register_as(&self, id: ConnectionId, registration: &Registration) -> Result<Connection, EngineError> {
        let sealed = credential::seal(&self.shared.keyring, registration.tenant, id, &registration.credential)?;
        let registration = registration.clone();
        let connection = NewConnection {
            id,
            tenant: registration.tenant,
            provider: registration.provider,
            display_name: registration.display_name,
            directory_id: registration.directory_id,
            client_id: registration.client_id,
            group_id: registration.group_id,
            cloud: registration.cloud,
            default_role: registration.default_role,
            policy: registration.policy,
            schedule: registration.schedule,
            sealed_credential: sealed.into_bytes(),
            credential_expires_at: registration.credential_expires_at,
        };
        Ok(self.shared.store.create_connection(&connection).await?)
    }

    /// Tries a registration's credential and permissions on the directory; stores nothing.
    pub async fn try_credential(&self, registration: &Registration) -> Result<(), EngineError> {
        Ok(self.provider_of(registration)?.verify().await?)
    }

    fn provider_of(&self, registration: &Registration) -> Result<Box<dyn DirectoryProvider>, EngineError> {
        let kind = &registration.provider;
        let factory = self.shared.providers.get(kind).ok_or_else(|| EngineError::UnknownProvider(kind.clone()))?;
        Ok(factory.connect(&registration.settings(), registration.credential.clone())?)
    }

    /// Queues a run and wakes this process's worker, if it has one.
    pub async fn request_run(&self, request: RunRequest) -> Result<CreatedRun, StoreError> {
        let run = NewRun {
            id: RunId(Uuid::now_v7()),
            tenant: request.tenant,
            connection: request.connection,
            mode: request.mode,
            trigger: request.trigger,
            dry_run: request.dry_run,
            draft: None,
        };
        self.queue(&run).await
    }

    /// Queues a dry run that plans with the draft's scope and policy. Nothing but the run is saved.
    pub async fn request_preview(
        &self,
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
        self.queue(&run).await
    }

    async fn queue(&self, run: &NewRun) -> Result<CreatedRun, StoreError> {
        let created = self.shared.store.create_run(run).await?;
        self.shared.queued.notify_one();
        Ok(created)
    }

    /// Sends a held run on to applying what was chosen of the plan with this digest, and wakes this process's worker.
    pub async fn approve(
        &self,
        tenant: TenantId,
        run: RunId,
        digest: &str,
        choice: &Choice,
    ) -> Result<Approval, StoreError> {
        let approval = self.shared.store.approve_run(tenant, run, digest, choice).await?;
        if matches!(approval, Approval::Approved(_)) {
            self.shared.queued.notify_one();
        }
        Ok(approval)
    }

    /// Claims one run for the caller to [`Self::execute`]; `None` when somebody else has it or it has ended.
    pub async fn claim(&self, tenant: TenantId, run: RunId) -> Result<Option<Claim>, StoreError> {
        self.shared.store.claim_run(tenant, run, Uuid::now_v7(), self.options.lease).await
    }

    /// A provider with its credential, for a claimed run.
    pub(crate) async fn connect(&self, connection: &Connection) -> Result<Box<dyn DirectoryProvider>, RunFailure> {
        let kind = &connection.provider;
        let factory = self.shared.providers.get(kind).ok_or_else(|| RunFailure::UnknownProvider(kind.clone()))?;
        let sealed = self.shared.store.sealed_credential(connection.tenant, connection.id).await?;
        let sealed = sealed.ok_or(RunFailure::ConnectionGone)?;
        let credential = credential::open(&self.shared.keyring, connection.tenant, connection.id, &sealed)?;
        Ok(factory.connect(&connection.settings(), credential)?)
    }
}
