//! `run changes`

use directory_core::{Action, RunId};
use http_api::model::ChangeView;
use store::{ChangeFilter, Outcome, SeqPage};

use crate::{paging::PageArgs, session::Invocation, show::change, words::word_of};

const ACTIONS: &[Action] = &[
    Action::Create,
    Action::Link,
    Action::Update,
    Action::Deactivate,
    Action::Reactivate,
    Action::Conflict,
    Action::Protected,
];
const OUTCOMES: &[Outcome] = &[Outcome::Planned, Outcome::Applied, Outcome::Rejected, Outcome::Stale, Outcome::Failed];

/// Which changes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The run's id
    #[arg(value_name = "RUN")]
    id: RunId,
    /// Only this kind
    #[arg(long, value_parser = word_of(ACTIONS, Action::as_str))]
    action: Option<Action>,
    /// Only those of which this became
    #[arg(long, value_parser = word_of(OUTCOMES, Outcome::as_str))]
    outcome: Option<Outcome>,
    #[command(flatten)]
    page: PageArgs<u32>,
}

pub(super) async fn run(args: &Args, invocation: Invocation) -> anyhow::Result<()> {
    let session = invocation.open().await?;
    let tenant = session.tenant().await?;
    let run = super::named(&session, &tenant, args.id).await?;
    let filter = ChangeFilter { action: args.action, outcome: args.outcome };
    let page = SeqPage { after: args.page.cursor.unwrap_or(0), limit: args.page.to_read() };
    let changes = session.store.changes(tenant.id, run.id, filter, page).await?;
    args.page.show::<_, ChangeView>(session.format, changes, |change| change.seq.to_string(), change::list)
}
