//! A round of changes as a listing: users asked for, users who changed, and then, with a group, who came into it and who
//! left.

use std::{collections::HashSet, sync::Arc};

use async_trait::async_trait;
use directory_core::{
    Continuation, DirectoryEntry, ExternalId, FailureKind, Listing, ListingEnd, ListingPage, ProviderError,
};
use tracing::debug;
use url::Url;

use crate::{
    client::{GraphClient, Read},
    error::protocol,
    page::BodyFault,
    request::{GraphRequest, Subject, changes_at},
    retry::Patience,
    trail::Trail,
};

use super::{
    link::{Links, own},
    members::{Membership, parse_members},
    page::{Told, parse_changes},
    reread::read_users,
    said::Said,
};

/// Users read anew in one listing; for more of them, reading everybody takes fewer requests.
const MOST_REREAD: usize = 20_000;

/// Users read anew for one page of the listing.
const REREAD_AT_ONCE: usize = 150;

pub(crate) struct EntraChanges {
    client: Arc<GraphClient>,
    state: State,
    /// Of the round that is being read, of users or of members.
    trail: Trail,
    /// To be read before anything else.
    reread: Vec<ExternalId>,
    /// With a group: where its round begins.
    group: Option<GraphRequest>,
    membership: Membership,
    reread_so_far: usize,
    /// Of whom something changed that could not be read, `None` for somebody without an id: the next round has to tell it
    /// again.
    open: HashSet<Option<ExternalId>>,
}

#[derive(Clone)]
enum State {
    Users(GraphRequest),
    Members {
        request: GraphRequest,
        users: Url,
    },
    /// Nothing but whoever is left to be read anew.
    Ending(Links),
    Complete(Links),
    Failed(ProviderError),
}

/// What follows a page of a round.
enum Onward {
    Next(GraphRequest),
    End(Url),
}

impl EntraChanges {
    pub(crate) fn new(
        client: Arc<GraphClient>,
        since: &Continuation,
        reread: Vec<ExternalId>,
    ) -> Result<Self, ProviderError> {
        let target = client.target();
        let has_group = target.latest_members().is_some();
        let links = Links::of(target.graph(), has_group, since).ok_or_else(useless)?;
        let first = changes_at(links.users, Subject::Users);
        let group = links.members.map(|link| changes_at(link, Subject::Members));
        let (trail, membership) = (Trail::new(&client, &first), Membership::default());
        let (state, open) = (State::Users(first), HashSet::new());
        Ok(Self { client, state, trail, reread, group, membership, reread_so_far: 0, open })
    }

    async fn step(&mut self) -> Result<(ListingPage, State), ProviderError> {
        let more = |entries, state| Ok((ListingPage { entries, end: None }, state));
        match self.state.clone() {
            state @ (State::Users(_) | State::Ending(_)) if !self.reread.is_empty() => {
                let some = self.reread.split_off(self.reread.len().saturating_sub(REREAD_AT_ONCE));
                let told = some.into_iter().map(|id| Told::Part(id, Said::default())).collect();
                let entries = self.completed(told, true).await?;
                more(entries, state)
            }
            State::Users(request) => {
                let (told, onward) = self.users(&request).await?;
                let of_anybody = self.group.is_some();
                let mut entries = self.completed(told, !of_anybody).await?;
                if of_anybody {
                    entries = entries.into_iter().filter_map(|entry| self.of_anybody(entry)).collect();
                }
                match onward {
                    Onward::Next(next) => more(entries, State::Users(next)),
                    Onward::End(users) => match self.group.take() {
                        Some(request) => {
                            self.trail = Trail::new(&self.client, &request);
                            more(entries, State::Members { request, users })
                        }
                        None => more(entries, State::Ending(Links { users, members: None })),
                    },
                }
            }
            State::Members { request, users } => match self.members(&request).await? {
                Onward::Next(request) => more(Vec::new(), State::Members { request, users }),
                Onward::End(members) => {
                    let (came, left) = std::mem::take(&mut self.membership).into_parts();
                    self.reread = came;
                    for id in &left {
                        self.settle(id);
                    }
                    let left = left.into_iter().map(DirectoryEntry::Removed).collect();
                    more(left, State::Ending(Links { users, members: Some(members) }))
                }
            },
            State::Ending(links) | State::Complete(links) => {
                let end = Some(ListingEnd::Incremental);
                Ok((ListingPage { entries: Vec::new(), end }, State::Complete(links)))
            }
            // A listing that has failed must never come to a good end.
            State::Failed(error) => Err(error),
        }
    }

    async fn users(&mut self, request: &GraphRequest) -> Result<(Vec<Told>, Onward), ProviderError> {
        let page = self.read(request, parse_changes).await?;
        let (request_id, page) = (page.request_id, page.value);
        self.trail.has_read(page.objects);
        debug!(page = self.trail.pages(), objects = page.objects, "page of changed users read");
        let onward = self.onward(request, page.next_link.as_deref(), page.delta_link.as_deref(), request_id)?;
        Ok((page.told, onward))
    }

    async fn members(&mut self, request: &GraphRequest) -> Result<Onward, ProviderError> {
        let page = self.read(request, parse_members).await?;
        let (request_id, page) = (page.request_id, page.value);
        self.trail.has_read(page.groups.len());
        debug!(page = self.trail.pages(), groups = page.groups.len(), "page of changed members read");
        self.membership.take(self.client.target(), page.groups)?;
        self.onward(request, page.next_link.as_deref(), page.delta_link.as_deref(), request_id)
    }

    async fn read<T>(
        &self,
        request: &GraphRequest,
        parse: fn(&[u8]) -> Result<T, BodyFault>,
    ) -> Result<Read<T>, ProviderError> {
        let mut patience = Patience::for_page(self.client.bounds());
        let read = self.client.read(request, parse, &mut patience).await;
        read.map_err(|error| if self.trail.pages() == 0 { of_the_first(error) } else { error })
    }

    fn onward(
        &mut self,
        request: &GraphRequest,
        next_link: Option<&str>,
        delta_link: Option<&str>,
        request_id: Option<String>,
    ) -> Result<Onward, ProviderError> {
        let onward = match (next_link, delta_link) {
            (Some(link), None) => self.trail.follow(&self.client, request, link).map(Onward::Next),
            (_, link) => {
                link.and_then(|link| own(self.client.target().graph(), link)).map(Onward::End).ok_or_else(foreign)
            }
        };
        onward.map_err(|error| ProviderError { request_id, ..error })
    }

    /// What is told of whoever it may be. Who cannot be read is told of again, until that is possible or everybody is read.
    fn of_anybody(&mut self, entry: DirectoryEntry) -> Option<DirectoryEntry> {
        match entry {
            DirectoryEntry::Present(user) => Some(DirectoryEntry::Changed(user)),
            DirectoryEntry::Unreadable(id) => {
                self.open.insert(id);
                None
            }
            other => Some(other),
        }
    }

    /// A later word was told of somebody who was left open.
    fn settle(&mut self, id: &ExternalId) {
        self.open.remove(&Some(id.clone()));
    }

    /// The entries in the order in which they were told, those read anew that were not told as a whole. `settles`: whoever is
    /// present here is known to be in scope, so that nothing is left open of them.
    async fn completed(&mut self, told: Vec<Told>, settles: bool) -> Result<Vec<DirectoryEntry>, ProviderError> {
        let parts = told.iter().filter_map(|told| match told {
            Told::Part(id, _) => Some(id.clone()),
            Told::Entry(_) => None,
        });
        let parts: Vec<ExternalId> = parts.collect();
        self.reread_so_far += parts.len();
        if self.reread_so_far > MOST_REREAD {
            return Err(too_many());
        }
        let read = read_users(&self.client, &parts).await?;
        let mut entries = Vec::with_capacity(told.len());
        for told in told {
            let entry = match told {
                Told::Entry(entry) => entry,
                Told::Part(id, said) => {
                    let Some(entry) = read.get(&id) else {
                        // Nobody is called absent for that.
                        self.open.insert(Some(id));
                        continue;
                    };
                    said.over(entry.clone())
                }
            };
            match &entry {
                DirectoryEntry::Present(user) if settles => self.settle(&user.external_id),
                DirectoryEntry::Removed(id) => self.settle(id),
                _ => {}
            }
            entries.push(entry);
        }
        Ok(entries)
    }
}

#[async_trait]
impl Listing for EntraChanges {
    async fn next_page(&mut self) -> Result<ListingPage, ProviderError> {
        match self.step().await {
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
            // Else the old place stays, from which everything is told again.
            State::Complete(links) if self.open.is_empty() => Some(links.to_continuation()),
            _ => None,
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

fn too_many() -> ProviderError {
    let error = protocol(
        "Microsoft Graph tells more changes than can be read one by one.",
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
