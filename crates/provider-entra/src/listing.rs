//! A listing: pages one after another, until one has no next link (protocol reference §2.3).

use std::{fmt::Display, sync::Arc};

use async_trait::async_trait;
use directory_core::{Listing, ListingEnd, ListingPage, ProviderError};
use tracing::debug;

use crate::{
    client::GraphClient,
    error::protocol,
    links::LinkGuard,
    page::{Page, parse_page},
    request::GraphRequest,
    retry::Patience,
};

pub(crate) struct EntraListing {
    client: Arc<GraphClient>,
    links: LinkGuard,
    state: State,
    pages: u32,
    empty_pages: u32,
}

enum State {
    Next(GraphRequest),
    Complete,
    Failed(ProviderError),
}

impl EntraListing {
    pub(crate) fn new(client: Arc<GraphClient>) -> Self {
        let first = client.target().listing();
        let links = LinkGuard::new(client.target().graph().clone(), &first.url);
        Self { client, links, state: State::Next(first), pages: 0, empty_pages: 0 }
    }

    async fn fetch(&mut self, request: &GraphRequest) -> Result<(ListingPage, State), ProviderError> {
        let mut patience = Patience::for_page(self.client.bounds());
        let read = self.client.read(request, parse_page, &mut patience).await?;
        self.pages += 1;
        let Page { objects, entries, next_link } = read.value;
        debug!(page = self.pages, objects, entries = entries.len(), last = next_link.is_none(), "page read");
        let Some(link) = next_link else {
            return Ok((ListingPage { entries, end: Some(ListingEnd::Complete) }, State::Complete));
        };
        self.empty_pages = if objects == 0 { self.empty_pages + 1 } else { 0 };
        let next = self.next(request, &link).map_err(|mut error| {
            error.request_id = read.request_id;
            error
        })?;
        Ok((ListingPage { entries, end: None }, State::Next(next)))
    }

    fn next(&mut self, request: &GraphRequest, link: &str) -> Result<GraphRequest, ProviderError> {
        let bounds = self.client.bounds();
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

#[async_trait]
impl Listing for EntraListing {
    async fn next_page(&mut self) -> Result<ListingPage, ProviderError> {
        let request = match &self.state {
            State::Next(request) => request.clone(),
            State::Complete => return Ok(ListingPage { entries: Vec::new(), end: Some(ListingEnd::Complete) }),
            // A listing that has failed must never come to a good end.
            State::Failed(error) => return Err(error.clone()),
        };
        match self.fetch(&request).await {
            Ok((page, state)) => {
                self.state = state;
                Ok(page)
            }
            Err(error) => {
                self.state = State::Failed(error.clone());
                Err(error)
            }
        }
    }
}

/// The link itself is not named: it may hold anything.
fn endless(what: impl Display) -> ProviderError {
    protocol(
        &format!("Microsoft Graph's listing {what}, so it cannot be complete."),
        "Run again. If it stays so, check proxies between this server and Microsoft and the Graph URL if it is set, \
         and report it with the request ID.",
    )
}
