//! `run reject`

use anyhow::Context;
use store::{Run, RunStatus};

use super::OneRun;
use crate::session::Invocation;

pub(super) async fn run(args: &OneRun, invocation: Invocation) -> anyhow::Result<()> {
    let session = invocation.open().await?;
    let tenant = session.tenant().await?;
    let found = super::named(&session, &tenant, args.id).await?;
    let ending = session.store.reject_run(&session.by, tenant.id, found.id).await;
    let ending = ending.context("the run was not rejected")?;
    super::show_ended(&session, ending, |status| refusal(&found, status))
}

fn refusal(run: &Run, status: RunStatus) -> String {
    let id = run.id;
    match status {
        RunStatus::Queued | RunStatus::Running => format!(
            "run {id} is {} and not held, so there is no plan to reject: `directoryctl run cancel {id}` stops it",
            status.as_str()
        ),
        RunStatus::Planned => {
            format!("run {id} was a dry run, which is never applied: there is nothing to reject")
        }
        RunStatus::Superseded => format!(
            "run {id} is no longer held: a newer run took its place; `directoryctl run list {}` shows the newer ones",
            run.connection
        ),
        RunStatus::Held
        | RunStatus::Succeeded
        | RunStatus::CompletedWithErrors
        | RunStatus::Failed
        | RunStatus::Cancelled
        | RunStatus::Rejected => format!(
            "run {id} has ended ({}) and cannot be rejected: `directoryctl run changes {id}` shows what became of it",
            status.as_str()
        ),
    }
}
