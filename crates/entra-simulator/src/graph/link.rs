//! Page tokens: opaque, and good only for the request that they continue.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::directory::Key;

/// Ends every token: an apostrophe, as real ones have, breaks clients that decode and encode links again.
const TAIL: &str = "_'";
const TAIL_IN_LINK: &str = "_%27";

/// Makes and checks page tokens. Nothing is remembered: a token carries its place, sealed together with the request
/// that it continues.
pub(crate) struct Sealer {
    key: Uuid,
    made: AtomicU32,
}

/// What a page token is bound to: everything about the request but the token.
#[derive(Hash)]
pub(crate) struct Listing<'a> {
    pub(crate) tenant: Uuid,
    pub(crate) path: &'a str,
    /// The query as it was written, without the token.
    pub(crate) options: &'a str,
    /// Whether the advanced index answers: both kinds of page token are not exchangeable.
    pub(crate) advanced: bool,
}

impl Sealer {
    pub(crate) fn new() -> Self {
        Self { key: Uuid::new_v4(), made: AtomicU32::new(0) }
    }

    /// A token, as it is written into a link, for the page that starts at `place`. No two are alike.
    pub(crate) fn seal(&self, listing: &Listing<'_>, place: Key) -> String {
        self.seal_bytes(listing, &place.cursor().to_be_bytes())
    }

    /// The place that a token stands for, if it was made for this listing.
    pub(crate) fn open(&self, listing: &Listing<'_>, token: &str) -> Option<Key> {
        let place = self.open_bytes(listing, token)?;
        Some(Key::from_cursor(u64::from_be_bytes(place.try_into().ok()?)))
    }

    /// A token, as it is written into a link, that carries `bytes` and is bound to `purpose`. No two are alike.
    pub(crate) fn seal_bytes(&self, purpose: &impl Hash, bytes: &[u8]) -> String {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let mut bytes = [&number.to_be_bytes(), bytes].concat();
        let seal = self.sign(purpose, &bytes);
        bytes.extend(seal);
        format!("{}{TAIL_IN_LINK}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// What a token carries, if it was made for this purpose.
    pub(crate) fn open_bytes(&self, purpose: &impl Hash, token: &str) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(token.strip_suffix(TAIL)?).ok()?;
        let (signed, seal) = bytes.split_last_chunk::<8>()?;
        let carried = signed.get(4..)?;
        (*seal == self.sign(purpose, signed)).then(|| carried.to_vec())
    }

    /// Enough to notice a token that was changed or moved; nobody attacks a simulator.
    fn sign(&self, purpose: &impl Hash, bytes: &[u8]) -> [u8; 8] {
        let mut hasher = DefaultHasher::new();
        (self.key, bytes).hash(&mut hasher);
        purpose.hash(&mut hasher);
        hasher.finish().to_be_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTING: Listing<'_> =
        Listing { tenant: Uuid::nil(), path: "/v1.0/users", options: "$top=5", advanced: false };

    #[test]
    fn a_token_is_good_only_for_its_listing() {
        let sealer = Sealer::new();
        let place = Key::from_cursor(77);
        let link = sealer.seal(&LISTING, place);
        assert_ne!(link, sealer.seal(&LISTING, place));
        let token = link.replace("%27", "'");
        assert_eq!(sealer.open(&LISTING, &token), Some(place));
        let others = [
            Listing { tenant: Uuid::max(), ..LISTING },
            Listing { path: "/v1.0/groups", ..LISTING },
            Listing { options: "$top=6", ..LISTING },
            Listing { advanced: true, ..LISTING },
        ];
        for other in others {
            assert_eq!(sealer.open(&other, &token), None);
        }
        assert_eq!(Sealer::new().open(&LISTING, &token), None);
    }

    #[test]
    fn nonsense_is_no_token() {
        let sealer = Sealer::new();
        for token in ["", "_'", "AAAA_'", "not base64!_'", "AAAAAAAAAAAAAAAAAAAAAAAAAAA_'"] {
            assert_eq!(sealer.open(&LISTING, token), None, "{token}");
        }
    }
}
