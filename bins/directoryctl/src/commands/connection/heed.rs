//! `connection heed`

use anyhow::{Context, bail};

use super::DirectoryUser;
use crate::{output::note, session::Invocation};

pub(super) async fn run(args: &DirectoryUser, invocation: Invocation) -> anyhow::Result<()> {
    let session = invocation.open().await?;
    let tenant = session.tenant().await?;
    let connection = session.connection(&tenant, &args.connection).await?.id;
    let id = &args.external_id;
    let done = session.store.heed_user(&session.by, tenant.id, connection, id).await;
    if !done.context("the directory user is still ignored")? {
        bail!("directory user {id} was not ignored; `directoryctl connection ignored {connection}` shows who is");
    }
    note(&format!("from the next run on the connection heeds directory user {id}"));
    Ok(())
}
