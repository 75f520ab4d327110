//! From where keys may come.

use url::{Host, Url};

/// Why keys may not come from an address; goes on from the name of its setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressFault {
    /// Whoever sits on the way could put keys of his own in, so plain HTTP is for this machine only.
    #[error("must be https: plain http is for loopback addresses only")]
    Plain,
    /// Not HTTP at all.
    #[error("must be an https:// address")]
    OtherScheme,
    /// It holds what is not sent, or what would be shown in logs and must not.
    #[error("must not hold a user or a fragment")]
    NotBare,
}

/// Judges the address of an issuer or of its keys. A query is part of it: some issuers tell their key sets apart by one.
pub fn check_address(url: &Url) -> Result<(), AddressFault> {
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(url) => {}
        "http" => return Err(AddressFault::Plain),
        _ => return Err(AddressFault::OtherScheme),
    }
    let bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    if bare { Ok(()) } else { Err(AddressFault::NotBare) }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("https://login.example.test/keys?p=policy", None)]
    #[case("http://127.0.0.1:8080", None)]
    #[case("http://[::1]:8080", None)]
    #[case("http://localhost:8080", None)]
    #[case("http://login.example.test", Some(AddressFault::Plain))]
    #[case("http://localhost.example.test", Some(AddressFault::Plain))]
    #[case("http://10.0.0.1", Some(AddressFault::Plain))]
    #[case("file:///etc/keys", Some(AddressFault::OtherScheme))]
    #[case("https://user@login.example.test", Some(AddressFault::NotBare))]
    #[case("https://:word@login.example.test", Some(AddressFault::NotBare))]
    #[case("https://login.example.test/#a", Some(AddressFault::NotBare))]
    fn addresses(#[case] url: &str, #[case] fault: Option<AddressFault>) {
        assert_eq!(check_address(&Url::parse(url).unwrap()).err(), fault);
    }
}
