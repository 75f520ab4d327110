//! Text as it is stored and compared, so that a second run never finds a difference that is only spelling.

use std::{borrow::Cow, fmt};

use unicode_normalization::{UnicodeNormalization, is_nfc};

/// Trimmed, NFC-normalised text without NUL (which no database keeps); `None` when nothing is left. Text that is so already
/// is borrowed.
#[must_use]
pub fn normalise(text: &str) -> Option<Cow<'_, str>> {
    let trimmed = text.trim();
    // One look without a way out of its middle, which the compiler makes of many bytes at a time.
    let is_plain = trimmed.bytes().fold(true, |plain, byte| plain & matches!(byte, 1..=0x7f));
    let normal = if is_plain || (!trimmed.contains('\0') && is_nfc(trimmed)) {
        Cow::Borrowed(trimmed)
    } else {
        // Removing a NUL can bring white space to an end, hence the second trim.
        let clean: String = trimmed.chars().filter(|c| *c != '\0').nfc().collect();
        Cow::Owned(clean.trim().to_owned())
    };
    (!normal.is_empty()).then_some(normal)
}

/// Whether text is nothing but visible ASCII, as nearly every address is.
fn is_graphic(text: &str) -> bool {
    text.bytes().fold(true, |graphic, byte| graphic & byte.is_ascii_graphic())
}

/// An e-mail address that can be stored: normalised, one `@` with something on either side, no white space.
///
/// Addresses are unique whatever their case, and databases fold ASCII only; so an address with other letters is kept
/// in lower case as a whole, and one in ASCII keeps the directory's spelling.
#[derive(Clone, PartialEq, Eq)]
pub struct EmailAddress<'a>(Cow<'a, str>);

impl<'a> EmailAddress<'a> {
    /// The longest address that is taken, in bytes (RFC 3696, erratum 1690).
    pub const MAX_BYTES: usize = 254;

    /// A usable address, or `None`.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut address = normalise(text)?;
        let is_graphic = is_graphic(&address);
        if !is_graphic && !address.is_ascii() {
            address = Cow::Owned(address.to_lowercase().nfc().collect());
        }
        let (local, domain) = address.split_once('@')?;
        let usable = !local.is_empty()
            && !domain.is_empty()
            && !domain.contains('@')
            && address.len() <= Self::MAX_BYTES
            && (is_graphic || !address.chars().any(|c| c.is_whitespace() || c.is_control()));
        usable.then_some(Self(address))
    }

    /// The address as it is stored and shown.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What comes before the `@`.
    #[must_use]
    pub fn local_part(&self) -> &str {
        self.0.split_once('@').map_or("", |(local, _)| local)
    }

    /// The form by which addresses are compared.
    #[must_use]
    pub fn key(&self) -> EmailKey {
        EmailKey::of(&self.0)
    }
}

impl fmt::Debug for EmailAddress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(…)")
    }
}

/// An address folded as the stores' unique index folds it: ASCII letters in lower case.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EmailKey(String);

impl EmailKey {
    /// The key of an address, whether it is one of ours or one that the product wrote.
    #[must_use]
    pub fn of(address: &str) -> Self {
        Self(address.to_ascii_lowercase())
    }

    /// The folded address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What comes after the `@`.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

impl fmt::Debug for EmailKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_trimmed_composed_and_free_of_nul() {
        assert_eq!(normalise("  Zoe\u{308} \u{a0}").as_deref(), Some("Zo\u{eb}"));
        assert_eq!(normalise("a\0b \0").as_deref(), Some("ab"));
        assert_eq!(normalise(" \t\0 "), None);
    }

    #[test]
    fn normalising_twice_changes_nothing() {
        for text in ["  Zoe\u{308}", "\0 x \0", "\u{1e9b}\u{323}", "家族 名\u{3000}"] {
            let once = normalise(text).unwrap();
            assert_eq!(normalise(&once).as_ref(), Some(&once));
        }
    }

    #[test]
    fn addresses_need_two_sides_and_no_white_space() {
        for bad in ["", "a", "@b", "a@", "a@b@c", "a b@c", "a@b\u{7}", &format!("{}@x", "a".repeat(260))] {
            assert_eq!(EmailAddress::parse(bad), None, "{bad}");
        }
        assert_eq!(EmailAddress::parse(" O'Neil@X.org ").unwrap().as_str(), "O'Neil@X.org");
    }

    #[test]
    fn keys_fold_case_and_letters_beyond_ascii_are_stored_folded() {
        assert_eq!(EmailAddress::parse("ZOE@X.org").unwrap().key(), EmailKey::of("zoe@x.ORG"));
        assert_eq!(EmailAddress::parse("ZOË@X.org").unwrap().as_str(), "zoë@x.org");
        assert_eq!(EmailKey::of("a@Example.ORG").domain(), "example.org");
    }
}
