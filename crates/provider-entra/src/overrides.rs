//! Which addresses may stand in for Microsoft's.

use url::{Host, Url};

/// Why an address may not stand in for Microsoft's; goes on from the name of its setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OverrideFault {
    /// Plain HTTP would show the client secret to the network, so it is for this machine only.
    #[error("must be https: plain http is for loopback addresses only")]
    Plain,
    /// Not HTTP at all.
    #[error("must be an https:// address")]
    OtherScheme,
    /// It holds more than a host, a port and a path.
    #[error("must not hold a user, a query or a fragment")]
    NotBare,
}

/// Judges an address for [`login_url`](crate::EntraOptions::login_url) or [`graph_url`](crate::EntraOptions::graph_url),
/// as [`EntraFactory::new`](crate::EntraFactory::new) does.
pub fn check_override(url: &Url) -> Result<(), OverrideFault> {
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(url) => {}
        "http" => return Err(OverrideFault::Plain),
        _ => return Err(OverrideFault::OtherScheme),
    }
    let bare =
        url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    if bare { Ok(()) } else { Err(OverrideFault::NotBare) }
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
    #[case("https://graph.example.test", None)]
    #[case("https://graph.example.test:8443/base", None)]
    #[case("http://127.0.0.1:8080", None)]
    #[case("http://127.9.9.9/base", None)]
    #[case("http://[::1]:8080", None)]
    #[case("http://localhost:8080", None)]
    #[case("http://graph.example.test", Some(OverrideFault::Plain))]
    #[case("http://localhost.example.test", Some(OverrideFault::Plain))]
    #[case("http://10.0.0.1", Some(OverrideFault::Plain))]
    #[case("ftp://127.0.0.1", Some(OverrideFault::OtherScheme))]
    #[case("mailto:localhost", Some(OverrideFault::OtherScheme))]
    #[case("https://user@graph.example.test", Some(OverrideFault::NotBare))]
    #[case("https://:word@graph.example.test", Some(OverrideFault::NotBare))]
    #[case("https://graph.example.test/?a=b", Some(OverrideFault::NotBare))]
    #[case("https://graph.example.test/#a", Some(OverrideFault::NotBare))]
    fn addresses(#[case] url: &str, #[case] fault: Option<OverrideFault>) {
        assert_eq!(check_override(&Url::parse(url).expect("URL")).err(), fault);
    }
}
