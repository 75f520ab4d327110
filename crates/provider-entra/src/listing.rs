//! A listing: pages one after another, until one has no next link (protocol reference §2.3).

use std::sync::Arc;

use async_trait::async_trait;
use directory_core::{Continuation, Listing, ListingEnd, ListingPage, ProviderError};
use tracing::debug;

use crate::{
    changes,
    client::GraphClient,
    page::{Page, parse_page},
    request::GraphRequest,
    retry::Patience,
    trail::Trail,
};

pub(crate) struct EntraListing {
    client: Arc<GraphClient>,
    trail: Trail,
    state: State,
    /// Changes from before the first page on.
    continuation: Option<Continuation>,
}

enum State {
    Next(GraphRequest),
    Complete,
    Failed(ProviderError),
}

impl EntraListing {
    pub(crate) fn new(client: Arc<GraphClient>) -> Self {
        let first = client.target().listing();
        let trail = Trail::new(&client, &first);
        Self { client, trail, state: State::Next(first), continuation: None }
    }

    async fn fetch(&mut self, request: &GraphRequest) -> Result<(ListingPage, State), ProviderError> {
        if self.trail.pages() == 0 {
            // Before anything is listed: what changes during the listing is told then, whether the listing has it or not.
            self.continuation = changes::from_now_on(&self.client).await?;
        }
        let mut patience = Patience::for_page(self.client.bounds());
        let read = self.client.read(request, parse_page, &mut patience).await?;
        let Page { objects, entries, next_link } = read.value;
        self.trail.has_read(objects);
        debug!(page = self.trail.pages(), objects, entries = entries.len(), last = next_link.is_none(), "page read");
        let Some(link) = next_link else {
            return Ok((ListingPage { entries, end: Some(ListingEnd::Complete) }, State::Complete));
        };
        let next = self.trail.follow(&self.client, request, &link).map_err(|mut error| {
            error.request_id = read.request_id;
            error
        })?;
        Ok((ListingPage { entries, end: None }, State::Next(next)))
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

    fn continuation(&self) -> Option<Continuation> {
        self.continuation.clone().filter(|_| matches!(self.state, State::Complete))
    }
}
