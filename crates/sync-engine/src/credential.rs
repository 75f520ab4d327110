//! Credentials between the store, where they are sealed, and the provider, which needs them in the clear.

use chrono::{DateTime, Utc};
use crypto::{Context, Keyring, OpenError, Purpose, SealError};
use directory_core::{ConnectionId, Credential, CredentialKind, TenantId};
use secrecy::ExposeSecret;
use store::{NewCredential, SealedCredential};

use crate::EngineError;

/// Seals a connection's credential for its row and its kind, and for no other.
pub(crate) fn seal(
    keyring: &Keyring,
    tenant: TenantId,
    connection: ConnectionId,
    credential: &Credential,
    expires_at: Option<DateTime<Utc>>,
) -> Result<NewCredential, SealError> {
    let kind = credential.kind();
    let secret = credential.secret().map_or("", ExposeSecret::expose_secret);
    let sealed = keyring.seal(secret.as_bytes(), &context(&tenant, &connection, kind))?;
    Ok(NewCredential { kind, sealed: sealed.into_bytes(), expires_at })
}

/// Opens the credential of a connection's row.
pub(crate) fn open(keyring: &Keyring, sealed: &SealedCredential) -> Result<Credential, OpenError> {
    let context = context(&sealed.tenant, &sealed.connection, sealed.kind);
    Ok(Credential::of(sealed.kind, keyring.open_string(&sealed.sealed, &context)?))
}

/// Seals something for no row, and opens it again: a keyring that fails at that would lose every new credential.
pub(crate) fn try_keyring(keyring: &Keyring) -> Result<(), EngineError> {
    const PROBE: &[u8] = b"probe";
    let context = Context { tenant: &[0; 16], row: &[0; 16], purpose: Purpose::ClientSecret };
    let sealed = keyring.seal(PROBE, &context)?;
    keyring.open(&sealed.into_bytes(), &context)?;
    Ok(())
}

/// The same credential under the key that seals now.
pub(crate) fn reseal(keyring: &Keyring, sealed: &SealedCredential) -> Result<Vec<u8>, ResealError> {
    let credential = open(keyring, sealed)?;
    let new = seal(keyring, sealed.tenant, sealed.connection, &credential, None)?;
    Ok(new.sealed)
}

/// Why a credential could not be put under another key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResealError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Seal(#[from] SealError),
}

fn context<'a>(tenant: &'a TenantId, connection: &'a ConnectionId, kind: CredentialKind) -> Context<'a> {
    let purpose = match kind {
        CredentialKind::ClientSecret => Purpose::ClientSecret,
        CredentialKind::Certificate => Purpose::Certificate,
        CredentialKind::FederatedToken => Purpose::FederatedToken,
    };
    Context { tenant: tenant.0.as_bytes(), row: connection.0.as_bytes(), purpose }
}
