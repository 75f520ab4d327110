//! `connection show`

use chrono::{DateTime, TimeDelta, Utc};
use store::Connection;

use crate::{output::note, session::Invocation, show::connection, table::time, words::credential_kind};

/// A credential that ends sooner is spoken of.
const SOON: TimeDelta = TimeDelta::days(30);

/// Which connection.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Its id or display name; may be left out with a single connection
    connection: Option<String>,
}

pub(super) async fn run(args: &Args, invocation: Invocation) -> anyhow::Result<()> {
    let session = invocation.open().await?;
    let tenant = session.tenant().await?;
    let named = session.connection_or_only(&tenant, args.connection.as_deref()).await?;
    let ending = ending(&named, Utc::now());
    for view in super::views(&session, vec![named]).await? {
        session.format.show(&view, connection::one)?;
    }
    if let Some(ending) = ending {
        note(&ending);
    }
    Ok(())
}

/// What to know about a credential that has ended or soon will.
fn ending(connection: &Connection, now: DateTime<Utc>) -> Option<String> {
    let at = connection.credential_expires_at?;
    let left = at - now;
    if left > SOON {
        return None;
    }
    let (id, kind) = (connection.id, credential_kind(connection.credential_kind));
    let when = match left.num_days() {
        _ if left <= TimeDelta::zero() => "has ended".to_owned(),
        0 => "ends within a day".to_owned(),
        1 => "ends in 1 day".to_owned(),
        days => format!("ends in {days} days"),
    };
    Some(format!("the {kind} {when} ({}); `directoryctl connection set-secret {id}` replaces it", time(at)))
}

#[cfg(test)]
mod tests {
    use directory_core::{CredentialKind, Policy};
    use store::ConnectionState;

    use super::*;

    fn ending_at(expires_at: Option<&str>) -> Option<String> {
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
            state: ConnectionState::Active,
            state_reason: None,
            new_scope: false,
            credential_kind: CredentialKind::Certificate,
            credential_updated_at: now,
            credential_expires_at: expires_at.map(|time| time.parse().unwrap()),
            created_at: now,
            updated_at: now,
        };
        ending(&connection, now)
    }

    #[test]
    fn a_credential_is_spoken_of_in_its_last_30_days_and_afterwards() {
        assert_eq!(ending_at(None), None);
        assert_eq!(ending_at(Some("2026-02-01T03:04:06Z")), None);
        for (at, expected) in [
            ("2026-02-01T03:04:05Z", "the certificate ends in 30 days (2026-02-01 03:04:05Z)"),
            ("2026-01-03T03:04:05Z", "ends in 1 day "),
            ("2026-01-02T03:04:06Z", "ends within a day "),
            ("2026-01-02T03:04:05Z", "has ended "),
            ("2020-01-02T03:04:05Z", "has ended (2020-01-02 03:04:05Z)"),
        ] {
            let line = ending_at(Some(at)).unwrap();
            assert!(line.contains(expected) && line.contains("set-secret 01890a5d"), "{line}");
        }
    }
}
