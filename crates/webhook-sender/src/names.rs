//! Where names lead, and which of that may be connected to.

use std::{
    error::Error,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::{Reach, is_public};

/// Where names lead.
#[async_trait]
pub trait Names: Send + Sync {
    /// All addresses of a host, as they are now.
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// Names as the operating system knows them.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemNames;

#[async_trait]
impl Names for SystemNames {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, 0)).await?.map(|found| found.ip()).collect())
    }
}

/// Why a name was not connected to. Travels through the client, which only tells that a connection could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NameFault {
    #[error("the name leads nowhere")]
    Nowhere,
    #[error("the name leads to no address that may be connected to")]
    Refused,
}

impl NameFault {
    /// The fault at the bottom of a client's error, if it is one.
    pub(crate) fn behind(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(fault) = error.downcast_ref::<Self>() {
                return Some(*fault);
            }
            next = error.source();
        }
        None
    }
}

/// Gives the client no address but those that it may connect to. It is asked for each connection, and what it gives is what is
/// connected to: a name that leads elsewhere a moment later is of no use to anybody.
pub(crate) struct Guarded {
    names: Arc<dyn Names>,
    reach: Reach,
}

impl Guarded {
    pub(crate) fn new(names: Arc<dyn Names>, reach: Reach) -> Self {
        Self { names, reach }
    }
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let (names, reach) = (Arc::clone(&self.names), self.reach);
        Box::pin(async move {
            let found = names.addresses(name.as_str()).await.map_err(|_| NameFault::Nowhere)?;
            let allowed = allowed(found, reach)?;
            // The client puts the port of the address in.
            Ok(Box::new(allowed.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

fn allowed(found: Vec<IpAddr>, reach: Reach) -> Result<Vec<IpAddr>, NameFault> {
    if found.is_empty() {
        return Err(NameFault::Nowhere);
    }
    let mut allowed = found;
    if reach == Reach::Public {
        allowed.retain(|address| is_public(*address));
    }
    if allowed.is_empty() { Err(NameFault::Refused) } else { Ok(allowed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_connected_to() {
        let of = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<IpAddr>>();
        let mixed = of(&["10.0.0.1", "1.1.1.1", "fd00::1", "2606:4700:4700::1111", "127.0.0.1"]);
        assert_eq!(allowed(mixed.clone(), Reach::Public), Ok(of(&["1.1.1.1", "2606:4700:4700::1111"])));
        assert_eq!(allowed(mixed.clone(), Reach::Anywhere), Ok(mixed));
        assert_eq!(allowed(of(&["10.0.0.1", "::1"]), Reach::Public), Err(NameFault::Refused));
        assert_eq!(allowed(Vec::new(), Reach::Anywhere), Err(NameFault::Nowhere));
    }
}
