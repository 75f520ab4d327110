//! A connection as it is shown.

use chrono::{DateTime, Utc};
use directory_core::{ConnectionId, CredentialKind, Policy};
use serde::Serialize;
use store::{Connection, ConnectionState, Run};

use utoipa::ToSchema;

use crate::{
    model::{CredentialWarningView, RunView},
    openapi::{ConnectionStateWord, CredentialKindWord, PolicyShape},
};

/// A connection. There is no member for the credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Connection)]
#[expect(missing_docs, reason = "the members are the interface's, and mean what store::Connection says")]
pub struct ConnectionView {
    #[schema(value_type = Uuid)]
    pub id: ConnectionId,
    pub provider: String,
    pub display_name: String,
    pub directory_id: String,
    pub client_id: String,
    #[schema(required)]
    pub group_id: Option<String>,
    pub default_role: String,
    pub cloud: String,
    #[schema(value_type = PolicyShape)]
    pub policy: Policy,
    #[schema(required)]
    pub schedule: Option<String>,
    /// When the schedule starts the next run, or tries a quarantined connection again; while a plan is held, not before a
    /// day is over or somebody has decided; null while it is paused or has no schedule.
    #[schema(required)]
    pub next_sync_at: Option<DateTime<Utc>>,
    #[schema(value_type = ConnectionStateWord)]
    pub state: ConnectionState,
    #[schema(required)]
    pub state_reason: Option<String>,
    #[schema(value_type = CredentialKindWord)]
    pub credential_kind: CredentialKind,
    pub credential_updated_at: DateTime<Utc>,
    #[schema(required)]
    pub credential_expires_at: Option<DateTime<Utc>>,
    /// Null while the credential's end is unknown or far away.
    #[schema(required)]
    pub credential_warning: Option<CredentialWarningView>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// The newest run, dry runs included; null before the first.
    #[schema(required)]
    pub last_run: Option<RunView>,
}

impl ConnectionView {
    /// A connection with its newest run, as it is now.
    #[must_use]
    pub fn new(connection: Connection, last_run: Option<Run>) -> Self {
        Self::at(connection, last_run, Utc::now())
    }

    /// The same at a moment.
    pub(crate) fn at(connection: Connection, last_run: Option<Run>, now: DateTime<Utc>) -> Self {
        Self {
            credential_warning: CredentialWarningView::of(&connection, now),
            id: connection.id,
            provider: connection.provider,
            display_name: connection.display_name,
            directory_id: connection.directory_id,
            client_id: connection.client_id,
            group_id: connection.group_id,
            default_role: connection.default_role,
            cloud: connection.cloud,
            policy: connection.policy,
            schedule: connection.schedule,
            next_sync_at: connection.next_sync_at,
            state: connection.state,
            state_reason: connection.state_reason,
            credential_kind: connection.credential_kind,
            credential_updated_at: connection.credential_updated_at,
            credential_expires_at: connection.credential_expires_at,
            created_at: connection.created_at,
            updated_at: connection.updated_at,
            last_run: last_run.map(RunView::from),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
    const TIME: &str = "2026-01-02T03:04:05.678Z";

    fn connection() -> Connection {
        let at: DateTime<Utc> = TIME.parse().unwrap();
        Connection {
            id: ID.parse().unwrap(),
            tenant: "01890a5d-ac96-774b-bcce-b302099a8058".parse().unwrap(),
            provider: "entra".to_owned(),
            display_name: "Acme".to_owned(),
            directory_id: "d".to_owned(),
            client_id: "c".to_owned(),
            group_id: None,
            cloud: "global".to_owned(),
            default_role: "member".to_owned(),
            policy: Policy::default_for(false),
            schedule: None,
            next_sync_at: None,
            state: ConnectionState::Active,
            state_reason: None,
            quarantined_at: None,
            held_until: None,
            setbacks: 0,
            new_scope: false,
            credential_kind: CredentialKind::ClientSecret,
            credential_updated_at: at,
            credential_expires_at: None,
            created_at: at,
            updated_at: at,
        }
    }

    #[test]
    fn every_member_of_the_interface_is_there() {
        let view = serde_json::to_value(ConnectionView::new(connection(), None)).unwrap();
        assert_eq!(
            view,
            json!({
                "id": ID, "provider": "entra", "displayName": "Acme", "directoryId": "d", "clientId": "c",
                "groupId": null, "defaultRole": "member", "cloud": "global",
                "policy": {
                    "deactivateMissing": true, "includeGuests": false, "includeDisabled": true,
                    "includeNestedGroups": true, "emailAttribute": "mail", "adoptByEmail": true, "adoptDomains": null,
                    "protectedRoles": ["admin", "owner"], "maxDeactivations": {"percent": 20, "count": 10},
                },
                "schedule": null, "nextSyncAt": null, "state": "active", "stateReason": null,
                "credentialKind": "client_secret", "credentialUpdatedAt": TIME, "credentialExpiresAt": null,
                "credentialWarning": null, "createdAt": TIME, "updatedAt": TIME, "lastRun": null,
            })
        );
    }

    #[test]
    fn a_credential_that_ends_comes_with_a_warning_and_what_to_do() {
        let warning = |expires_at: &str| {
            let connection = Connection { credential_expires_at: Some(expires_at.parse().unwrap()), ..connection() };
            let view = ConnectionView::at(connection, None, TIME.parse().unwrap());
            serde_json::to_value(view).unwrap()["credentialWarning"].clone()
        };
        assert_eq!(warning("2026-02-02T00:00:00Z"), json!(null));
        for (expires_at, level, detail) in [
            ("2026-02-01T03:04:05Z", "expires_in_30_days", "The client secret ends at 2026-02-01T03:04:05Z, "),
            ("2026-01-09T03:04:05Z", "expires_in_7_days", "ends at 2026-01-09"),
            ("2026-01-03T03:04:05Z", "expires_in_1_day", "ends at 2026-01-03"),
            ("2026-01-02T03:04:05Z", "expired", "The client secret ended at 2026-01-02T03:04:05Z, "),
        ] {
            let warning = warning(expires_at);
            assert_eq!(warning["level"], level);
            let text = warning["detail"].as_str().unwrap();
            assert!(text.contains(detail) && text.contains("make a new one"), "{text}");
        }
    }
}
