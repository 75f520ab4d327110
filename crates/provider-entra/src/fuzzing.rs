//! What reads bytes of others, for the fuzz targets in `fuzz/`. No part of the interface: each function passes its input on
//! and nothing else.

use std::time::{Duration, SystemTime};

use directory_core::{CredentialKind, DirectoryEntry, ProviderError};
use secrecy::SecretString;
use url::Url;

use crate::{
    error::{self, AnswerHead},
    links::LinkGuard,
    page,
    request::Subject,
    retry,
    roles::{READ_MEMBERS, READ_USERS, Roles},
    token,
};

/// A page of users.
pub struct Page {
    /// How many objects it held, users or not.
    pub objects: usize,
    /// The users.
    pub entries: Vec<DirectoryEntry>,
    /// Where it goes on.
    pub next_link: Option<String>,
}

/// What a refused request asked for.
#[derive(Clone, Copy, Debug)]
pub enum Asked {
    /// Graph's users.
    Users,
    /// A group.
    Group,
    /// A group's members.
    Members,
    /// A token, with this kind of credential.
    Token(CredentialKind),
}

/// Reads a page; the error is that of a page that cannot be read.
pub fn page(body: &[u8]) -> Result<Page, ProviderError> {
    match page::parse_page(body) {
        Ok(page::Page { objects, entries, next_link }) => Ok(Page { objects, entries, next_link }),
        Err(fault) => Err(error::page_fault(Subject::Users, fault).error),
    }
}

/// Reads the answer to a request for one object.
pub fn object(body: &[u8]) -> Result<(), ProviderError> {
    page::parse_object(body).map_err(|fault| error::page_fault(Subject::Group, fault).error)
}

/// Where a listing below `base` that began at `first` goes on by these links, up to the first that is not followed.
#[must_use]
pub fn follow<'a>(base: &Url, first: &Url, links: impl IntoIterator<Item = &'a str>) -> Vec<Url> {
    let mut guard = LinkGuard::new(base.clone(), first);
    links.into_iter().map_while(|link| guard.follow(link).ok()).collect()
}

/// The error for an answer that is no success.
#[must_use]
pub fn refusal(asked: Asked, status: u16, retry_after: Option<Duration>, body: &[u8]) -> ProviderError {
    let head = AnswerHead { status, retry_after, request_id: None };
    let fault = match asked {
        Asked::Users => error::graph_fault(Subject::Users, &head, body),
        Asked::Group => error::graph_fault(Subject::Group, &head, body),
        Asked::Members => error::graph_fault(Subject::Members, &head, body),
        Asked::Token(kind) => error::login_fault(kind, &head, body),
    };
    fault.error
}

/// Reads a token and how long it lives.
pub fn token(body: &[u8]) -> Result<(SecretString, Duration), ProviderError> {
    match token::parse_token(body) {
        Ok(token::Issued { token, life }) => Ok((token, life)),
        Err(fault) => Err(error::token_fault(fault).error),
    }
}

/// Whether a token says that it lets users and group members be read.
#[must_use]
pub fn roles(token: &SecretString) -> (bool, bool) {
    let roles = Roles::of(token);
    (roles.include(&READ_USERS), roles.include(&READ_MEMBERS))
}

/// Reads `Retry-After`.
#[must_use]
pub fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    retry::parse_retry_after(value, now)
}
