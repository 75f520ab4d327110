//! Directory users' ids as people give them.

use directory_core::ExternalId;

use super::check;

/// A directory user's id that somebody typed or copied; `None` when it cannot be one. A GUID is put into lower case, as
/// the directory's own are stored: in another case it is the same object.
#[must_use]
pub fn external_id(text: &str) -> Option<ExternalId> {
    // Also around it, where it would be trimmed: nobody means it, and one rule is easier to state.
    if text.contains(char::is_control) {
        return None;
    }
    match check::hyphenated(text.trim()) {
        Some(guid) => ExternalId::parse(&guid.hyphenated().to_string()),
        None => ExternalId::parse(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUID: &str = "1f6a2c0e-0b1d-4c58-9b1e-5f6a1d2c3b4a";

    fn read(text: &str) -> Option<String> {
        external_id(text).map(|id| id.as_str().to_owned())
    }

    #[test]
    fn a_guid_has_one_spelling() {
        for text in [GUID, &GUID.to_uppercase(), &format!(" {} ", GUID.to_uppercase())] {
            assert_eq!(read(text).as_deref(), Some(GUID), "{text}");
        }
    }

    #[test]
    fn any_other_id_stays_as_it_is() {
        let unhyphenated = GUID.replace('-', "").to_uppercase();
        for text in ["E1", "Zoë", "a/b%2F+c", &unhyphenated, &format!("{{{GUID}}}")] {
            assert_eq!(read(text).as_deref(), Some(text));
        }
        assert_eq!(read(" E1 ").as_deref(), Some("E1"));
    }

    #[test]
    fn what_cannot_be_an_id_is_refused() {
        for text in ["", " ", "a\u{7}b", "a\n", &"x".repeat(ExternalId::MAX_BYTES + 1)] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }
}
