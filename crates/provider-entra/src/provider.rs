//! The port's implementation: one value a connection, made by a factory that shares what can be shared.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use directory_core::{ConnectionSettings, DirectoryProvider, Listing, ProviderError, ProviderFactory, RunErrorCode};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    client::GraphClient,
    error::configuration,
    listing::EntraListing,
    options::{EntraOptions, SetupError},
    page::{parse_object, parse_page},
    request::Target,
    retry::Patience,
    transport::Transport,
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
        credential: SecretString,
    ) -> Result<Box<dyn DirectoryProvider>, ProviderError> {
        let options = &self.options;
        let target = Target::new(settings, options.login_url.as_ref(), options.graph_url.as_ref())?;
        if credential.expose_secret().is_empty() {
            let hint = "Enter the Value of a client secret of the app registration.";
            return Err(configuration(RunErrorCode::CredentialInvalid, "The client secret is empty.", hint));
        }
        let client = GraphClient::new(Arc::clone(&self.transport), target, credential, options.bounds.clone());
        Ok(Box::new(EntraProvider { client: Arc::new(client) }))
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

    /// The group, where there is one, then one user: both permissions, and whether users show more than their ids.
    async fn verify(&self) -> Result<(), ProviderError> {
        let mut patience = Patience::for_verification(self.client.bounds());
        let target = self.client.target();
        if let Some(group) = target.group_probe() {
            self.client.read(&group, parse_object, &mut patience).await?;
        }
        self.client.read(&target.user_probe(), parse_page, &mut patience).await?;
        Ok(())
    }
}
