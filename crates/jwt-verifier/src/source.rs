//! Fetching the issuer's keys: bounded in time and size, and from nowhere but where they are said to be.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::{Client, StatusCode, redirect};
use serde::Deserialize;
use url::Url;

use crate::{AddressFault, Keys, KeysFault, Settings, SetupError, check_address};

const CONNECT_TIME: Duration = Duration::from_secs(3);
/// For a whole answer. Requests may wait for it.
const REQUEST_TIME: Duration = Duration::from_secs(5);
/// Of an answer, decompressed.
const MOST_BYTES: usize = 256 * 1024;

/// Where keys come from.
#[async_trait]
pub(crate) trait KeySource: Send + Sync {
    /// The keys as they are now.
    async fn fetch(&self) -> Result<Keys, FetchError>;
}

/// Why there are no keys. Holds nothing of what was answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("the issuer does not answer")]
    Unanswered(#[source] reqwest::Error),
    #[error("the issuer answers with status {0}")]
    Status(u16),
    #[error("the issuer answers with more than {MOST_BYTES} bytes")]
    TooLarge,
    #[error("the issuer's configuration is no JSON that says where its keys are")]
    NotConfiguration,
    #[error("the issuer's configuration is that of another issuer")]
    OtherIssuer,
    #[error("the address of the issuer's keys {0}")]
    Address(AddressFault),
    #[error("what the issuer answers for its keys cannot be used: {0}")]
    Keys(KeysFault),
}

/// An issuer on the network.
pub(crate) struct Issuer {
    client: Client,
    keys: KeysAt,
}

enum KeysAt {
    Given(Url),
    /// Asked for each time: an issuer may move its keys.
    Discovered {
        configuration: Url,
        issuer: String,
    },
}

/// What is used of OpenID Connect Discovery 1.0 §3.
#[derive(Deserialize)]
struct Configuration {
    issuer: String,
    jwks_uri: Url,
}

impl Issuer {
    pub(crate) fn new(settings: &Settings) -> Result<Self, SetupError> {
        let keys = match &settings.jwks_url {
            Some(url) => {
                check_address(url).map_err(|fault| SetupError::Address { setting: "jwks_url", fault })?;
                KeysAt::Given(url.clone())
            }
            None => {
                KeysAt::Discovered { configuration: settings.configuration_url()?, issuer: settings.issuer.clone() }
            }
        };
        let first = match &keys {
            KeysAt::Given(url) | KeysAt::Discovered { configuration: url, .. } => url,
        };
        Ok(Self { client: client(first.scheme() == "http")?, keys })
    }

    async fn discover(&self, configuration: &Url, issuer: &str) -> Result<Url, FetchError> {
        let body = self.read(configuration).await?;
        let told: Configuration = serde_json::from_slice(&body).map_err(|_| FetchError::NotConfiguration)?;
        // §4.3: an issuer that could speak for another one could sign for it.
        if told.issuer != issuer {
            return Err(FetchError::OtherIssuer);
        }
        check_address(&told.jwks_uri).map_err(FetchError::Address)?;
        if configuration.scheme() == "https" && told.jwks_uri.scheme() != "https" {
            return Err(FetchError::Address(AddressFault::Plain));
        }
        Ok(told.jwks_uri)
    }

    async fn read(&self, url: &Url) -> Result<Vec<u8>, FetchError> {
        let unanswered = |error: reqwest::Error| FetchError::Unanswered(error.without_url());
        let request = self.client.get(url.clone()).header("accept", "application/json");
        let mut response = request.send().await.map_err(unanswered)?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status().as_u16()));
        }
        let mut body = Vec::new();
        // What comes out of decompression is counted, so that a small answer cannot grow without bounds.
        while let Some(chunk) = response.chunk().await.map_err(unanswered)? {
            if body.len() + chunk.len() > MOST_BYTES {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

#[async_trait]
impl KeySource for Issuer {
    async fn fetch(&self) -> Result<Keys, FetchError> {
        let body = match &self.keys {
            KeysAt::Given(url) => self.read(url).await?,
            KeysAt::Discovered { configuration, issuer } => {
                let url = self.discover(configuration, issuer).await?;
                self.read(&url).await?
            }
        };
        Keys::parse(&body).map_err(FetchError::Keys)
    }
}

fn client(plain: bool) -> Result<Client, SetupError> {
    // Without a provider, making a client panics. A program that chose one keeps it.
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    let builder = Client::builder()
        .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .referer(false)
        .https_only(!plain)
        .connect_timeout(CONNECT_TIME)
        .timeout(REQUEST_TIME);
    // On this machine there is no certificate to check and no proxy to pass, unless the issuer keeps its keys elsewhere.
    let builder = if plain { builder.no_proxy() } else { builder };
    builder.build().map_err(SetupError::Client)
}
