//! `events`

use std::time::Duration;

use anyhow::bail;
use directory_core::TenantId;
use http_api::model::EventPageView;
use store::{EventFilter, EventId, EventKind, EventPage, Feed, Store};

use crate::{
    output::{Format, note, print_on},
    session::Invocation,
    show::event,
    words::word_of,
};

const MAX_LIMIT: i64 = 10_000;

/// Between two looks, while nothing happens.
const PAUSE: Duration = Duration::from_secs(1);

/// Which events.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Go on after this place: the `nextCursor` of a page, an event's id, or `latest` for the end [default: the oldest
    /// that is kept]
    #[arg(long, value_name = "CURSOR", value_parser = place)]
    after: Option<Place>,
    /// Only these types, with commas between them
    #[arg(long, value_name = "TYPES", value_delimiter = ',', value_parser = word_of(&EventKind::ALL, EventKind::as_str))]
    types: Vec<EventKind>,
    /// Show at most so many
    #[arg(long, value_name = "NUMBER", default_value = "50", value_parser = clap::value_parser!(u32).range(1..=MAX_LIMIT))]
    limit: u32,
    /// Show them all, one a line, and go on with what is to come
    #[arg(long, conflicts_with = "limit")]
    follow: bool,
}

/// Where to begin.
#[derive(Clone, Copy)]
enum Place {
    After(EventId),
    Latest,
}

fn place(text: &str) -> Result<Place, store::NoEventId> {
    if text == "latest" { Ok(Place::Latest) } else { text.parse().map(Place::After) }
}

pub(crate) async fn run(args: Args, invocation: Invocation) -> anyhow::Result<()> {
    let session = invocation.open().await?;
    let tenant = session.tenant().await?.id;
    let filter = EventFilter { kinds: args.types };
    let after = match args.after {
        None => None,
        Some(Place::After(id)) => Some(id),
        Some(Place::Latest) => Some(session.store.latest_event(tenant).await?),
    };
    if args.follow {
        return follow(&*session.store, session.format, tenant, after, &filter).await;
    }
    let page = EventPageView::from(read(&*session.store, tenant, after, &filter, args.limit).await?);
    let (next, more) = (page.next_cursor, page.has_more);
    session.format.show(&page, event::list)?;
    if session.format == Format::Table && more {
        note(&format!("there are more: --after {next}"));
    }
    Ok(())
}

async fn read(
    store: &dyn Store,
    tenant: TenantId,
    after: Option<EventId>,
    filter: &EventFilter,
    limit: u32,
) -> anyhow::Result<EventPage> {
    match store.events(tenant, after, filter, limit).await? {
        Feed::Page(page) => Ok(page),
        Feed::Gone => bail!(
            "some events after this place were deleted for their age, or the database is an older one; \
             look at the users with `directoryctl user list`, and begin again with `--after latest`"
        ),
    }
}

async fn follow(
    store: &dyn Store,
    format: Format,
    tenant: TenantId,
    mut after: Option<EventId>,
    filter: &EventFilter,
) -> anyhow::Result<()> {
    loop {
        let page = read(store, tenant, after, filter, 500).await?;
        for told in page.events {
            if !print_on(&event::line(format, &told.into())?)? {
                return Ok(());
            }
        }
        after = Some(page.next);
        if !page.more {
            tokio::time::sleep(PAUSE).await;
        }
    }
}
