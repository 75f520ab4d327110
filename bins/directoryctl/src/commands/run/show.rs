//! `run show`

use directory_core::RunId;
use http_api::model::RunView;

use crate::{session::Invocation, show::run};

/// Which run.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Its id
    #[arg(value_name = "RUN")]
    id: RunId,
}

pub(super) async fn run(args: &Args, invocation: Invocation) -> anyhow::Result<()> {
    let session = invocation.open().await?;
    let tenant = session.tenant().await?;
    let found = super::named(&session, &tenant, args.id).await?;
    session.format.show(&RunView::from(found), run::one)
}
