//! Who asks, whichever way in they took.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use crypto::TokenHash;
use directory_core::TenantId;
use store::{Token, TokenRole};

use crate::{app::App, problem::Problem, sign_in::SignedIn};

/// Who asks: made of an API token or of a platform's token, and nowhere else.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Principal {
    pub(crate) tenant: TenantId,
    pub(crate) role: TokenRole,
    /// What rates and places are counted by.
    pub(crate) key: TokenHash,
    pub(crate) standing: Standing,
}

/// For how long somebody stays who they are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Standing {
    /// While the store has the API token as usable.
    Token(TokenHash),
    /// Until the platform's token ends. That it is taken back before, nobody is told.
    Until(DateTime<Utc>),
}

impl Principal {
    pub(crate) fn of_token(token: &Token, hash: TokenHash) -> Self {
        Self { tenant: token.tenant, role: token.role, key: hash, standing: Standing::Token(hash) }
    }

    pub(crate) fn of_person(person: &SignedIn, tenant: TenantId) -> Self {
        Self { tenant, role: person.role, key: key_of(person), standing: Standing::Until(person.until) }
    }
}

/// The same for all tokens of a person, who gets a new one every few minutes. No API token has this form.
pub(crate) fn key_of(person: &SignedIn) -> TokenHash {
    // Unambiguous by the length in front.
    let SignedIn { issuer, subject, .. } = person;
    TokenHash::of(&format!("person {} {issuer} {subject}", issuer.len()))
}

impl Standing {
    /// Whether it still does.
    pub(crate) async fn holds(self, app: &Arc<App>) -> Result<bool, Problem> {
        match self {
            Self::Token(hash) => {
                app.work(move |app| async move { Ok(app.store().usable_token(hash.as_bytes()).await?.is_some()) }).await
            }
            Self::Until(end) => Ok(Utc::now() < end),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_has_one_key_and_two_persons_have_two() {
        let person = |issuer: &str, subject: &str, seconds| SignedIn {
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            tenant: "acme".to_owned(),
            role: TokenRole::Admin,
            until: DateTime::UNIX_EPOCH + chrono::TimeDelta::seconds(seconds),
        };
        assert_eq!(key_of(&person("a", "b", 1)), key_of(&person("a", "b", 2)));
        assert_ne!(key_of(&person("a", "b", 1)), key_of(&person("a", "c", 1)));
        assert_ne!(key_of(&person("a b", "c", 1)), key_of(&person("a", "b c", 1)));
        assert!(!format!("{:?}", person("a", "ada@example.org", 1)).contains("ada"));
    }
}
