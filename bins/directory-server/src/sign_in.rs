//! The platform's tokens, as the API asks about them.

use std::sync::Arc;

use anyhow::Context;
use async_trait::async_trait;
use http_api::{SignIn, SignInError, SignedIn};
use jwt_verifier::{Claims, JwtVerifier, Role, Settings, VerifyError};
use store::TokenRole;

/// Whoever the platform has signed in.
pub(crate) struct PlatformSignIn(JwtVerifier);

impl PlatformSignIn {
    /// Fetches the issuer's keys beside everything else: the server serves API tokens whether the issuer answers or not.
    pub(crate) fn start(settings: Settings) -> anyhow::Result<Arc<Self>> {
        let sign_in = Arc::new(Self(JwtVerifier::new(settings).context("cannot set up the sign-in with JWTs")?));
        tokio::spawn({
            let sign_in = Arc::clone(&sign_in);
            async move { sign_in.0.prepare().await }
        });
        Ok(sign_in)
    }
}

#[async_trait]
impl SignIn for PlatformSignIn {
    async fn verify(&self, token: &str) -> Result<SignedIn, SignInError> {
        let Claims { subject, tenant, role, until } = self.0.verify(token).await.map_err(|error| match error {
            VerifyError::Refused(refusal) if refusal.is_of_a_genuine_token() => {
                SignInError::Forbidden(refusal.to_string())
            }
            VerifyError::Refused(refusal) => SignInError::Refused(refusal.to_string()),
            VerifyError::Unavailable => SignInError::Unavailable,
        })?;
        let role = match role {
            Role::Admin => TokenRole::Admin,
            Role::Viewer => TokenRole::Viewer,
        };
        Ok(SignedIn { issuer: self.0.settings().issuer.clone(), subject, tenant, role, until })
    }
}
