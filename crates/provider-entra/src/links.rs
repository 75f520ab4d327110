//! Next links: followed as they are, but only where the token may go, and never in a circle (protocol reference §2.3).

use std::{
    collections::{HashSet, hash_map::RandomState},
    hash::BuildHasher,
};

use url::Url;

/// Graph's own links stay well below this; longer ones could not be sent.
const LONGEST_LINK: usize = 32 << 10;

/// Why a next link is not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LinkFault {
    #[error("is no URL")]
    NotAUrl,
    #[error("is too long")]
    TooLong,
    #[error("leads to another host")]
    OtherHost,
    #[error("leads out of the v1.0 API")]
    OtherPath,
    #[error("was already followed")]
    Repeated,
}

/// Remembers the links of one listing.
pub(crate) struct LinkGuard {
    base: Url,
    /// Hashes, since links are long and a listing may have many. A collision ends the listing, no worse.
    seen: HashSet<u64>,
    hasher: RandomState,
}

impl LinkGuard {
    /// For links below `base`, whose path ends in a slash.
    pub(crate) fn new(base: Url, first: &Url) -> Self {
        let mut guard = Self { base, seen: HashSet::new(), hasher: RandomState::new() };
        guard.seen.insert(guard.hasher.hash_one(first.as_str()));
        guard
    }

    pub(crate) fn follow(&mut self, link: &str) -> Result<Url, LinkFault> {
        let url = check(&self.base, link)?;
        if self.seen.insert(self.hasher.hash_one(url.as_str())) { Ok(url) } else { Err(LinkFault::Repeated) }
    }
}

/// The URL of a link that the token may be sent to.
pub(crate) fn check(base: &Url, link: &str) -> Result<Url, LinkFault> {
    if link.len() > LONGEST_LINK {
        return Err(LinkFault::TooLong);
    }
    let url = Url::parse(link).map_err(|_| LinkFault::NotAUrl)?;
    // A user name before the host would be sent along as a credential, and hides the real host from a reader.
    let same = url.scheme() == base.scheme()
        && url.host() == base.host()
        && url.port_or_known_default() == base.port_or_known_default()
        && url.username().is_empty()
        && url.password().is_none();
    if !same {
        return Err(LinkFault::OtherHost);
    }
    // `Url` has resolved any `..` by now.
    if url.path().starts_with(base.path()) { Ok(url) } else { Err(LinkFault::OtherPath) }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn guard() -> LinkGuard {
        let base = Url::parse("https://graph.microsoft.com/v1.0/").expect("URL");
        let first = base.join("users?$top=999").expect("URL");
        LinkGuard::new(base, &first)
    }

    #[rstest]
    #[case("https://graph.microsoft.com/v1.0/users?$skiptoken=a", None)]
    #[case("https://GRAPH.microsoft.com:443/v1.0/groups/x/members/microsoft.graph.user?$skiptoken=a", None)]
    #[case("https://graph.microsoft.com.evil.test/v1.0/users", Some(LinkFault::OtherHost))]
    #[case("https://graph.microsoft.com@evil.test/v1.0/users", Some(LinkFault::OtherHost))]
    #[case("https://evil.test@graph.microsoft.com/v1.0/users", Some(LinkFault::OtherHost))]
    #[case("http://graph.microsoft.com/v1.0/users", Some(LinkFault::OtherHost))]
    #[case("https://graph.microsoft.com:8443/v1.0/users", Some(LinkFault::OtherHost))]
    #[case("https://graph.microsoft.us/v1.0/users", Some(LinkFault::OtherHost))]
    #[case("https://graph.microsoft.com/beta/users", Some(LinkFault::OtherPath))]
    #[case("https://graph.microsoft.com/v1.0/../beta/users", Some(LinkFault::OtherPath))]
    #[case("https://graph.microsoft.com/v1.0/%2e%2e/beta/users", Some(LinkFault::OtherPath))]
    #[case("/v1.0/users?$skiptoken=a", Some(LinkFault::NotAUrl))]
    #[case("", Some(LinkFault::NotAUrl))]
    #[case("https://graph.microsoft.com/v1.0/users?$top=999", Some(LinkFault::Repeated))]
    fn links(#[case] link: &str, #[case] fault: Option<LinkFault>) {
        assert_eq!(guard().follow(link).err(), fault);
    }

    #[test]
    fn tokens_pass_unchanged_and_once() {
        let link = "https://graph.microsoft.com/v1.0/users?$select=id%2cdisplayName&$top=999&$skiptoken=RFNwdAIAAQAAAB-opaque-~_%27x+/=";
        let mut guard = guard();
        assert_eq!(guard.follow(link).expect("followed").as_str(), link);
        assert_eq!(guard.follow(link), Err(LinkFault::Repeated));
    }

    #[test]
    fn long_links_are_refused() {
        let link = format!("https://graph.microsoft.com/v1.0/users?$skiptoken={}", "a".repeat(LONGEST_LINK));
        assert_eq!(guard().follow(&link), Err(LinkFault::TooLong));
    }
}
