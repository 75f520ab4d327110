//! One issuer: its settings, and its keys as they are known.

use std::sync::Arc;

use chrono::Utc;

use crate::{Claims, Refusal, Settings, SetupError, cache::KeyCache, source::Issuer, verify};

/// Verifies the tokens of one issuer.
pub struct JwtVerifier {
    settings: Settings,
    keys: Arc<KeyCache>,
}

/// Why a token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// It is to blame itself.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Nobody can tell: the issuer's keys cannot be fetched. It is worth another try.
    #[error("the issuer's keys are not available")]
    Unavailable,
}

impl JwtVerifier {
    /// A verifier that has not asked the issuer for anything yet.
    pub fn new(settings: Settings) -> Result<Self, SetupError> {
        let keys = KeyCache::new(Issuer::new(&settings)?);
        Ok(Self { settings, keys })
    }

    /// Whose tokens are taken.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Fetches the keys if there are none, so that nobody has to wait for them later. That it fails is logged.
    pub async fn prepare(&self) {
        let _ = self.keys.current().await;
    }

    /// Judges a token now. To be called within a Tokio runtime.
    pub async fn verify(&self, token: &str) -> Result<Claims, VerifyError> {
        let keys = self.keys.current().await.map_err(|_| VerifyError::Unavailable)?;
        match verify(token, &keys, &self.settings, Utc::now()) {
            Err(refusal) if refusal.may_be_for_old_keys() => match self.keys.newest().await {
                Some(newest) => Ok(verify(token, &newest, &self.settings, Utc::now())?),
                None if refusal == Refusal::UnknownKey => Err(VerifyError::Unavailable),
                None => Err(refusal.into()),
            },
            verdict => Ok(verdict?),
        }
    }
}
