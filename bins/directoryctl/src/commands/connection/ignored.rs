//! `connection ignored`

use std::str::FromStr;

use directory_core::ExternalId;
use http_api::model::IgnoredUserView;
use store::ExternalPage;
use thiserror::Error;

use crate::{paging::PageArgs, session::Invocation, show::ignored, words};

/// A page of a list that is ordered by directory users' ids starts after one of them.
#[derive(Clone)]
pub(crate) struct Cursor(ExternalId);

/// The text cannot be a cursor.
#[derive(Debug, Error)]
#[error("{0}")]
pub(crate) struct NoCursor(String);

impl FromStr for Cursor {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        words::external_id(text).map(Self).map_err(NoCursor)
    }
}

/// Of which connection.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Its id or display name; may be left out with a single connection
    connection: Option<String>,
    #[command(flatten)]
    page: PageArgs<Cursor>,
}

pub(super) async fn run(args: &Args, invocation: Invocation) -> anyhow::Result<()> {
    let session = invocation.open().await?;
    let tenant = session.tenant().await?;
    let connection = session.connection_or_only(&tenant, args.connection.as_deref()).await?;
    let after = args.page.cursor.clone().map(|cursor| cursor.0);
    let page = ExternalPage { after, limit: args.page.to_read() };
    let users = session.store.ignored_users(tenant.id, connection.id, page).await?;
    args.page.show::<_, IgnoredUserView>(session.format, users, |user| user.external_id.to_string(), ignored::list)
}
