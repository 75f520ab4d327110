//! The name of a key.

const MAX_BYTES: u8 = 32;

/// 1 to 32 characters of `A-Z a-z 0-9 _ -`, hence safe in a key file, an envelope, an error and a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyId {
    text: String,
    bytes: u8,
}

impl KeyId {
    /// `None` for a text that is no key id.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = u8::try_from(text.len()).ok()?;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        ((1..=MAX_BYTES).contains(&bytes) && text.bytes().all(allowed)).then(|| Self { text: text.to_owned(), bytes })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The length in bytes, as an envelope states it.
    pub(crate) fn length(&self) -> u8 {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::KeyId;

    #[test]
    fn the_alphabet_and_the_length_are_limited() {
        let longest = "k".repeat(32);
        for good in ["k", "2026-11_A", &longest] {
            let kid = KeyId::parse(good).unwrap();
            assert_eq!(kid.as_str(), good);
            assert_eq!(usize::from(kid.length()), good.len());
        }
        let too_long = "k".repeat(33);
        let beyond_a_byte = "k".repeat(257);
        for bad in ["", " k", "k:1", "k.1", "ké", "k\n", &too_long, &beyond_a_byte] {
            assert_eq!(KeyId::parse(bad), None, "{bad:?}");
        }
    }
}
