//! An entry of the audit log as it is shown.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use store::{ActorKind, AuditEntry};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::openapi::{ActorKindWord, MembersShape};

/// An entry of the audit log.
#[derive(Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditEntry)]
pub struct AuditEntryView {
    /// Of the entry.
    pub id: Uuid,
    /// When it was done.
    pub at: DateTime<Utc>,
    /// Who did it.
    pub actor: ActorView,
    /// What was done, `connection.updated` say.
    pub action: String,
    /// What it was done to.
    pub subject: SubjectView,
    /// The members that were otherwise before, and how; null for what was not there, and where nothing can be told.
    #[schema(value_type = Option<MembersShape>, required)]
    pub before: Option<Value>,
    /// The same members afterwards; null for what is gone, and where nothing can be told.
    #[schema(value_type = Option<MembersShape>, required)]
    pub after: Option<Value>,
    /// The `x-request-id` of the request that did it; null where there was none.
    #[schema(required)]
    pub request_id: Option<String>,
}

/// Who did something.
#[derive(Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Actor)]
pub struct ActorView {
    /// What kind of somebody.
    #[schema(value_type = ActorKindWord)]
    pub kind: ActorKind,
    /// A token's id, or a person's with the issuer; null for the others.
    #[schema(required)]
    pub id: Option<String>,
    /// A name to know it by: a token's, a person's, or that of the operating system's user.
    #[schema(required)]
    pub name: Option<String>,
}

/// What something was done to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Subject)]
pub struct SubjectView {
    /// `tenant`, `token`, `connection`, `directory_user`, `user`, `run` or `webhook`.
    pub kind: String,
    /// Its id.
    pub id: String,
}

impl fmt::Debug for AuditEntryView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditEntryView")
            .field("id", &self.id)
            .field("at", &self.at)
            .field("actor", &self.actor)
            .field("action", &self.action)
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ActorView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActorView").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl From<AuditEntry> for AuditEntryView {
    fn from(entry: AuditEntry) -> Self {
        let AuditEntry { id, tenant: _, at, actor, action, subject, before, after } = entry;
        Self {
            id,
            at,
            actor: ActorView { kind: actor.kind, id: actor.id, name: actor.name },
            action,
            subject: SubjectView { kind: subject.kind, id: subject.id },
            before,
            after,
            request_id: actor.request,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use store::{Actor, Subject};

    use super::*;

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
    const AT: &str = "2026-01-02T03:04:05Z";

    fn entry() -> AuditEntry {
        AuditEntry {
            id: ID.parse().unwrap(),
            tenant: ID.parse().unwrap(),
            at: AT.parse().unwrap(),
            actor: Actor {
                request: Some("r1".to_owned()),
                ..Actor::person("ada@example.org".to_owned(), Some("Ada".to_owned()))
            },
            action: "connection.updated".to_owned(),
            subject: Subject { kind: "connection".to_owned(), id: "c1".to_owned() },
            before: Some(json!({"displayName": "Byron"})),
            after: None,
        }
    }

    #[test]
    fn an_entry_has_every_member() {
        assert_eq!(
            serde_json::to_value(AuditEntryView::from(entry())).unwrap(),
            json!({
                "id": ID, "at": AT, "actor": {"kind": "person", "id": "ada@example.org", "name": "Ada"},
                "action": "connection.updated", "subject": {"kind": "connection", "id": "c1"},
                "before": {"displayName": "Byron"}, "after": null, "requestId": "r1",
            })
        );
    }

    #[test]
    fn debug_shows_no_name() {
        let shown = format!("{:?}", AuditEntryView::from(entry()));
        assert!(shown.contains("c1") && !shown.to_lowercase().contains("ada") && !shown.contains("Byron"), "{shown}");
    }
}
