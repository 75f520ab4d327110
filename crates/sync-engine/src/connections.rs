//! Connections and their credentials: registering, trying, replacing.

use chrono::{DateTime, Utc};
use directory_core::{
    Check, CheckOutcome, CheckSubject, ConnectionId, ConnectionSettings, Credential, DirectoryProvider, FailureKind,
    Policy, ProviderError, ProviderFactory, RunErrorCode, TenantId, first_failure,
};
use store::{Actor, Connection, Directory, NewConnection, StoreError, UniqueKey, UpdatedConnection};
use uuid::Uuid;

use crate::{EngineError, SyncEngine, credential};

/// A connection to register. The caller has checked the values' form.
#[derive(Clone, Debug)]
pub struct Registration {
    /// Whose it is.
    pub tenant: TenantId,
    /// The kind of directory; one of [`crate::Providers::kinds`].
    pub provider: String,
    /// Name to show.
    pub display_name: String,
    /// The directory's own id.
    pub directory_id: String,
    /// The client's id in that directory.
    pub client_id: String,
    /// What it authenticates with; sealed before it is stored.
    pub credential: Credential,
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
    /// When the credential ends, as far as known. What a credential says of itself comes first.
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

impl SyncEngine {
    /// Registers a connection; its credential is sealed for its row first. Where the tenant had a connection of the same
    /// directory that was deleted, the new one has its id, and so governs its users again.
    pub async fn register(&self, by: &Actor, registration: Registration) -> Result<Connection, EngineError> {
        // Making a provider checks the values' meaning, and does no I/O.
        self.provider_of(&registration)?;
        let former = self.shared.store.former_connection(registration.tenant, registration.directory()).await?;
        if let Some(id) = former {
            match self.register_as(by, id, &registration).await {
                // Somebody else has just taken it up.
                Err(EngineError::Store(StoreError::Conflict(UniqueKey::ConnectionId))) => {}
                done => return done,
            }
        }
        self.register_as(by, ConnectionId(Uuid::now_v7()), &registration).await
    }

    async fn register_as(
        &self,
        by: &Actor,
        id: ConnectionId,
        registration: &Registration,
    ) -> Result<Connection, EngineError> {
        let registration = registration.clone();
        let factory = self.factory(&registration.provider)?;
        let expires_at = expiry(&*factory, &registration.credential, registration.credential_expires_at)?;
        let keyring = &self.shared.keyring;
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
            credential: credential::seal(keyring, registration.tenant, id, &registration.credential, expires_at)?,
        };
        Ok(self.shared.store.create_connection(by, &connection).await?)
    }

    /// Tries a registration's credential and permissions on the directory; stores nothing.
    pub async fn try_credential(&self, registration: &Registration) -> Result<(), EngineError> {
        Ok(first_failure(self.provider_of(registration)?.verify().await)?)
    }

    fn provider_of(&self, registration: &Registration) -> Result<Box<dyn DirectoryProvider>, EngineError> {
        let factory = self.factory(&registration.provider)?;
        Ok(factory.connect(&registration.settings(), registration.credential.clone())?)
    }

    /// Gives a connection another credential. With `verify` it is tried on the directory first, and where it does not work
    /// the old one stays. What was tried is what is changed: a connection that somebody else changed meanwhile has
    /// [`UpdatedConnection::Moved`].
    pub async fn set_credential(
        &self,
        by: &Actor,
        tenant: TenantId,
        id: ConnectionId,
        new: Credential,
        expires_at: Option<DateTime<Utc>>,
        verify: bool,
    ) -> Result<UpdatedConnection, EngineError> {
        let store = &self.shared.store;
        let Some(connection) = store.connection(tenant, id).await? else {
            return Ok(UpdatedConnection::NoConnection);
        };
        let factory = self.factory(&connection.provider)?;
        let provider = factory.connect(&connection.settings(), new.clone())?;
        if verify {
            first_failure(provider.verify().await)?;
        }
        let expires_at = expiry(&*factory, &new, expires_at)?;
        let sealed = credential::seal(&self.shared.keyring, tenant, id, &new, expires_at)?;
        Ok(store.set_credential(by, tenant, id, connection.updated_at, &sealed, verify).await?)
    }

    /// Tries a connection as it stands; writes nothing. `None` when the tenant has no such connection.
    pub async fn test_connection(&self, tenant: TenantId, id: ConnectionId) -> Result<Option<Vec<Check>>, EngineError> {
        let Some(connection) = self.shared.store.connection(tenant, id).await? else { return Ok(None) };
        match self.connect(&connection).await {
            Ok(Some(provider)) => Ok(Some(provider.verify().await)),
            Ok(None) => Ok(None),
            // What is wrong with the credential by itself, or with the key that it is sealed with, keeps it from giving a
            // token.
            Err(EngineError::Provider(error)) => Ok(Some(no_token(error))),
            Err(EngineError::Open(error)) => Ok(Some(no_token(ProviderError {
                kind: FailureKind::Transient { retry_after: None },
                code: RunErrorCode::Internal,
                message: "The stored credential cannot be opened.".to_owned(),
                hint: error.to_string(),
                request_id: None,
            }))),
            Err(error) => Err(error),
        }
    }
}

fn no_token(error: ProviderError) -> Vec<Check> {
    vec![Check { subject: CheckSubject::Token, outcome: CheckOutcome::Failed(error) }]
}

fn expiry(
    factory: &dyn ProviderFactory,
    credential: &Credential,
    told: Option<DateTime<Utc>>,
) -> Result<Option<DateTime<Utc>>, EngineError> {
    Ok(factory.expiry(credential)?.map(DateTime::from).or(told))
}
