//! `run show`

use http_api::model::RunView;

use super::OneRun;
use crate::{session::Invocation, show::run};

pub(super) async fn run(args: &OneRun, invocation: Invocation) -> anyhow::Result<()> {
    let session = invocation.open().await?;
    let tenant = session.tenant().await?;
    let found = super::named(&session, &tenant, args.id).await?;
    session.format.show(&RunView::from(found), run::one)
}
