//! `connection test`

use anyhow::Context;
use http_api::model::TestView;

use super::problem::refused;
use crate::{exit::Exit, expiry, session::Invocation, show::check};

/// Which connection.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Its id or display name; may be left out with a single connection
    connection: Option<String>,
}

pub(super) async fn run(args: &Args, invocation: Invocation) -> anyhow::Result<Exit> {
    let session = invocation.open().await?;
    let tenant = session.tenant().await?;
    let connection = session.connection_or_only(&tenant, args.connection.as_deref()).await?;
    let tried = session.engine()?.test_connection(tenant.id, connection.id).await;
    let checks = tried.map_err(|error| refused("the connection cannot be tried", error))?;
    let report = TestView::from(checks.context("the connection is gone")?);
    session.format.show(&report, check::list)?;
    expiry::warn(&connection);
    Ok(if report.ok { Exit::Done } else { Exit::Failed })
}
