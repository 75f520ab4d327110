//! `user unlink`

use anyhow::Context;
use http_api::model::UserView;

use super::{OneUser, named::Named};
use crate::{output::note, session::Invocation, show::user};

pub(super) async fn run(args: &OneUser, invocation: Invocation) -> anyhow::Result<()> {
    let named = Named::parse(&args.user)?;
    let session = invocation.open().await?;
    let tenant = session.tenant().await?;
    let found = named.find(&session, &tenant).await?.user;
    let unlinked = session.store.unlink_user(&session.by, tenant.id, found.id).await;
    let unlinked = unlinked.context("the user was not unlinked")?;
    session.format.show(&UserView::from(unlinked.context("the user is gone")?), user::one)?;
    match found.link {
        Some(link) => note(&format!(
            "the user is a local one now; to keep the next sync from linking it again by its e-mail address: \
             `directoryctl connection ignore {} {}`",
            link.connection, link.external_id
        )),
        None => note("the user was a local one already"),
    }
    Ok(())
}
