//! What each field must look like. No message repeats the value.

use chrono::{DateTime, Utc};
use directory_core::{ExternalId, normalise};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::{collect::Checked, external_id};

pub(crate) const CLOUDS: [&str; 4] = ["global", "usGov", "usGovDod", "china"];
const GUID_CHARS: usize = 36;
pub(crate) const MAX_NAME_CHARS: usize = 200;
pub(crate) const MAX_SECRET_CHARS: usize = 1024;
pub(crate) const MAX_ROLE_CHARS: usize = 64;
/// RFC 1035 §2.3.4, less the root's dot.
pub(crate) const MAX_DOMAIN_CHARS: usize = 253;
const MAX_LABEL_CHARS: usize = 63;

pub(crate) fn display_name(text: &str) -> Checked<String> {
    let name = normalise(text).filter(|name| name.chars().count() <= MAX_NAME_CHARS);
    match name {
        Some(name) if !text.contains(char::is_control) => Ok(name.into_owned()),
        _ => Err("must be 1 to 200 characters without control characters".into()),
    }
}

/// A GUID in lower case with hyphens, however it was typed.
pub(crate) fn guid(text: &str) -> Checked<String> {
    hyphenated(text.trim())
        .map(|id| id.hyphenated().to_string())
        .ok_or_else(|| "must be a GUID, such as 00000000-0000-0000-0000-000000000000".into())
}

/// `uuid` also takes braces, a URN prefix and no hyphens at all.
pub(super) fn hyphenated(text: &str) -> Option<Uuid> {
    (text.len() == GUID_CHARS).then(|| Uuid::try_parse(text).ok()).flatten()
}

/// See [`external_id()`].
pub(crate) fn directory_user(text: &str) -> Checked<ExternalId> {
    external_id(text).ok_or_else(|| "must be a directory user's id: 1 to 256 bytes without control characters".into())
}

pub(crate) fn client_secret(secret: SecretString) -> Checked<SecretString> {
    let text = secret.expose_secret();
    if text.is_empty() || text.chars().count() > MAX_SECRET_CHARS {
        Err("must be 1 to 1024 characters".into())
    } else if text.trim() != text || text.contains(char::is_control) {
        Err("must have no white space around it and no control characters".into())
    } else if hyphenated(text).is_some() {
        // The portal shows the secret's id beside its value, and the id is the one that stays readable.
        Err("looks like the client secret's Secret ID; paste its Value instead".into())
    } else {
        Ok(secret)
    }
}

pub(crate) fn role(text: &str) -> Checked<String> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte);
    if (1..=MAX_ROLE_CHARS).contains(&text.len()) && text.bytes().all(known) {
        Ok(text.to_owned())
    } else {
        Err("must be 1 to 64 letters, digits or any of _ . : -".into())
    }
}

pub(crate) fn cloud(text: &str) -> Checked<String> {
    if CLOUDS.contains(&text) { Ok(text.to_owned()) } else { Err("must be global, usGov, usGovDod or china".into()) }
}

fn time(text: &str) -> Checked<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text)
        .map(|time| time.to_utc())
        .map_err(|_| "must be a time in RFC 3339, such as 2030-01-31T00:00:00Z".into())
}

/// The end of something that still is.
pub(crate) fn end(text: &str, now: DateTime<Utc>) -> Checked<DateTime<Utc>> {
    let end = time(text)?;
    if end > now { Ok(end) } else { Err("must not be in the past: what has ended is of no use".into()) }
}

/// A domain as addresses end in it: in lower case, and of two labels at least, since one is a typing mistake.
pub(crate) fn domain(text: &str) -> Checked<String> {
    let domain = normalise(text).map(|domain| domain.to_lowercase());
    domain
        .filter(|domain| domain.len() <= MAX_DOMAIN_CHARS && domain.contains('.') && domain.split('.').all(is_label))
        .ok_or_else(|| "must be a domain such as example.org, without an @".into())
}

fn is_label(label: &str) -> bool {
    (1..=MAX_LABEL_CHARS).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.chars().all(|character| character.is_alphanumeric() || character == '-')
}
