//! A round of changes as a listing.

use std::sync::Arc;

use async_trait::async_trait;
use directory_core::{
    Continuation, DirectoryEntry, ExternalId, FailureKind, Listing, ListingEnd, ListingPage, ProviderError,
};
use tracing::debug;

use crate::{
    client::GraphClient,
    error::protocol,
    request::{GraphRequest, changes_at},
    retry::Patience,
    trail::Trail,
};

use super::{
    link::Links,
    page::{ChangesPage, Told, parse_changes},
    reread::read_users,
};

/// Users read anew for one page of the listing.
const REREAD_AT_ONCE: usize = 150;

pub(crate) struct EntraChanges {
    client: Arc<GraphClient>,
    trail: Trail,
    /// To be told of before anything else.
    reread: Vec<ExternalId>,
    state: State,
    /// Somebody of whom something changed could not be read: the next round has to tell it again.
    open: bool,
}

enum State {
    Next(GraphRequest),
    Complete(Links),
    Failed(ProviderError),
}

impl EntraChanges {
    pub(crate) fn new(
        client: Arc<GraphClient>,
        since: &Continuation,
        reread: Vec<ExternalId>,
    ) -> Result<Self, ProviderError> {
        let links = Links::of(client.target().graph(), since).ok_or_else(useless)?;
        let first = changes_at(links.users);
        let trail = Trail::new(&client, &first);
        Ok(Self { client, trail, reread, state: State::Next(first), open: false })
    }

    async fn fetch(&mut self, request: &GraphRequest) -> Result<(ListingPage, State), ProviderError> {
        if !self.reread.is_empty() {
            let some = self.reread.split_off(self.reread.len().saturating_sub(REREAD_AT_ONCE));
            let entries = self.completed(some.into_iter().map(Told::Part).collect()).await?;
            return Ok((ListingPage { entries, end: None }, State::Next(request.clone())));
        }
        let mut patience = Patience::for_page(self.client.bounds());
        let read = self.client.read(request, parse_changes, &mut patience).await;
        let read = read.map_err(|error| if self.trail.pages() == 0 { of_the_first(error) } else { error })?;
        let ChangesPage { objects, told, next_link, delta_link } = read.value;
        self.trail.has_read(objects);
        debug!(page = self.trail.pages(), objects, last = delta_link.is_some(), "page of changes read");
        let state = match (next_link, delta_link) {
            (Some(link), None) => self.trail.follow(&self.client, request, &link).map(State::Next),
            (_, link) => link
                .and_then(|link| Links::new(self.client.target().graph(), &link))
                .map(State::Complete)
                .ok_or_else(foreign),
        };
        let state = state.map_err(|mut error| {
            error.request_id = read.request_id;
            error
        })?;
        let end = matches!(state, State::Complete(_)).then_some(ListingEnd::Incremental);
        Ok((ListingPage { entries: self.completed(told).await?, end }, state))
    }

    /// The entries in the order in which they were told, those read anew that were not told as a whole.
    async fn completed(&mut self, told: Vec<Told>) -> Result<Vec<DirectoryEntry>, ProviderError> {
        let parts = told.iter().filter_map(|told| match told {
            Told::Part(id) => Some(id.clone()),
            Told::Entry(_) => None,
        });
        let read = read_users(&self.client, &parts.collect::<Vec<_>>()).await?;
        let mut entries = Vec::with_capacity(told.len());
        for told in told {
            match told {
                Told::Entry(entry) => entries.push(entry),
                Told::Part(id) => match read.get(&id) {
                    Some(entry) => entries.push(entry.clone()),
                    // Nobody is called absent for that.
                    None => self.open = true,
                },
            }
        }
        Ok(entries)
    }
}

#[async_trait]
impl Listing for EntraChanges {
    async fn next_page(&mut self) -> Result<ListingPage, ProviderError> {
        let request = match &self.state {
            State::Next(request) => request.clone(),
            State::Complete(_) => {
                return Ok(ListingPage { entries: Vec::new(), end: Some(ListingEnd::Incremental) });
            }
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
        match &self.state {
            // Else the old link stays, which tells everything again.
            State::Complete(links) if !self.open => Some(links.to_continuation()),
            State::Complete(_) | State::Next(_) | State::Failed(_) => None,
        }
    }
}

/// A link that Graph refuses in a way that makes no sense is of no more use than one that has expired.
fn of_the_first(error: ProviderError) -> ProviderError {
    match error.kind {
        FailureKind::Protocol => ProviderError { kind: FailureKind::ListingExpired, ..error },
        _ => error,
    }
}

fn useless() -> ProviderError {
    let error = protocol(
        "The place from which Microsoft Graph was to tell changes is not one of its own.",
        "Nothing has to be changed: the directory is listed as a whole.",
    );
    ProviderError { kind: FailureKind::ListingExpired, ..error }
}

fn foreign() -> ProviderError {
    protocol(
        "Microsoft Graph's changes end with a link that leads elsewhere.",
        "Run again. If it stays so, check proxies between this server and Microsoft and the Graph URL if it is set, \
         and report it with the request ID.",
    )
}
