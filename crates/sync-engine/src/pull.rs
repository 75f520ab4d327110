//! Reading the listing, planning it and staging the plan, all at the same time: while one page is planned the next is
//! fetched and those before are written. At most a few pages are in memory. Fetching is a task of its own, so that the
//! directory is asked for the next page even while another is worked on.

use std::panic::resume_unwind;

use directory_core::{
    Action, Change, Continuation, DirectoryEntry, ExternalId, FailureKind, Listing, ListingEnd, ListingPage,
    ProviderError, Reconciler, Roll, RunErrorCode, UserId,
};
use futures_util::{future, try_join};
use store::{Connection, Lease, NewChange, StagedPage, Store, StoreError};
use tokio::{sync::mpsc, task::JoinError};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;
use uuid::Uuid;

use crate::{failure::RunFailure, heartbeat::Pulse, stage::stage};

/// Pages between two of the three stages.
const AHEAD: usize = 2;

/// Pages in a row that tell only of users told of before, after which a listing is taken for one that never ends.
const PAGES_WITHOUT_NEWS: u32 = 100;

/// A listing that was read and staged.
pub(crate) struct Pulled {
    /// The engine's state after it.
    pub(crate) engine: Reconciler,
    /// How it ended.
    pub(crate) end: ListingEnd,
    /// Where the next one may go on.
    pub(crate) continuation: Option<Continuation>,
}

/// Reads and stages a listing: a `whole` one of everybody, or one of changes.
pub(crate) async fn pull(
    listing: Box<dyn Listing>,
    whole: bool,
    store: &dyn Store,
    connection: &Connection,
    ignored: &[ExternalId],
    lease: &Lease,
    pulse: &Pulse,
) -> Result<Pulled, RunFailure> {
    let (to_plan, mut pages) = mpsc::channel::<ListingPage>(AHEAD);
    let (to_stage, plans) = mpsc::channel::<StagedPage>(AHEAD);

    let fetch = AbortOnDropHandle::new(tokio::spawn(fetch(listing, to_plan).in_current_span()));
    let fetch = async {
        match fetch.await.map_err(JoinError::try_into_panic) {
            Ok(read) => read,
            Err(Ok(panic)) => resume_unwind(panic),
            // Only the end of the program's runtime stops it so.
            Err(Err(_)) => future::pending().await,
        }
    };
    let plan = async move {
        let roll = roll(store, connection, lease, whole).await?;
        let Connection { id, policy, default_role, .. } = connection.clone();
        let engine = Reconciler::new(id, policy, default_role, roll).ignoring(ignored);
        let mut planner = Planner { engine, store, connection };
        let mut without_news = 0;
        while let Some(page) = pages.recv().await {
            let seen = planner.engine.seen();
            let staged = planner.plan(&page.entries).await?;
            if planner.engine.is_unclear() {
                return Err(RunFailure::Unclear);
            }
            pulse.has_seen(planner.engine.seen());
            // How many pages without any entry are too many is the provider's to know.
            if planner.engine.seen() > seen {
                without_news = 0;
            } else if page.entries.iter().any(|entry| !matches!(entry, DirectoryEntry::Changed(_))) {
                without_news += 1;
            }
            if without_news >= PAGES_WITHOUT_NEWS {
                return Err(never_ends().into());
            }
            if staged != StagedPage::default() {
                hand_on(&to_stage, staged).await;
            }
        }
        Ok(planner.engine)
    };
    let stage = async {
        let write = |page: StagedPage| async move { store.stage(lease, &page).await };
        Ok(stage(plans, write).await?)
    };
    let ((end, continuation), engine, ()) = try_join!(fetch, plan, stage)?;
    Ok(Pulled { engine, end, continuation })
}

/// Reads a listing to its end: how it ended, and where the next one may go on.
async fn fetch(
    mut listing: Box<dyn Listing>,
    to_plan: mpsc::Sender<ListingPage>,
) -> Result<(ListingEnd, Option<Continuation>), RunFailure> {
    let mut nameless = false;
    loop {
        let page = listing.next_page().await?;
        let end = page.end;
        nameless |= page.entries.contains(&DirectoryEntry::Unreadable(None));
        hand_on(&to_plan, page).await;
        if let Some(end) = end {
            // A record that is nobody's cannot be asked for again: the next listing has to have it.
            return Ok((end, listing.continuation().filter(|_| !nameless)));
        }
    }
}

fn never_ends() -> ProviderError {
    ProviderError {
        kind: FailureKind::Protocol,
        code: RunErrorCode::ProviderProtocol,
        message: format!(
            "The listing does not end: {PAGES_WITHOUT_NEWS} pages in a row told only of users that were listed before."
        ),
        hint: "Nothing was changed. Start the sync again later; if it goes on, report it to the directory's support."
            .to_owned(),
        request_id: None,
    }
}

/// Hands a page to the next stage. That stage has stopped listening only if it failed, and then its error ends all
/// three; there is nothing to do here but wait for that.
async fn hand_on<T>(to: &mpsc::Sender<T>, page: T) {
    if to.send(page).await.is_err() {
        future::pending::<()>().await;
    }
}

struct Planner<'a> {
    engine: Reconciler,
    store: &'a dyn Store,
    connection: &'a Connection,
}

impl Planner<'_> {
    async fn plan(&mut self, entries: &[DirectoryEntry]) -> Result<StagedPage, RunFailure> {
        let Connection { tenant, id, .. } = *self.connection;
        let page = self.engine.open(entries);
        let linked = match page.ids_to_look_up() {
            [] => Vec::new(),
            ids => self.store.users_by_external_id(tenant, id, ids).await?,
        };
        let page = page.beside(&linked);
        let emails = self.engine.emails_to_look_up(&page);
        let holders = if emails.is_empty() { Vec::new() } else { self.store.users_by_email(tenant, &emails).await? };
        let plan = self.engine.page(&page, &holders);
        Ok(StagedPage { retracted: plan.retracted, changes: plan.changes.into_iter().map(to_stage).collect() })
    }
}

/// Everybody who is linked to the connection, for a whole listing; of changes nobody needs to be known beforehand.
async fn roll(store: &dyn Store, connection: &Connection, lease: &Lease, whole: bool) -> Result<Roll, StoreError> {
    // Random, and another one for each run.
    let (_, seed) = lease.run.0.as_u64_pair();
    let mut roll = Roll::new(seed);
    if !whole {
        return Ok(roll);
    }
    store.linked_profiles(connection.tenant, connection.id, &mut |user| roll.add(user)).await?;
    Ok(roll.whole())
}

/// A change with the id of the user that it makes, if it makes one: chosen here, so that the plan is complete.
pub(crate) fn to_stage(change: Change) -> NewChange {
    let new_user = (change.action == Action::Create).then(|| UserId(Uuid::now_v7()));
    NewChange { change, new_user }
}
