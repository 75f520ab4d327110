//! Object ids that are computed, never stored.
//!
//! A directory of a million users costs nothing because a user is a number; an id is that number, scrambled so that it
//! looks like any other object id and can be turned back without a table.

use uuid::{Builder, Uuid};

/// Which numbering an object belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    /// A user computed from the seed.
    Generated,
    /// A user somebody added.
    Added,
    /// A group.
    Group,
    /// A device: nothing but a member of groups.
    Device,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Generated, Self::Added, Self::Group, Self::Device];
}

/// An object's place in the directory. Its order is the order of every listing, so that it is also the page cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key(u64);

impl Key {
    pub(crate) const FIRST: Self = Self(0);

    pub(crate) const fn new(kind: Kind, number: u32) -> Self {
        Self((kind as u64) << 32 | number as u64)
    }

    /// A cursor from a page link. A link is sealed, so that the number is one that [`Self::cursor`] gave.
    pub(crate) const fn from_cursor(cursor: u64) -> Self {
        Self(cursor)
    }

    pub(crate) const fn cursor(self) -> u64 {
        self.0
    }

    pub(crate) const fn kind(self) -> Kind {
        match self.0 >> 32 {
            0 => Kind::Generated,
            1 => Kind::Added,
            2 => Kind::Group,
            _ => Kind::Device,
        }
    }

    pub(crate) const fn is_user(self) -> bool {
        matches!(self.kind(), Kind::Generated | Kind::Added)
    }

    pub(crate) const fn is_group(self) -> bool {
        matches!(self.kind(), Kind::Group)
    }

    /// How many objects of `kind` lie before this place.
    pub(crate) fn numbers_before(self, kind: Kind) -> u32 {
        let past = self.0.saturating_sub(Self::new(kind, 0).0);
        u32::try_from(past).unwrap_or(u32::MAX)
    }
}

/// The reversible mapping between places and ids, for one seed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ids {
    seed: u64,
}

impl Ids {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { seed }
    }

    pub(crate) fn id(self, key: Key) -> Uuid {
        let [_, _, _, kind, number @ ..] = key.0.to_be_bytes();
        let head = scramble(u32::from_be_bytes(number) ^ self.mask(kind));
        let middle = mix(self.seed ^ mix(key.0));
        let tail = mix(middle ^ key.0);
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&head.to_be_bytes());
        bytes[4..8].copy_from_slice(&middle.to_be_bytes()[..4]);
        bytes[8..].copy_from_slice(&tail.to_be_bytes());
        Builder::from_random_bytes(bytes).into_uuid()
    }

    /// The place of an id that this seed gave; `None` for any other id.
    pub(crate) fn key(self, id: Uuid) -> Option<Key> {
        let [a, b, c, d, ..] = *id.as_bytes();
        let number = unscramble(u32::from_be_bytes([a, b, c, d]));
        Kind::ALL.into_iter().map(|kind| Key::new(kind, number ^ self.mask(kind as u8))).find(|key| self.id(*key) == id)
    }

    /// Different for each kind, so that the first user and the first group do not look alike.
    fn mask(self, kind: u8) -> u32 {
        let [a, b, c, d, ..] = mix(self.seed ^ mix(u64::from(kind))).to_be_bytes();
        u32::from_be_bytes([a, b, c, d])
    }
}

/// Spreads a number over all 64 bits (the finalizer of `SplitMix64`).
pub(crate) const fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// A permutation of the 32-bit numbers (the finalizer of `MurmurHash3`).
const fn scramble(mut x: u32) -> u32 {
    x = (x ^ (x >> 16)).wrapping_mul(0x85eb_ca6b);
    x = (x ^ (x >> 13)).wrapping_mul(0xc2b2_ae35);
    x ^ (x >> 16)
}

/// Undoes [`scramble`]: the multipliers are the inverses modulo 2^32.
const fn unscramble(mut x: u32) -> u32 {
    x = (x ^ (x >> 16)).wrapping_mul(0x7ed1_b41d);
    x = (x ^ (x >> 13) ^ (x >> 26)).wrapping_mul(0xa5cb_9243);
    x ^ (x >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_key_comes_back_from_its_id() {
        let ids = Ids::new(7);
        for number in (0..5_000).chain([999_999, u32::MAX - 1, u32::MAX]) {
            for kind in Kind::ALL {
                let key = Key::new(kind, number);
                assert_eq!(ids.key(ids.id(key)), Some(key), "{key:?}");
                assert_eq!((key.kind(), key.is_group()), (kind, kind == Kind::Group));
            }
        }
    }

    #[test]
    fn ids_are_distinct_version_4_and_differ_by_seed() {
        let seen: HashSet<Uuid> = Kind::ALL
            .into_iter()
            .flat_map(|kind| (0..10_000).map(move |number| Key::new(kind, number)))
            .map(|key| Ids::new(1).id(key))
            .collect();
        assert_eq!(seen.len(), 40_000);
        assert!(seen.iter().all(|id| id.get_version_num() == 4));
        assert!(!seen.contains(&Ids::new(2).id(Key::FIRST)));
    }

    #[test]
    fn a_foreign_id_has_no_key() {
        let ids = Ids::new(1);
        assert_eq!(ids.key(Uuid::nil()), None);
        assert_eq!(ids.key(Ids::new(2).id(Key::FIRST)), None);
        let mut bytes = *ids.id(Key::FIRST).as_bytes();
        bytes[15] ^= 1;
        assert_eq!(ids.key(Uuid::from_bytes(bytes)), None);
    }

    #[test]
    fn a_place_knows_what_lies_before_it() {
        assert_eq!(Key::new(Kind::Generated, 5).numbers_before(Kind::Generated), 5);
        assert_eq!(Key::new(Kind::Generated, 5).numbers_before(Kind::Added), 0);
        assert_eq!(Key::new(Kind::Added, 3).numbers_before(Kind::Generated), u32::MAX);
        assert_eq!(Key::new(Kind::Added, 3).numbers_before(Kind::Added), 3);
    }
}
