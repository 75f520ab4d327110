//! What an embedder can set: other hosts, and how long and how much to bear.

use std::{path::PathBuf, time::Duration};

use url::Url;

use crate::overrides::{OverrideFault, check_override};

/// How an [`EntraFactory`](crate::EntraFactory) reaches Microsoft, the same for all its connections.
#[derive(Clone, Debug, Default)]
pub struct EntraOptions {
    /// Issues tokens instead of the cloud's login host. `http` only for a loopback host.
    pub login_url: Option<Url>,
    /// Answers instead of the cloud's Graph host. `http` only for a loopback host.
    pub graph_url: Option<Url>,
    /// Holds the token of [`Credential::FederatedToken`](directory_core::Credential::FederatedToken), of every connection
    /// that has one. It is read anew for each token request.
    pub federated_token_file: Option<PathBuf>,
    /// Limits; the defaults suit production.
    pub bounds: Bounds,
}

/// Limits on time, repeats and sizes. Nothing that the network does can pass them.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// To open a connection.
    pub connect_timeout: Duration,
    /// Between two pieces of an answer.
    pub read_timeout: Duration,
    /// For one request, from connecting to the last byte.
    pub request_timeout: Duration,
    /// The first pause before a repeat; each further one is twice as long.
    pub first_delay: Duration,
    /// The longest pause that is not asked for by `Retry-After`.
    pub longest_delay: Duration,
    /// How long one page may take with all its repeats and pauses, the token included.
    pub page_budget: Duration,
    /// The longest `Retry-After` that is waited for; one such wait may pass the budget.
    pub longest_retry_after: Duration,
    /// How long [`verify`](directory_core::DirectoryProvider::verify) may take in all.
    pub verify_budget: Duration,
    /// The largest page, decompressed, in bytes.
    pub page_bytes: usize,
    /// The largest token answer, in bytes.
    pub token_bytes: usize,
    /// How much of an error answer is read, in bytes.
    pub error_bytes: usize,
    /// Pages of one listing.
    pub pages: u32,
    /// Pages in a row that hold no object at all. Graph sends such pages where it leaves members of other kinds out.
    pub empty_pages: u32,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(30),
            request_timeout: Duration::from_mins(1),
            first_delay: Duration::from_millis(500),
            longest_delay: Duration::from_mins(1),
            page_budget: Duration::from_mins(4),
            longest_retry_after: Duration::from_mins(10),
            verify_budget: Duration::from_secs(20),
            page_bytes: 32 << 20,
            token_bytes: 256 << 10,
            error_bytes: 64 << 10,
            pages: 100_000,
            empty_pages: 1000,
        }
    }
}

/// Why a factory cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// An override is no address to send a secret to.
    #[error("{setting} {fault}")]
    Url {
        /// `login_url` or `graph_url`.
        setting: &'static str,
        /// What is wrong with it.
        fault: OverrideFault,
    },
    /// The HTTP client does not start: typically, the system has no CA certificates.
    #[error("the HTTP client cannot be made")]
    Client(#[source] reqwest::Error),
}

impl EntraOptions {
    pub(crate) fn check(&self) -> Result<(), SetupError> {
        for (setting, url) in [("login_url", &self.login_url), ("graph_url", &self.graph_url)] {
            if let Some(url) = url {
                check_override(url).map_err(|fault| SetupError::Url { setting, fault })?;
            }
        }
        Ok(())
    }

    /// Whether no request leaves this machine or needs TLS.
    pub(crate) fn all_plain(&self) -> bool {
        is_plain(self.login_url.as_ref()) && is_plain(self.graph_url.as_ref())
    }

    /// Whether every request must be `https`.
    pub(crate) fn all_tls(&self) -> bool {
        !is_plain(self.login_url.as_ref()) && !is_plain(self.graph_url.as_ref())
    }
}

fn is_plain(url: Option<&Url>) -> bool {
    url.is_some_and(|url| url.scheme() == "http")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_override_is_checked_and_named() {
        let bad = Some(Url::parse("http://graph.example.test").expect("URL"));
        let graph = EntraOptions { graph_url: bad.clone(), ..EntraOptions::default() };
        let login = EntraOptions { login_url: bad, ..EntraOptions::default() };
        for (options, setting) in [(graph, "graph_url"), (login, "login_url")] {
            let text = options.check().expect_err("refused").to_string();
            assert_eq!(text, format!("{setting} must be https: plain http is for loopback addresses only"));
        }
        EntraOptions::default().check().expect("nothing to refuse");
    }
}
