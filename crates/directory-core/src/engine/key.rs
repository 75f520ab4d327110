//! Compact keys: 16 bytes for an id or an e-mail address of any length.

use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasherDefault, Hash, Hasher},
};

use uuid::Uuid;

use crate::{EmailKey, ExternalId};

/// 128 bits that stand for an id or an address. A GUID is its own key; other text is hashed, and that two users of one
/// directory share a key by chance is as unlikely as two random GUIDs being equal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key([u64; 2]);

/// As two numbers: the array's own way would take them for bytes of some length.
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self([high, low]) = *self;
        state.write_u64(high);
        state.write_u64(low);
    }
}

impl Key {
    pub(crate) fn of_id(id: &ExternalId) -> Self {
        Self::of_stored_id(id.as_str())
    }

    /// The key of an id as it is stored.
    pub(crate) fn of_stored_id(text: &str) -> Self {
        // Ids are compared exactly, so only the canonical spelling may stand for its bits.
        let canonical = text.len() == 36 && !text.bytes().fold(false, |any, byte| any | byte.is_ascii_uppercase());
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

    /// FNV-1a with 128 bits. Pinned rather than the standard library's, because keys break ties: the same listing is to
    /// give the same plan from every build of this program.
    fn of_text(text: &str) -> Self {
        const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
        const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
        let hash = text.bytes().fold(OFFSET, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME));
        let (high, low) = Uuid::from_u128(hash).as_u64_pair();
        Self([high, low])
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
    fn text_is_hashed_as_published() {
        // FNV-1a, 128 bits, of "a".
        assert!(Key::of_text("a") == Key([0xd228_cb69_6f1a_8caf, 0x7891_2b70_4e4a_8964]));
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
