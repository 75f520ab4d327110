//! `migrate`

use crate::{output::note, session::Invocation};

/// Opening a session migrates; there is nothing else to do.
pub(crate) async fn run(invocation: Invocation) -> anyhow::Result<()> {
    invocation.open().await?;
    note("the database's schema is up to date");
    Ok(())
}
