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
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let mut bytes = Vec::with_capacity(20);
        bytes.extend(place.cursor().to_be_bytes());
        bytes.extend(number.to_be_bytes());
        let seal = self.sign(listing, &bytes);
        bytes.extend(seal);
        format!("{}{TAIL_IN_LINK}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The place that a token stands for, if it was made for this listing.
    pub(crate) fn open(&self, listing: &Listing<'_>, token: &str) -> Option<Key> {
        let bytes = URL_SAFE_NO_PAD.decode(token.strip_suffix(TAIL)?).ok()?;
        let (signed, seal) = bytes.split_at_checked(12)?;
        let place = u64::from_be_bytes(*signed.first_chunk()?);
        (seal == self.sign(listing, signed)).then(|| Key::from_cursor(place))
    }

    /// Enough to notice a token that was changed or moved; nobody attacks a simulator.
    fn sign(&self, listing: &Listing<'_>, bytes: &[u8]) -> [u8; 8] {
        let mut hasher = DefaultHasher::new();
        (self.key, listing, bytes).hash(&mut hasher);
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
