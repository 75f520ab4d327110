//! `run cancel`

use anyhow::Context;
use directory_core::RunId;
use store::RunStatus;

use super::OneRun;
use crate::session::Invocation;

pub(super) async fn run(args: &OneRun, invocation: Invocation) -> anyhow::Result<()> {
    let session = invocation.open().await?;
    let tenant = session.tenant().await?;
    let found = super::named(&session, &tenant, args.id).await?;
    let ending = session.store.cancel_run(&session.by, tenant.id, found.id).await;
    let ending = ending.context("the run was not cancelled")?;
    super::show_ended(&session, ending, |status| refusal(found.id, status))
}

fn refusal(id: RunId, status: RunStatus) -> String {
    if status == RunStatus::Held {
        return format!("run {id} is held and does nothing: `directoryctl run reject {id}` turns its plan down");
    }
    format!(
        "run {id} has ended ({}), so there is nothing left to cancel: `directoryctl run changes {id}` shows what became \
         of it",
        status.as_str()
    )
}
