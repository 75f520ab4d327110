//! What an entry says: built here for every store, so that none of them can say more than it should. Credentials are told
//! by their kind and end, tokens by their name and role, directory people by their ids.

use std::fmt;

use chrono::{DateTime, Utc};
use directory_core::{ConnectionId, ExternalId, LocalUser, TenantId};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{AuditAction, Subject};
use crate::{Connection, Run, Tenant, Token, Trigger};

/// An entry to write. Who did it and when is added where it is written.
#[derive(Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// Whose entry it is.
    pub tenant: TenantId,
    /// What was done.
    pub action: AuditAction,
    /// What it was done to.
    pub subject: Subject,
    /// See [`super::AuditEntry::before`].
    pub before: Option<Value>,
    /// See [`super::AuditEntry::after`].
    pub after: Option<Value>,
}

impl fmt::Debug for AuditRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditRecord")
            .field("action", &self.action)
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

impl AuditRecord {
    /// A tenant was made.
    #[must_use]
    pub fn tenant_created(tenant: &Tenant) -> Self {
        let after = json!({"slug": tenant.slug, "name": tenant.name});
        Self::new(AuditAction::TenantCreated, tenant.id, "tenant", tenant.id).after(after)
    }

    /// A token was made.
    #[must_use]
    pub fn token_created(token: &Token) -> Self {
        let after = json!({"name": token.name, "role": token.role, "expiresAt": token.expires_at});
        Self::new(AuditAction::TokenCreated, token.tenant, "token", token.id).after(after)
    }

    /// A token that was not revoked was.
    #[must_use]
    pub fn token_revoked(tenant: TenantId, token: Uuid, at: DateTime<Utc>) -> Self {
        Self::new(AuditAction::TokenRevoked, tenant, "token", token)
            .before(json!({"revokedAt": null}))
            .after(json!({"revokedAt": at}))
    }

    /// A connection was registered.
    #[must_use]
    pub fn connection_created(connection: &Connection) -> Self {
        Self::of_connection(AuditAction::ConnectionCreated, connection).after(whole(connection))
    }

    /// A connection was changed; `None` where no member of it was.
    #[must_use]
    pub fn connection_updated(before: &Connection, after: &Connection) -> Option<Self> {
        let (old, new) = changed(settings(before), settings(after))?;
        Some(Self::of_connection(AuditAction::ConnectionUpdated, after).before(old).after(new))
    }

    /// A connection was deleted. What it was is not told of one whose row could not be read, which must be possible to
    /// delete all the same.
    #[must_use]
    pub fn connection_deleted(tenant: TenantId, id: ConnectionId, connection: Option<&Connection>) -> Self {
        let record = Self::new(AuditAction::ConnectionDeleted, tenant, "connection", id);
        Self { before: connection.map(whole), ..record }
    }

    /// A connection was given another credential, which may be of the same kind and end.
    #[must_use]
    pub fn credential_set(before: &Connection, after: &Connection) -> Self {
        let (mut old, mut new) = (credential(before), credential(after));
        if before.state != after.state {
            old.insert("state".to_owned(), json!(before.state));
            new.insert("state".to_owned(), json!(after.state));
        }
        Self::of_connection(AuditAction::CredentialSet, after).before(old.into()).after(new.into())
    }

    /// A connection's credential was put under another key. Nothing that can be told is otherwise.
    #[must_use]
    pub fn credential_resealed(tenant: TenantId, connection: ConnectionId) -> Self {
        Self::new(AuditAction::CredentialResealed, tenant, "connection", connection)
    }

    /// A connection was told to ignore a directory user.
    #[must_use]
    pub fn user_ignored(tenant: TenantId, connection: ConnectionId, user: &ExternalId) -> Self {
        Self::new(AuditAction::UserIgnored, tenant, "directory_user", user).after(json!({"connectionId": connection}))
    }

    /// A connection was told to heed a directory user whom it ignored.
    #[must_use]
    pub fn user_heeded(tenant: TenantId, connection: ConnectionId, user: &ExternalId) -> Self {
        Self::new(AuditAction::UserHeeded, tenant, "directory_user", user).before(json!({"connectionId": connection}))
    }

    /// A user was tied to a directory user.
    #[must_use]
    pub fn user_linked(tenant: TenantId, before: &LocalUser, after: &LocalUser) -> Self {
        Self::of_link(AuditAction::UserLinked, tenant, before, after)
    }

    /// A user was made a local one.
    #[must_use]
    pub fn user_unlinked(tenant: TenantId, before: &LocalUser, after: &LocalUser) -> Self {
        Self::of_link(AuditAction::UserUnlinked, tenant, before, after)
    }

    /// A run was asked for. `None` of a run that its schedule started: it says so itself, nobody decided on it, and there
    /// are so many of them that people's decisions would be lost among them.
    #[must_use]
    pub fn run_requested(run: &Run) -> Option<Self> {
        if run.trigger == Trigger::Schedule {
            return None;
        }
        let mut after = json!({
            "connectionId": run.connection, "mode": run.mode, "trigger": run.trigger, "dryRun": run.dry_run,
        });
        if let Some(draft) = &run.draft {
            after["preview"] = json!(draft);
        }
        Some(Self::of_run(AuditAction::RunRequested, run).after(after))
    }

    /// A held plan was approved, as a whole or in part: the part that was is what is planned afterwards.
    #[must_use]
    pub fn run_approved(before: &Run, after: &Run) -> Self {
        let members = |run: &Run| json!({"status": run.status, "planDigest": run.plan_digest, "plannedChanges": run.planned_changes});
        Self::of_run(AuditAction::RunApproved, after).before(members(before)).after(members(after))
    }

    /// A held plan was turned down.
    #[must_use]
    pub fn run_rejected(before: &Run, after: &Run) -> Self {
        Self::of_ending(AuditAction::RunRejected, before, after)
    }

    /// A run was stopped.
    #[must_use]
    pub fn run_cancelled(before: &Run, after: &Run) -> Self {
        Self::of_ending(AuditAction::RunCancelled, before, after)
    }

    fn of_connection(action: AuditAction, connection: &Connection) -> Self {
        Self::new(action, connection.tenant, "connection", connection.id)
    }

    fn of_link(action: AuditAction, tenant: TenantId, before: &LocalUser, after: &LocalUser) -> Self {
        Self::new(action, tenant, "user", after.id).before(link(before)).after(link(after))
    }

    fn of_run(action: AuditAction, run: &Run) -> Self {
        Self::new(action, run.tenant, "run", run.id)
    }

    fn of_ending(action: AuditAction, before: &Run, after: &Run) -> Self {
        let (old, new) = (json!({"status": before.status}), json!({"status": after.status}));
        Self::of_run(action, after).before(old).after(new)
    }

    pub(super) fn new(action: AuditAction, tenant: TenantId, kind: &str, id: impl fmt::Display) -> Self {
        let subject = Subject { kind: kind.to_owned(), id: id.to_string() };
        Self { tenant, action, subject, before: None, after: None }
    }

    pub(super) fn before(self, members: Value) -> Self {
        Self { before: Some(members), ..self }
    }

    pub(super) fn after(self, members: Value) -> Self {
        Self { after: Some(members), ..self }
    }
}

/// A connection as it is registered, which is for ever in the log, while the connection may go.
fn whole(connection: &Connection) -> Value {
    let mut members = credential(connection);
    for (name, value) in [
        ("provider", json!(connection.provider)),
        ("directoryId", json!(connection.directory_id)),
        ("clientId", json!(connection.client_id)),
        ("cloud", json!(connection.cloud)),
    ] {
        members.insert(name.to_owned(), value);
    }
    if let Value::Object(settings) = settings(connection) {
        members.extend(settings);
    }
    members.into()
}

/// What can be changed about a connection.
fn settings(connection: &Connection) -> Value {
    json!({
        "displayName": connection.display_name,
        "groupId": connection.group_id,
        "defaultRole": connection.default_role,
        "policy": connection.policy,
        "schedule": connection.schedule,
        "state": connection.state,
    })
}

/// All that is ever told of a credential.
fn credential(connection: &Connection) -> Map<String, Value> {
    Map::from_iter([
        ("credentialKind".to_owned(), json!(connection.credential_kind)),
        ("credentialExpiresAt".to_owned(), json!(connection.credential_expires_at)),
    ])
}

/// Whom a user is tied to; neither the user's name nor the address.
fn link(user: &LocalUser) -> Value {
    let (connection, external_id) = user.link.as_ref().map(|link| (link.connection, &link.external_id)).unzip();
    json!({"connectionId": connection, "externalId": external_id})
}

/// What differs, of objects in objects too.
pub(super) fn changed(before: Value, after: Value) -> Option<(Value, Value)> {
    match (before, after) {
        (before, after) if before == after => None,
        (Value::Object(before), Value::Object(mut after)) => {
            let mut old = Map::new();
            let mut new = Map::new();
            for (name, value) in before {
                let differs = match after.remove(&name) {
                    Some(now) => changed(value, now),
                    None => Some((value, Value::Null)),
                };
                if let Some((was, is)) = differs {
                    old.insert(name.clone(), was);
                    new.insert(name, is);
                }
            }
            for (name, is) in after {
                old.insert(name.clone(), Value::Null);
                new.insert(name, is);
            }
            Some((old.into(), new.into()))
        }
        others => Some(others),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_told() {
        let before = json!({"a": 1, "b": {"c": [1], "d": 2}, "e": "gone", "g": null});
        let after = json!({"a": 1, "b": {"c": [2], "d": 2}, "f": "new", "g": null});
        let (old, new) = changed(before.clone(), after).unwrap();
        assert_eq!(old, json!({"b": {"c": [1]}, "e": "gone", "f": null}));
        assert_eq!(new, json!({"b": {"c": [2]}, "e": null, "f": "new"}));
        assert_eq!(changed(before.clone(), before), None);
    }
}
