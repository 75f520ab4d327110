//! Incremental SHA-256 as lower-case hexadecimal.

use ring::digest::{Context, SHA256};

/// A SHA-256 computation over bytes that come in pieces.
///
/// The pieces are joined without separators: a caller that hashes several fields delimits them itself.
#[derive(Clone)]
pub struct Digest(Context);

impl Digest {
    /// Starts over no bytes.
    #[must_use]
    pub fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    /// Appends `bytes`.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash of all bytes so far: 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn finish_hex(self) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut hex = String::with_capacity(64);
        for byte in self.0.finish().as_ref() {
            hex.push(char::from(DIGITS[usize::from(byte >> 4)]));
            hex.push(char::from(DIGITS[usize::from(byte & 0x0f)]));
        }
        hex
    }
}

impl Default for Digest {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Digest {
    /// Shows no state: what is hashed may be confidential.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Digest").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::Digest;

    /// FIPS 180-4 example messages: empty, one block, two blocks.
    #[test]
    fn published_sha_256_vectors() {
        for (message, expected) in [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
            ),
        ] {
            let mut digest = Digest::new();
            digest.update(message.as_bytes());
            assert_eq!(digest.finish_hex(), expected, "{message:?}");
        }
    }

    #[test]
    fn pieces_hash_like_the_whole() {
        let mut pieces = Digest::default();
        pieces.update(b"a");
        pieces.update(b"");
        pieces.update(b"bc");
        let mut whole = Digest::new();
        whole.update(b"abc");
        assert_eq!(pieces.finish_hex(), whole.finish_hex());
    }
}
