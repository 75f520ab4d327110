//! Arguments that are one of the interface's words, or a short text.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use directory_core::{EmailAttribute, ExternalId};

const MAX_NAME_CHARS: usize = 200;
/// A slug is a label of a host name.
const MAX_SLUG_CHARS: usize = 63;

/// Reads one of these values by its word, and shows the words in the help.
pub(crate) fn word_of<T>(values: &'static [T], word: fn(T) -> &'static str) -> impl TypedValueParser<Value = T>
where
    T: Copy + Send + Sync + 'static,
{
    PossibleValuesParser::new(values.iter().map(move |&value| word(value)))
        .try_map(move |text| values.iter().copied().find(|&value| word(value) == text).ok_or("no such word"))
}

/// A name to show.
pub(crate) fn name(text: &str) -> Result<String, String> {
    let name = text.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARS || name.contains(char::is_control) {
        return Err(format!("a name is 1 to {MAX_NAME_CHARS} characters without control characters"));
    }
    Ok(name.to_owned())
}

/// A tenant's slug.
pub(crate) fn slug(text: &str) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let inner = !text.starts_with('-') && !text.ends_with('-');
    if (1..=MAX_SLUG_CHARS).contains(&text.len()) && inner && text.bytes().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err(format!("a slug is 1 to {MAX_SLUG_CHARS} of a-z, 0-9 and - (not at its ends)"))
    }
}

/// The interface's word for an attribute.
pub(crate) fn email_attribute(attribute: EmailAttribute) -> &'static str {
    match attribute {
        EmailAttribute::Mail => "mail",
        EmailAttribute::UserPrincipalName => "userPrincipalName",
    }
}

/// The directory's own id of a user, in the form in which the directory writes it.
pub(crate) fn external_id(text: &str) -> Result<ExternalId, String> {
    http_api::model::external_id(text).ok_or_else(|| "not a directory user's id".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_a_host_label() {
        for good in ["a", "acme", "acme-2", "0", &"a".repeat(63)] {
            assert_eq!(slug(good).unwrap(), good);
        }
        for bad in ["", "-a", "a-", "Acme", "a.b", "a_b", "é", &"a".repeat(64)] {
            assert!(slug(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_is_trimmed_and_printable() {
        assert_eq!(name(" Acme Ltd. ").unwrap(), "Acme Ltd.");
        for bad in ["", "  ", "a\nb", "a\u{1b}[2Jb", &"a".repeat(201)] {
            assert!(name(bad).is_err(), "{bad:?}");
        }
    }
}
