//! Saying that a connection's credential has ended or soon will.

use chrono::{DateTime, Utc};
use http_api::model::CredentialWarningView;
use store::Connection;

use crate::output::note;

/// Says so beside the data, where there is anything to warn of.
pub(crate) fn warn(connection: &Connection) {
    if let Some(line) = line(connection, Utc::now()) {
        note(&line);
    }
}

fn line(connection: &Connection, now: DateTime<Utc>) -> Option<String> {
    let warning = CredentialWarningView::of(connection, now)?;
    Some(format!("warning: {} `directoryctl connection set-secret {}` does that.", warning.detail, connection.id))
}

#[cfg(test)]
mod tests {
    use directory_core::{CredentialKind, Policy};
    use store::ConnectionState;

    use super::*;

    fn line_at(expires_at: Option<&str>) -> Option<String> {
        let now: DateTime<Utc> = "2026-01-02T03:04:05Z".parse().unwrap();
        let connection = Connection {
            id: "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap(),
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
            credential_kind: CredentialKind::Certificate,
            credential_updated_at: now,
            credential_expires_at: expires_at.map(|time| time.parse().unwrap()),
            created_at: now,
            updated_at: now,
        };
        line(&connection, now)
    }

    #[test]
    fn a_credential_that_ends_is_spoken_of_with_the_command_that_replaces_it() {
        assert_eq!(line_at(None), None);
        assert_eq!(line_at(Some("2026-02-01T03:04:06Z")), None);
        for (at, expected) in [
            ("2026-02-01T03:04:05Z", "warning: The certificate ends at 2026-02-01T03:04:05Z, "),
            ("2020-01-02T03:04:05Z", "warning: The certificate ended at 2020-01-02T03:04:05Z, "),
        ] {
            let line = line_at(Some(at)).unwrap();
            assert!(line.contains(expected) && line.contains("set-secret 01890a5d"), "{line}");
        }
    }
}
