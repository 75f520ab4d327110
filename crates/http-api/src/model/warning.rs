//! The warning that a connection's credential is about to end.

use chrono::{DateTime, SecondsFormat, Utc};
use directory_core::ExpiryWarning;
use serde::Serialize;
use store::Connection;
use utoipa::ToSchema;

use crate::openapi::ExpiryWarningWord;

/// What to know about a credential that has ended or soon will.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = CredentialWarning)]
pub struct CredentialWarningView {
    /// How near the end is.
    #[schema(value_type = ExpiryWarningWord)]
    pub level: ExpiryWarning,
    /// When that is, and what to do.
    pub detail: String,
}

impl CredentialWarningView {
    /// The warning about a connection's credential, if there is anything to warn of.
    #[must_use]
    pub fn of(connection: &Connection, now: DateTime<Utc>) -> Option<Self> {
        let at = connection.credential_expires_at?;
        let level = ExpiryWarning::of(at.into(), now.into())?;
        let kind = connection.credential_kind.name();
        let at = at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let detail = if level == ExpiryWarning::Expired {
            format!(
                "The {kind} ended at {at}, and syncs fail for want of it: make a new one in the directory and give it to \
                 the connection as its credential."
            )
        } else {
            format!(
                "The {kind} ends at {at}, and syncs fail from then on: make a new one in the directory and give it to the \
                 connection as its credential before."
            )
        };
        Some(Self { level, detail })
    }
}
