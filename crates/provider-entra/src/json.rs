//! Text borrowed from an answer's body, and what of it may be shown.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// Borrows where JSON has no escapes. A bare `Option<Cow<str>>` would copy every time.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

impl Text<'_> {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Reads a member as absent where it is not what it should be, so that it takes no other member with it.
pub(crate) fn lenient<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    let raw = <&RawValue>::deserialize(from)?;
    Ok(serde_json::from_str(raw.get()).ok())
}

/// A code or an id that may go into a message or log: one short ASCII word. Whatever else a server sends in its place
/// is dropped, since it could be anything.
pub(crate) fn word(text: &str) -> Option<String> {
    let fits = !text.is_empty() && text.len() <= 100;
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':'));
    (fits && plain).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("Authorization_RequestDenied", true)]
    #[case("0b7e1c2a-5b1f-4d0e-9c55-3f0f0d7c9a11", true)]
    #[case("", false)]
    #[case("ada@example.org", false)]
    #[case("two words", false)]
    #[case("line\nbreak", false)]
    fn only_words_are_shown(#[case] text: &str, #[case] shown: bool) {
        assert_eq!(word(text).is_some(), shown);
        assert_eq!(word(&"x".repeat(101)), None);
    }

    #[test]
    fn text_borrows_unless_escaped() {
        let plain: Option<Text<'_>> = serde_json::from_str(r#""Ada""#).expect("text");
        assert!(matches!(plain, Some(Text(Cow::Borrowed("Ada")))));
        let escaped: Option<Text<'_>> = serde_json::from_str(r#""A\u0064a""#).expect("text");
        assert_eq!(escaped.expect("some").as_str(), "Ada");
    }
}
