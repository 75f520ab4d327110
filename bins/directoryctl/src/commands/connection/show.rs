//! `connection show`

use crate::{expiry, session::Invocation, show::connection};

/// Which connection.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Its id or display name; may be left out with a single connection
    connection: Option<String>,
}

pub(super) async fn run(args: &Args, invocation: Invocation) -> anyhow::Result<()> {
    let session = invocation.open().await?;
    let tenant = session.tenant().await?;
    let named = session.connection_or_only(&tenant, args.connection.as_deref()).await?;
    for view in super::views(&session, vec![named.clone()]).await? {
        session.format.show(&view, connection::one)?;
    }
    expiry::warn(&named);
    Ok(())
}
