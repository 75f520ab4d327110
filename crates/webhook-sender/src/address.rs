//! Where messages may go.

use std::net::IpAddr;

use url::{Host, Url};

use crate::is_public;

/// The longest address that is taken, in bytes.
pub const LONGEST_ADDRESS: usize = 2_048;

/// How far messages may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// To the public internet, over TLS.
    Public,
    /// To wherever a name or an address leads, and to this machine without TLS too: for intranets and tests.
    Anywhere,
}

/// Why messages may not go to an address; goes on from its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressFault {
    /// Everybody on the way could read the message.
    #[error("must be an https:// address")]
    Plain,
    /// It holds what would be shown where it must not, or what is not sent.
    #[error("must not hold a user, a password or a fragment")]
    NotBare,
    /// Only this machine, or the network that it is in, gets there.
    #[error("must be an address on the public internet")]
    NotPublic,
    /// Nobody needs that.
    #[error("must not be longer than {LONGEST_ADDRESS} bytes")]
    TooLong,
}

/// Judges an address by what it says. Where a name leads is judged when a message goes there, each time.
pub fn check_address(url: &Url, reach: Reach) -> Result<(), AddressFault> {
    let anywhere = reach == Reach::Anywhere;
    match url.scheme() {
        "https" => {}
        "http" if anywhere && is_this_machine(url) => {}
        _ => return Err(AddressFault::Plain),
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(AddressFault::NotBare);
    }
    if url.as_str().len() > LONGEST_ADDRESS {
        return Err(AddressFault::TooLong);
    }
    // A client connects to a number without asking what it stands for.
    let number = match url.host() {
        Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        Some(Host::Domain(_)) | None => None,
    };
    match number {
        Some(address) if !anywhere && !is_public(address) => Err(AddressFault::NotPublic),
        _ => Ok(()),
    }
}

fn is_this_machine(url: &Url) -> bool {
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
    #[case("https://hooks.example.test/in?code=1", None, None)]
    #[case("https://1.1.1.1:8443/", None, None)]
    #[case("http://hooks.example.test", Some(AddressFault::Plain), Some(AddressFault::Plain))]
    #[case("http://1.1.1.1", Some(AddressFault::Plain), Some(AddressFault::Plain))]
    #[case("http://10.0.0.1", Some(AddressFault::Plain), Some(AddressFault::Plain))]
    #[case("file:///etc/passwd", Some(AddressFault::Plain), Some(AddressFault::Plain))]
    #[case("http://127.0.0.1:8080", Some(AddressFault::Plain), None)]
    #[case("http://localhost:8080", Some(AddressFault::Plain), None)]
    #[case("http://[::1]:8080", Some(AddressFault::Plain), None)]
    #[case("http://localhost.example.test", Some(AddressFault::Plain), Some(AddressFault::Plain))]
    #[case("https://user@hooks.example.test", Some(AddressFault::NotBare), Some(AddressFault::NotBare))]
    #[case("https://:word@hooks.example.test", Some(AddressFault::NotBare), Some(AddressFault::NotBare))]
    #[case("https://hooks.example.test/#a", Some(AddressFault::NotBare), Some(AddressFault::NotBare))]
    #[case("https://127.0.0.1", Some(AddressFault::NotPublic), None)]
    #[case("https://169.254.169.254", Some(AddressFault::NotPublic), None)]
    // The same numbers as people write them to get past such checks.
    #[case("https://2130706433", Some(AddressFault::NotPublic), None)]
    #[case("https://0x7f.1", Some(AddressFault::NotPublic), None)]
    #[case("https://0177.0.0.1", Some(AddressFault::NotPublic), None)]
    #[case("https://0", Some(AddressFault::NotPublic), None)]
    #[case("https://[::]", Some(AddressFault::NotPublic), None)]
    #[case("https://[::ffff:10.0.0.1]", Some(AddressFault::NotPublic), None)]
    #[case("https://[fd00::1]", Some(AddressFault::NotPublic), None)]
    fn addresses(#[case] url: &str, #[case] public: Option<AddressFault>, #[case] anywhere: Option<AddressFault>) {
        let url = Url::parse(url).unwrap();
        assert_eq!(check_address(&url, Reach::Public).err(), public);
        assert_eq!(check_address(&url, Reach::Anywhere).err(), anywhere);
    }

    #[test]
    fn an_endless_address_is_refused() {
        let url = |length: usize| {
            let start = "https://hooks.example.test/";
            Url::parse(&format!("{start}{}", "a".repeat(length - start.len()))).unwrap()
        };
        assert_eq!(check_address(&url(LONGEST_ADDRESS), Reach::Public), Ok(()));
        assert_eq!(check_address(&url(LONGEST_ADDRESS + 1), Reach::Public), Err(AddressFault::TooLong));
    }
}
