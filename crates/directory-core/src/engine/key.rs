//! Compact keys: 16 bytes for an id or an e-mail address of any length.

use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher},
};

use uuid::Uuid;

use crate::{EmailKey, ExternalId};

/// 128 bits that stand for an id or an address. A GUID is its own key; other text is hashed, and that two users of one
/// directory share a key by chance is as unlikely as two random GUIDs being equal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key([u64; 2]);

impl Key {
    pub(crate) fn of_id(id: &ExternalId) -> Self {
        let text = id.as_str();
        // Ids are compared exactly, so only the canonical spelling may stand for its bits.
        let canonical = text.len() == 36 && !text.bytes().any(|b| b.is_ascii_uppercase());
        match Uuid::try_parse(text) {
            Ok(guid) if canonical => {
                let (high, low) = guid.as_u64_pair();
                Self([high, low])
            }
            _ => Self::of_text(text),
        }
    }

    pub(crate) fn of_email(email: &EmailKey) -> Self {
        Self::of_text(email.as_str())
    }

    fn of_text(text: &str) -> Self {
        // Keys live as long as one run, so a hasher that may change with the toolchain is good enough.
        let half = |salt: u8| {
            let mut hasher = DefaultHasher::new();
            salt.hash(&mut hasher);
            text.hash(&mut hasher);
            hasher.finish()
        };
        Self([half(1), half(2)])
    }
}

/// Folds a key, which is well mixed already, into 64 bits. Deterministic, unlike the standard map's own.
#[derive(Default)]
pub(crate) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn write_u64(&mut self, word: u64) {
        // A multiplication by an odd constant spreads ids that differ in a few bits only.
        self.0 = (self.0.rotate_left(29) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

pub(crate) type KeySet = HashSet<Key, BuildHasherDefault<KeyHasher>>;
pub(crate) type KeyMap<T> = HashMap<Key, T, BuildHasherDefault<KeyHasher>>;

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        Key::of_id(&ExternalId::parse(text).unwrap())
    }

    #[test]
    fn ids_that_differ_in_case_only_are_different() {
        assert!(key("1f6a2c0e-0b1d-4c58-9b1e-5f6a1d2c3b4a") != key("1F6A2C0E-0b1d-4c58-9b1e-5f6a1d2c3b4a"));
        assert!(key("00uAbC") != key("00uabc"));
    }

    #[test]
    fn a_set_of_neighbouring_guids_spreads_over_its_buckets() {
        let finish = |n: u128| {
            let mut hasher = KeyHasher::default();
            key(&Uuid::from_u128(n).to_string()).hash(&mut hasher);
            hasher.finish() % 1024
        };
        let used: HashSet<u64> = (0..4096).map(finish).collect();
        assert!(used.len() > 900, "{} of 1024 buckets", used.len());
    }
}
