//! `connection ignore`

use anyhow::{Context, bail};

use super::DirectoryUser;
use crate::{output::note, session::Invocation};

pub(super) async fn run(args: &DirectoryUser, invocation: Invocation) -> anyhow::Result<()> {
    let session = invocation.open().await?;
    let tenant = session.tenant().await?;
    let connection = session.connection(&tenant, &args.connection).await?.id;
    let id = &args.external_id;
    let done = session.store.ignore_user(&session.by, tenant.id, connection, id).await;
    if !done.context("the directory user is not ignored")? {
        bail!("the connection is gone");
    }
    note(&format!(
        "from the next run on the connection leaves directory user {id} alone, and whoever is linked to it; \
         `directoryctl connection heed {connection} {id}` ends that"
    ));
    Ok(())
}
