//! `user list`

use directory_core::{EmailKey, UserStatus};
use http_api::model::UserView;
use store::{IdPage, UserFilter};
use uuid::Uuid;

use super::named::email;
use crate::{paging::PageArgs, session::Invocation, show::user, words::word_of};

/// Which users.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only those that this connection, by id or display name, brought or took over
    #[arg(long)]
    connection: Option<String>,
    /// Only those in this status
    #[arg(long, value_parser = word_of(&[UserStatus::Active, UserStatus::Inactive], UserStatus::as_str))]
    status: Option<UserStatus>,
    /// Only the one with this address, whatever its case
    #[arg(long, value_parser = email)]
    email: Option<EmailKey>,
    #[command(flatten)]
    page: PageArgs<Uuid>,
}

pub(super) async fn run(args: Args, invocation: Invocation) -> anyhow::Result<()> {
    let session = invocation.open().await?;
    let tenant = session.tenant().await?;
    let connection = match &args.connection {
        Some(named) => Some(session.connection(&tenant, named).await?.id),
        None => None,
    };
    let filter = UserFilter { connection, status: args.status, email: args.email };
    let page = IdPage { after: args.page.cursor, limit: args.page.to_read() };
    let users = session.store.users(tenant.id, &filter, page).await?;
    args.page.show::<_, UserView>(session.format, users, |record| record.user.id.to_string(), user::list)
}
