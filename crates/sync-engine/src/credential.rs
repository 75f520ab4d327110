//! Credentials between the store, where they are sealed, and the provider, which needs them in the clear.

use crypto::{Context, Keyring, OpenError, Purpose, SealError, Sealed};
use directory_core::{ConnectionId, TenantId};
use secrecy::{ExposeSecret, SecretString};

/// Seals a connection's credential for its row, and for no other.
pub(crate) fn seal(
    keyring: &Keyring,
    tenant: TenantId,
    connection: ConnectionId,
    credential: &SecretString,
) -> Result<Sealed, SealError> {
    keyring.seal(credential.expose_secret().as_bytes(), &context(&tenant, &connection))
}

/// Opens the credential of a connection's row.
pub(crate) fn open(
    keyring: &Keyring,
    tenant: TenantId,
    connection: ConnectionId,
    sealed: &[u8],
) -> Result<SecretString, OpenError> {
    keyring.open_string(sealed, &context(&tenant, &connection))
}

fn context<'a>(tenant: &'a TenantId, connection: &'a ConnectionId) -> Context<'a> {
    Context { tenant: tenant.0.as_bytes(), row: connection.0.as_bytes(), purpose: Purpose::ClientSecret }
}
