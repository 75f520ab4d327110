//! `run list`

use http_api::model::RunView;
use store::IdPage;
use uuid::Uuid;

use crate::{paging::PageArgs, session::Invocation, show::run};

/// Which runs.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The connection's id or display name; may be left out with a single connection
    connection: Option<String>,
    #[command(flatten)]
    page: PageArgs<Uuid>,
}

pub(super) async fn run(args: &Args, invocation: Invocation) -> anyhow::Result<()> {
    let session = invocation.open().await?;
    let tenant = session.tenant().await?;
    let connection = session.connection_or_only(&tenant, args.connection.as_deref()).await?;
    let page = IdPage { after: args.page.cursor, limit: args.page.to_read() };
    let runs = session.store.runs(tenant.id, connection.id, page).await?;
    args.page.show::<_, RunView>(session.format, runs, |run| run.id.to_string(), run::list)
}
