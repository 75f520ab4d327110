//! The second way in: tokens of a platform that signs its users in itself. What verifies them is the program's choice.

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use store::TokenRole;

/// Verifies a platform's tokens: JWTs, as far as the API can see.
#[async_trait]
pub trait SignIn: Send + Sync {
    /// Whose token it is, or why it is not taken.
    async fn verify(&self, token: &str) -> Result<SignedIn, SignInError>;
}

/// Whoever a platform has signed in.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// The platform. Its name and `subject` together are one person.
    pub issuer: String,
    /// The person's id there.
    pub subject: String,
    /// The tenant: a slug or an id.
    pub tenant: String,
    /// What the person may do.
    pub role: TokenRole,
    /// From when on the token is of no use.
    pub until: DateTime<Utc>,
}

impl fmt::Debug for SignedIn {
    /// Without the subject, which is a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { issuer, tenant, role, until, .. } = self;
        f.debug_struct("SignedIn")
            .field("issuer", issuer)
            .field("tenant", tenant)
            .field("role", role)
            .field("until", until)
            .finish_non_exhaustive()
    }
}

/// Why a token is not taken. The texts are shown to whoever sent it, and repeat nothing of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// It is no good: answered with 401.
    #[error("{0}")]
    Refused(String),
    /// It is genuine, and allows nothing here: answered with 403.
    #[error("{0}")]
    Forbidden(String),
    /// Nobody can tell at the moment: answered with 503. Whoever knows the cause has logged it.
    #[error("sign-in is not available")]
    Unavailable,
}
