//! A listing's way from page to page: bounded, and never in a circle.

use std::fmt::Display;

use directory_core::ProviderError;

use crate::{client::GraphClient, error::protocol, links::LinkGuard, request::GraphRequest};

pub(crate) struct Trail {
    links: LinkGuard,
    pages: u32,
    empty_pages: u32,
}

impl Trail {
    pub(crate) fn new(client: &GraphClient, first: &GraphRequest) -> Self {
        Self { links: LinkGuard::new(client.target().graph().clone(), &first.url), pages: 0, empty_pages: 0 }
    }

    /// Pages read so far.
    pub(crate) fn pages(&self) -> u32 {
        self.pages
    }

    /// A page was read that had so many objects.
    pub(crate) fn has_read(&mut self, objects: usize) {
        self.pages += 1;
        self.empty_pages = if objects == 0 { self.empty_pages + 1 } else { 0 };
    }

    /// Where a next link leads.
    pub(crate) fn follow(
        &mut self,
        client: &GraphClient,
        request: &GraphRequest,
        link: &str,
    ) -> Result<GraphRequest, ProviderError> {
        let bounds = client.bounds();
        if self.pages >= bounds.pages {
            return Err(endless(format_args!("has more than {} pages", bounds.pages)));
        }
        if self.empty_pages > bounds.empty_pages {
            return Err(endless(format_args!("has more than {} empty pages in a row", bounds.empty_pages)));
        }
        let url = self.links.follow(link).map_err(|fault| endless(format_args!("has a next link that {fault}")))?;
        Ok(request.at(url))
    }
}

/// The link itself is not named: it may hold anything.
pub(crate) fn endless(what: impl Display) -> ProviderError {
    protocol(
        &format!("Microsoft Graph's listing {what}, so it cannot be complete."),
        "Run again. If it stays so, check proxies between this server and Microsoft and the Graph URL if it is set, \
         and report it with the request ID.",
    )
}
