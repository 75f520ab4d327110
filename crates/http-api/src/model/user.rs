//! A user as it is shown.

use std::fmt;

use chrono::{DateTime, Utc};
use directory_core::{ConnectionId, DeactivatedBy, ExternalId, RunId, UserId, UserStatus};
use serde::Serialize;
use store::UserRecord;
use utoipa::ToSchema;

use crate::openapi::{DeactivatedByWord, UserStatusWord};

/// A user.
#[derive(Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = User)]
#[expect(missing_docs, reason = "the members are the interface's, and mean what store::UserRecord says")]
pub struct UserView {
    #[schema(value_type = Uuid)]
    pub id: UserId,
    pub email: String,
    pub display_name: String,
    #[schema(required)]
    pub given_name: Option<String>,
    #[schema(required)]
    pub family_name: Option<String>,
    pub role: String,
    #[schema(value_type = UserStatusWord)]
    pub status: UserStatus,
    /// Of an inactive user: who made it so.
    #[schema(required)]
    pub deactivation: Option<DeactivationView>,
    /// Null: a local user.
    #[schema(value_type = Option<Uuid>, required)]
    pub connection_id: Option<ConnectionId>,
    #[schema(value_type = Option<String>, required)]
    pub external_id: Option<ExternalId>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl fmt::Debug for UserView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserView")
            .field("id", &self.id)
            .field("status", &self.status)
            .field("connection_id", &self.connection_id)
            .field("external_id", &self.external_id)
            .finish_non_exhaustive()
    }
}

/// Who deactivated a user, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Deactivation)]
pub struct DeactivationView {
    /// Nothing stored means a person did.
    #[schema(value_type = DeactivatedByWord)]
    pub by: DeactivatedBy,
    /// The run that did it; null when it was no run.
    #[schema(value_type = Option<Uuid>, required)]
    pub run_id: Option<RunId>,
    /// Null when whoever did it did not say.
    #[schema(required)]
    pub at: Option<DateTime<Utc>>,
}

impl From<UserRecord> for UserView {
    fn from(record: UserRecord) -> Self {
        let user = record.user;
        let deactivation = (user.status == UserStatus::Inactive).then(|| DeactivationView {
            by: user.deactivated_by.unwrap_or(DeactivatedBy::Admin),
            run_id: record.deactivated_run,
            at: record.deactivated_at,
        });
        let (connection_id, external_id) = user.link.map(|link| (link.connection, link.external_id)).unzip();
        Self {
            id: user.id,
            email: user.email,
            display_name: user.display_name,
            given_name: user.given_name,
            family_name: user.family_name,
            role: user.role,
            status: user.status,
            deactivation,
            connection_id,
            external_id,
            created_at: record.created_at,
            updated_at: record.updated_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use directory_core::{Link, LocalUser};
    use serde_json::{Value, json};

    use super::*;

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
    const AT: &str = "2026-01-02T03:04:05Z";

    fn record() -> UserRecord {
        UserRecord {
            user: LocalUser {
                id: ID.parse().unwrap(),
                version: 1,
                email: "ada@example.org".to_owned(),
                display_name: "Ada".to_owned(),
                given_name: None,
                family_name: None,
                role: "member".to_owned(),
                status: UserStatus::Active,
                deactivated_by: None,
                link: None,
            },
            deactivated_run: None,
            deactivated_at: None,
            created_at: AT.parse().unwrap(),
            updated_at: AT.parse().unwrap(),
        }
    }

    fn view(record: UserRecord) -> Value {
        serde_json::to_value(UserView::from(record)).unwrap()
    }

    #[test]
    fn its_debug_form_shows_nobodys_data() {
        let mut record = record();
        record.user.given_name = Some("Ada".to_owned());
        record.user.family_name = Some("Byron".to_owned());
        let shown = format!("{:?}", UserView::from(record));
        assert!(shown.contains(ID), "{shown}");
        assert!(!shown.to_lowercase().contains("ada") && !shown.contains("Byron"), "{shown}");
    }

    #[test]
    fn a_local_user_has_every_member() {
        assert_eq!(
            view(record()),
            json!({
                "id": ID, "email": "ada@example.org", "displayName": "Ada", "givenName": null, "familyName": null,
                "role": "member", "status": "active", "deactivation": null, "connectionId": null, "externalId": null,
                "createdAt": AT, "updatedAt": AT,
            })
        );
    }

    #[test]
    fn an_inactive_user_says_who_did_it() {
        let mut record = record();
        record.user.status = UserStatus::Inactive;
        assert_eq!(view(record.clone())["deactivation"], json!({"by": "admin", "runId": null, "at": null}));

        record.user.deactivated_by = Some(DeactivatedBy::DirectoryAbsent);
        record.user.link =
            Some(Link { connection: ID.parse().unwrap(), external_id: ExternalId::parse("e1").unwrap() });
        record.deactivated_run = Some(ID.parse().unwrap());
        record.deactivated_at = Some(AT.parse().unwrap());
        let view = view(record);
        assert_eq!(view["deactivation"], json!({"by": "directory_absent", "runId": ID, "at": AT}));
        assert_eq!((&view["connectionId"], &view["externalId"]), (&json!(ID), &json!("e1")));
    }
}
