//! A connection as it is shown.

use chrono::{DateTime, Utc};
use directory_core::{ConnectionId, CredentialKind, Policy};
use serde::Serialize;
use store::{Connection, ConnectionState, Run};

use crate::model::RunView;

/// A connection. There is no member for the credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the members are the interface's, and mean what store::Connection says")]
pub struct ConnectionView {
    pub id: ConnectionId,
    pub provider: String,
    pub display_name: String,
    pub directory_id: String,
    pub client_id: String,
    pub group_id: Option<String>,
    pub default_role: String,
    pub cloud: String,
    pub policy: Policy,
    pub schedule: Option<String>,
    /// When the schedule starts the next run; `None` while nothing is planned.
    pub next_sync_at: Option<DateTime<Utc>>,
    pub state: ConnectionState,
    pub state_reason: Option<String>,
    pub credential_kind: CredentialKind,
    pub credential_updated_at: DateTime<Utc>,
    pub credential_expires_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// The newest run, dry runs included; `None` before the first.
    pub last_run: Option<RunView>,
}

impl ConnectionView {
    /// A connection with its newest run.
    #[must_use]
    pub fn new(connection: Connection, last_run: Option<Run>) -> Self {
        Self {
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
            next_sync_at: None,
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

    #[test]
    fn every_member_of_the_interface_is_there() {
        let at: DateTime<Utc> = "2026-01-02T03:04:05.678Z".parse().unwrap();
        let id: ConnectionId = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
        let connection = Connection {
            id,
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
            state: ConnectionState::Active,
            state_reason: None,
            new_scope: false,
            credential_kind: CredentialKind::ClientSecret,
            credential_updated_at: at,
            credential_expires_at: None,
            created_at: at,
            updated_at: at,
        };
        let view = serde_json::to_value(ConnectionView::new(connection, None)).unwrap();
        let time = "2026-01-02T03:04:05.678Z";
        assert_eq!(
            view,
            json!({
                "id": id, "provider": "entra", "displayName": "Acme", "directoryId": "d", "clientId": "c",
                "groupId": null, "defaultRole": "member", "cloud": "global",
                "policy": {
                    "deactivateMissing": true, "includeGuests": false, "includeDisabled": true,
                    "includeNestedGroups": true, "emailAttribute": "mail", "adoptByEmail": true, "adoptDomains": null,
                    "protectedRoles": ["admin", "owner"], "maxDeactivations": {"percent": 20, "count": 10},
                },
                "schedule": null, "nextSyncAt": null, "state": "active", "stateReason": null,
                "credentialKind": "client_secret", "credentialUpdatedAt": time, "credentialExpiresAt": null, "createdAt": time, "updatedAt": time,
                "lastRun": null,
            })
        );
    }
}
