//! Who administrated what, and when: the audit log. Each entry is written in the transaction of the change that it tells
//! of, so that there is neither without the other.

mod record;
mod webhook;

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use directory_core::TenantId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

pub use self::record::AuditRecord;
use crate::{IdPage, StoreError, Token};

/// What kind of somebody acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActorKind {
    /// The bearer of an API token; the id is the token's.
    Token,
    /// A person who signed in; the id is the issuer's for that person.
    Person,
    /// Whoever runs the command line; the name is the operating system's.
    Operator,
    /// The program by itself.
    System,
}

impl ActorKind {
    /// The word in the database and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Person => "person",
            Self::Operator => "operator",
            Self::System => "system",
        }
    }
}

/// Who asks for a change. Every method of the store by which somebody administrates takes one, so that no caller can
/// forget to say.
#[derive(Clone, PartialEq, Eq)]
pub struct Actor {
    /// What kind of somebody it is.
    pub kind: ActorKind,
    /// The id among those of that kind.
    pub id: Option<String>,
    /// A name to know it by.
    pub name: Option<String>,
    /// The id of the request that it came with.
    pub request: Option<String>,
}

impl Actor {
    /// The program by itself.
    pub const SYSTEM: &'static Self = &Self { kind: ActorKind::System, id: None, name: None, request: None };

    /// The bearer of a token.
    #[must_use]
    pub fn token(token: &Token) -> Self {
        let (id, name) = (Some(token.id.to_string()), Some(token.name.clone()));
        Self { kind: ActorKind::Token, id, name, ..Self::SYSTEM.clone() }
    }

    /// A person who signed in with an issuer that knows the person by this id.
    #[must_use]
    pub fn person(id: String, name: Option<String>) -> Self {
        Self { kind: ActorKind::Person, id: Some(id), name, ..Self::SYSTEM.clone() }
    }

    /// Whoever runs the command line, as far as the operating system says.
    #[must_use]
    pub fn operator(name: Option<String>) -> Self {
        Self { kind: ActorKind::Operator, name, ..Self::SYSTEM.clone() }
    }
}

impl fmt::Debug for Actor {
    /// Leaves out name and id, which can be a person's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Actor").field("kind", &self.kind).field("request", &self.request).finish_non_exhaustive()
    }
}

/// Everything that is written to the audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the method of the store of the same name, in the past tense")]
pub enum AuditAction {
    TenantCreated,
    TokenCreated,
    TokenRevoked,
    ConnectionCreated,
    ConnectionUpdated,
    ConnectionDeleted,
    CredentialSet,
    CredentialResealed,
    UserIgnored,
    UserHeeded,
    UserLinked,
    UserUnlinked,
    RunRequested,
    RunApproved,
    RunRejected,
    RunCancelled,
    WebhookCreated,
    WebhookUpdated,
    WebhookDeleted,
    WebhookSecretRotated,
    WebhookSecretResealed,
    WebhookReplayed,
}

impl AuditAction {
    /// Every action.
    pub const ALL: [Self; 22] = [
        Self::TenantCreated,
        Self::TokenCreated,
        Self::TokenRevoked,
        Self::ConnectionCreated,
        Self::ConnectionUpdated,
        Self::ConnectionDeleted,
        Self::CredentialSet,
        Self::CredentialResealed,
        Self::UserIgnored,
        Self::UserHeeded,
        Self::UserLinked,
        Self::UserUnlinked,
        Self::RunRequested,
        Self::RunApproved,
        Self::RunRejected,
        Self::RunCancelled,
        Self::WebhookCreated,
        Self::WebhookUpdated,
        Self::WebhookDeleted,
        Self::WebhookSecretRotated,
        Self::WebhookSecretResealed,
        Self::WebhookReplayed,
    ];

    /// The word in the database and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TenantCreated => "tenant.created",
            Self::TokenCreated => "token.created",
            Self::TokenRevoked => "token.revoked",
            Self::ConnectionCreated => "connection.created",
            Self::ConnectionUpdated => "connection.updated",
            Self::ConnectionDeleted => "connection.deleted",
            Self::CredentialSet => "connection.credential_set",
            Self::CredentialResealed => "connection.credential_resealed",
            Self::UserIgnored => "user.ignored",
            Self::UserHeeded => "user.heeded",
            Self::UserLinked => "user.linked",
            Self::UserUnlinked => "user.unlinked",
            Self::RunRequested => "run.requested",
            Self::RunApproved => "run.approved",
            Self::RunRejected => "run.rejected",
            Self::RunCancelled => "run.cancelled",
            Self::WebhookCreated => "webhook.created",
            Self::WebhookUpdated => "webhook.updated",
            Self::WebhookDeleted => "webhook.deleted",
            Self::WebhookSecretRotated => "webhook.secret_rotated",
            Self::WebhookSecretResealed => "webhook.secret_resealed",
            Self::WebhookReplayed => "webhook.replayed",
        }
    }

    /// The action of this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == word)
    }
}

/// What an action was done to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// `tenant`, `token`, `connection`, `directory_user`, `user`, `run` or `webhook`.
    pub kind: String,
    /// Its id.
    pub id: String,
}

/// An entry as it is read. Action and subject are words: a newer program may have written some that this one does not
/// know, and an entry that is there is to be seen.
#[derive(Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Primary key; time-ordered.
    pub id: Uuid,
    /// Whose entry it is.
    pub tenant: TenantId,
    /// When it was done, by the database's clock.
    pub at: DateTime<Utc>,
    /// Who did it.
    pub actor: Actor,
    /// One of [`AuditAction`]'s words.
    pub action: String,
    /// What it was done to.
    pub subject: Subject,
    /// The members that were otherwise before, and how, in the words of the API.
    pub before: Option<Value>,
    /// The same members afterwards.
    pub after: Option<Value>,
}

impl fmt::Debug for AuditEntry {
    /// Leaves out what the members hold: names, among others.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditEntry")
            .field("id", &self.id)
            .field("at", &self.at)
            .field("actor", &self.actor)
            .field("action", &self.action)
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

/// Which entries to list; `None` is any.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Of this action.
    pub action: Option<AuditAction>,
    /// Done to the subject of this id.
    pub subject: Option<String>,
    /// Done by the actor of this id.
    pub actor: Option<String>,
}

impl fmt::Debug for AuditFilter {
    /// Leaves the actor out, which can be a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditFilter")
            .field("action", &self.action)
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

/// The audit log. Nothing changes or deletes an entry; they are kept for ever.
#[async_trait]
pub trait Audit: Send + Sync {
    /// A tenant's entries, newest first.
    async fn audit_entries(
        &self,
        tenant: TenantId,
        filter: &AuditFilter,
        page: IdPage,
    ) -> Result<Vec<AuditEntry>, StoreError>;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_action_has_a_word_of_its_own() {
        let words: BTreeSet<&str> = AuditAction::ALL.into_iter().map(AuditAction::as_str).collect();
        assert_eq!(words.len(), AuditAction::ALL.len());
        for action in AuditAction::ALL {
            assert_eq!(AuditAction::parse(action.as_str()), Some(action));
        }
        assert_eq!(AuditAction::parse("token.shown"), None);
    }
}
