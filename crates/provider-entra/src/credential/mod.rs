//! What proves the client's identity to the login service (protocol reference §1.1, §1.5, §1.6).

mod assertion;
mod certificate;
mod federated;

use std::{path::Path, time::SystemTime};

use directory_core::{Credential, CredentialKind, ProviderError, RunErrorCode};
use secrecy::{ExposeSecret, SecretString};
use url::Url;
use uuid::Uuid;

use self::{certificate::SigningCertificate, federated::TokenFile};
use crate::error::{Fault, configuration};

/// A credential that could be read, ready for token requests.
pub(crate) enum ClientCredential {
    Secret(SecretString),
    Certificate(Box<SigningCertificate>),
    Federated(TokenFile),
}

/// What one token request is sent with.
pub(crate) enum Proof<'a> {
    Secret(&'a SecretString),
    /// A JWT: signed here, or issued by somebody whom the directory trusts.
    Assertion(SecretString),
}

impl ClientCredential {
    /// Reads a credential without I/O. `token_file` is where a federated token is found.
    pub(crate) fn new(credential: Credential, token_file: Option<&Path>) -> Result<Self, ProviderError> {
        match credential {
            Credential::ClientSecret(secret) if secret.expose_secret().is_empty() => {
                let hint = "Enter the Value of a client secret of the app registration.";
                Err(configuration(RunErrorCode::CredentialInvalid, "The client secret is empty.", hint))
            }
            Credential::ClientSecret(secret) => Ok(Self::Secret(secret)),
            Credential::Certificate(pem) => {
                let certificate = SigningCertificate::parse(&pem)?;
                certificate.check_date(SystemTime::now())?;
                Ok(Self::Certificate(Box::new(certificate)))
            }
            Credential::FederatedToken => TokenFile::new(token_file).map(Self::Federated),
        }
    }

    pub(crate) fn kind(&self) -> CredentialKind {
        match self {
            Self::Secret(_) => CredentialKind::ClientSecret,
            Self::Certificate(_) => CredentialKind::Certificate,
            Self::Federated(_) => CredentialKind::FederatedToken,
        }
    }

    /// Made anew for each token request: an assertion counts once, and a token file changes.
    pub(crate) async fn proof(&self, client_id: Uuid, token_url: &Url) -> Result<Proof<'_>, Fault> {
        match self {
            Self::Secret(secret) => Ok(Proof::Secret(secret)),
            Self::Certificate(certificate) => {
                let now = SystemTime::now();
                certificate.check_date(now)?;
                Ok(Proof::Assertion(assertion::sign(certificate, client_id, token_url, now)?))
            }
            Self::Federated(file) => file.read().await.map(Proof::Assertion),
        }
    }
}

impl Proof<'_> {
    /// Its part of the form.
    pub(crate) fn parameters(&self) -> Vec<(&'static str, &str)> {
        match self {
            Self::Secret(secret) => vec![("client_secret", secret.expose_secret())],
            Self::Assertion(assertion) => vec![
                ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                ("client_assertion", assertion.expose_secret()),
            ],
        }
    }
}

/// When a credential ends, as far as it says so itself.
pub(crate) fn expiry(credential: &Credential) -> Result<Option<SystemTime>, ProviderError> {
    match credential {
        Credential::Certificate(pem) => Ok(Some(SigningCertificate::parse(pem)?.not_after())),
        Credential::ClientSecret(_) | Credential::FederatedToken => Ok(None),
    }
}
