//! `user list`, `user show`

use anyhow::Context;
use directory_core::{EmailAddress, EmailKey, UserId, UserStatus};
use http_api::model::UserView;
use store::{IdPage, UserFilter, UserRecord};
use uuid::Uuid;

use crate::{
    exit::BadUsage,
    paging::PageArgs,
    session::{Invocation, Session},
    show::user,
    words::word_of,
};

/// What to do with users.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Show the tenant's users
    List(ListArgs),
    /// Show one user
    Show(ShowArgs),
}

/// Which users.
#[derive(clap::Args)]
pub(crate) struct ListArgs {
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

/// Which user.
#[derive(clap::Args)]
pub(crate) struct ShowArgs {
    /// The user's id or e-mail address
    user: String,
}

pub(crate) async fn run(command: Command, invocation: Invocation) -> anyhow::Result<()> {
    match command {
        Command::List(args) => list(args, invocation).await,
        Command::Show(args) => show(&args, invocation).await,
    }
}

async fn list(args: ListArgs, invocation: Invocation) -> anyhow::Result<()> {
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

async fn show(args: &ShowArgs, invocation: Invocation) -> anyhow::Result<()> {
    let named = Named::parse(&args.user)?;
    let session = invocation.open().await?;
    let tenant = session.tenant().await?;
    let found = named.find(&session, tenant.id).await?;
    let record = found.with_context(|| format!("there is no user `{}` in tenant `{}`", args.user, tenant.slug))?;
    session.format.show(&UserView::from(record), user::one)
}

/// How a user is named.
enum Named {
    Id(UserId),
    Email(EmailKey),
}

impl Named {
    fn parse(text: &str) -> Result<Self, BadUsage> {
        if let Ok(id) = text.parse() {
            return Ok(Self::Id(id));
        }
        email(text)
            .map(Self::Email)
            .map_err(|_| BadUsage(format!("`{text}` is neither a user's id nor an e-mail address")))
    }

    async fn find(self, session: &Session, tenant: directory_core::TenantId) -> anyhow::Result<Option<UserRecord>> {
        match self {
            Self::Id(id) => Ok(session.store.user(tenant, id).await?),
            Self::Email(email) => {
                let filter = UserFilter { email: Some(email), ..UserFilter::default() };
                Ok(session.store.users(tenant, &filter, IdPage { after: None, limit: 1 }).await?.pop())
            }
        }
    }
}

fn email(text: &str) -> Result<EmailKey, String> {
    EmailAddress::parse(text).map(|address| address.key()).ok_or_else(|| "not an e-mail address".to_owned())
}
