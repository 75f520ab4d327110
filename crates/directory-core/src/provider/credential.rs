//! What a connection proves its right to read with.

use std::fmt;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// A credential in the clear. Its holder keeps it as short as it can.
#[derive(Clone)]
pub enum Credential {
    /// A text that both sides know.
    ClientSecret(SecretString),
    /// A private key and its certificate, both in PEM.
    Certificate(SecretString),
    /// A token of an identity provider that the directory trusts. Where it is found is the program's setting, not the
    /// connection's: whoever registers a connection chooses no file of the server.
    FederatedToken,
}

/// Which kind of [`Credential`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    /// See [`Credential::ClientSecret`].
    ClientSecret,
    /// See [`Credential::Certificate`].
    Certificate,
    /// See [`Credential::FederatedToken`].
    FederatedToken,
}

impl CredentialKind {
    /// The word in the database and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientSecret => "client_secret",
            Self::Certificate => "certificate",
            Self::FederatedToken => "federated_token",
        }
    }

    /// What people call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ClientSecret => "client secret",
            Self::Certificate => "certificate",
            Self::FederatedToken => "federated token",
        }
    }
}

impl Credential {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> CredentialKind {
        match self {
            Self::ClientSecret(_) => CredentialKind::ClientSecret,
            Self::Certificate(_) => CredentialKind::Certificate,
            Self::FederatedToken => CredentialKind::FederatedToken,
        }
    }

    /// What is to be kept secret of it; `None` when there is nothing.
    #[must_use]
    pub fn secret(&self) -> Option<&SecretString> {
        match self {
            Self::ClientSecret(secret) | Self::Certificate(secret) => Some(secret),
            Self::FederatedToken => None,
        }
    }

    /// The credential of a kind with this secret, which a federated token has none of.
    #[must_use]
    pub fn of(kind: CredentialKind, secret: SecretString) -> Self {
        match kind {
            CredentialKind::ClientSecret => Self::ClientSecret(secret),
            CredentialKind::Certificate => Self::Certificate(secret),
            CredentialKind::FederatedToken => Self::FederatedToken,
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Credential").field(&self.kind()).finish()
    }
}
