//! `user link`

use anyhow::{Context, anyhow};
use directory_core::{ConnectionId, ExternalId};
use http_api::model::UserView;
use store::{Linking, UserRecord};

use super::named::Named;
use crate::{output::note, session::Invocation, show::user, words};

/// Whom to tie to whom.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The local user's id or e-mail address
    user: String,
    /// The connection, by id or display name, whose directory user it is
    #[arg(long)]
    connection: String,
    /// The directory's own id of the directory user, as conflicts in `run changes` give it
    #[arg(long, value_name = "ID", value_parser = words::external_id)]
    external_id: ExternalId,
}

pub(super) async fn run(args: &Args, invocation: Invocation) -> anyhow::Result<()> {
    let named = Named::parse(&args.user)?;
    let session = invocation.open().await?;
    let tenant = session.tenant().await?;
    let connection = session.connection(&tenant, &args.connection).await?.id;
    let found = named.find(&session, &tenant).await?;
    let linking = session.store.link_user(&session.by, tenant.id, found.user.id, connection, &args.external_id).await;
    let linked = linked(linking.context("the user was not linked")?, &found, connection, &args.external_id)?;
    session.format.show(&UserView::from(linked), user::one)?;
    note(&format!("the next sync brings the user up to date: `directoryctl sync {connection}`"));
    Ok(())
}

/// The linked user, or why it is not and what to do instead.
fn linked(
    linking: Linking,
    found: &UserRecord,
    connection: ConnectionId,
    external_id: &ExternalId,
) -> anyhow::Result<UserRecord> {
    let user = found.user.id;
    Err(match linking {
        Linking::Linked(record) => return Ok(*record),
        Linking::UserIsLinked => anyhow!(
            "user {user} is linked to another directory user; if that is wrong, `directoryctl user unlink {user}` \
             first"
        ),
        Linking::LinkedTo(other) => anyhow!(
            "directory user {external_id} is linked to user {other}; if that is wrong, `directoryctl user unlink \
             {other}` first"
        ),
        Linking::UnknownDirectoryUser => anyhow!(
            "no run of this connection met a directory user {external_id} as a conflict; start `directoryctl sync \
             {connection}` and take the id from `directoryctl run changes RUN --action conflict`"
        ),
        Linking::NoConnection => anyhow!("the connection is gone"),
        Linking::NoUser => anyhow!("the user is gone"),
    })
}
