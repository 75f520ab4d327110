//! `connection preview`

use http_api::model::ConnectionPatch;
use store::Draft;

use super::{draft::DraftArgs, problem::bad_usage};
use crate::{
    exit::{BadUsage, Exit},
    follow,
    session::Invocation,
};

/// What to try on which connection. The values' form is judged where the REST API judges it.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Its id or display name
    connection: String,
    /// Only queue the run, for a server to carry out
    #[arg(long)]
    detach: bool,
    #[command(flatten)]
    draft: DraftArgs,
}

pub(super) async fn run(args: Args, invocation: Invocation) -> anyhow::Result<Exit> {
    let patch = args.draft.into_patch();
    if patch == ConnectionPatch::default() {
        return Err(BadUsage(
            "there is nothing to try; `directoryctl sync CONNECTION --dry-run` goes by the connection as it is"
                .to_owned(),
        )
        .into());
    }
    let session = invocation.open().await?;
    let tenant = session.tenant().await?;
    let connection = session.connection(&tenant, &args.connection).await?;
    let tried = patch.resolve(&connection).map_err(|errors| bad_usage(&errors))?;
    let draft = Draft::from(tried);
    let engine = session.engine()?;
    let created = engine.request_preview(&session.by, tenant.id, connection.id, draft).await;
    let id = follow::queued(created, connection.id)?;
    if args.detach {
        follow::detached(&session, tenant.id, id).await
    } else {
        follow::to_the_end(&session, &engine, tenant.id, id).await
    }
}
