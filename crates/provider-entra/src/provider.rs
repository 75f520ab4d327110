//! The port's implementation: one value a connection, made by a factory that shares what can be shared.

use std::{fmt, sync::Arc, time::SystemTime};

use async_trait::async_trait;
use directory_core::{
    ChangesTold, Check, ConnectionSettings, Continuation, Credential, DirectoryProvider, ExternalId, Listing,
    ProviderError, ProviderFactory,
};

use crate::{
    changes::EntraChanges,
    client::GraphClient,
    credential::{self, ClientCredential},
    listing::EntraListing,
    options::{EntraOptions, SetupError},
    request::Target,
    transport::Transport,
    verify::verify,
};

/// Makes providers for Entra directories. One value serves a whole process: it shares its network connections.
pub struct EntraFactory {
    transport: Arc<Transport>,
    options: EntraOptions,
}

impl EntraFactory {
    /// A factory with these options.
    ///
    /// A process without a default `rustls` crypto provider gets `ring`'s; install another one before, if need be.
    ///
    /// # Errors
    ///
    /// [`SetupError::Url`] for an override that no secret should be sent to; [`SetupError::Client`] where the HTTP
    /// client cannot be made, such as on a system without CA certificates.
    pub fn new(options: EntraOptions) -> Result<Self, SetupError> {
        options.check()?;
        Ok(Self { transport: Arc::new(Transport::new(&options)?), options })
    }
}

impl fmt::Debug for EntraFactory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EntraFactory").field("options", &self.options).finish_non_exhaustive()
    }
}

impl ProviderFactory for EntraFactory {
    fn provider(&self) -> &'static str {
        "entra"
    }

    fn connect(
        &self,
        settings: &ConnectionSettings,
        credential: Credential,
    ) -> Result<Box<dyn DirectoryProvider>, ProviderError> {
        let options = &self.options;
        let target = Target::new(settings, options.login_url.as_ref(), options.graph_url.as_ref())?;
        let credential = ClientCredential::new(credential, options.federated_token_file.as_deref())?;
        let client = GraphClient::new(Arc::clone(&self.transport), target, credential, options.bounds.clone());
        Ok(Box::new(EntraProvider { client: Arc::new(client) }))
    }

    /// A certificate says when it ends; a secret does not, and a federated token is always a fresh one.
    fn expiry(&self, credential: &Credential) -> Result<Option<SystemTime>, ProviderError> {
        credential::expiry(credential)
    }
}

/// One connection.
struct EntraProvider {
    client: Arc<GraphClient>,
}

#[async_trait]
impl DirectoryProvider for EntraProvider {
    /// Sends nothing yet: the first page does.
    async fn list(&self) -> Result<Box<dyn Listing>, ProviderError> {
        Ok(Box::new(EntraListing::new(Arc::clone(&self.client))))
    }

    fn tells_changes(&self) -> ChangesTold {
        self.client.target().tells_changes()
    }

    async fn list_changes(
        &self,
        since: &Continuation,
        reread: Vec<ExternalId>,
    ) -> Result<Box<dyn Listing>, ProviderError> {
        Ok(Box::new(EntraChanges::new(Arc::clone(&self.client), since, reread)?))
    }

    async fn verify(&self) -> Vec<Check> {
        verify(&self.client).await
    }
}
