//! `run …`

mod approve;
mod cancel;
mod changes;
mod list;
mod positions;
mod reject;
mod show;

use anyhow::{Context, bail};
use directory_core::RunId;
use store::{Ending, Run, RunStatus, Tenant};

use crate::{
    exit::Exit,
    follow,
    session::{Invocation, Session},
};

/// What to do with runs.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Show a connection's runs, newest first
    List(list::Args),
    /// Show one run
    Show(OneRun),
    /// Show what a run changed, or would change
    Changes(changes::Args),
    /// Apply a held run's plan, or some of it, exactly as it was reviewed
    Approve(approve::Args),
    /// Turn a held run's plan down: nothing of it is applied
    Reject(OneRun),
    /// Stop a queued or running run; what it has applied stays applied
    Cancel(OneRun),
}

/// Which run.
#[derive(clap::Args)]
pub(crate) struct OneRun {
    /// The run's id
    #[arg(value_name = "RUN")]
    id: RunId,
}

pub(crate) async fn run(command: Command, invocation: Invocation) -> anyhow::Result<Exit> {
    match command {
        Command::Approve(args) => return approve::run(&args, invocation).await,
        Command::List(args) => list::run(&args, invocation).await,
        Command::Show(args) => show::run(&args, invocation).await,
        Command::Changes(args) => changes::run(&args, invocation).await,
        Command::Reject(args) => reject::run(&args, invocation).await,
        Command::Cancel(args) => cancel::run(&args, invocation).await,
    }?;
    Ok(Exit::Done)
}

/// The tenant's run of this id.
async fn named(session: &Session, tenant: &Tenant, id: RunId) -> anyhow::Result<Run> {
    let run = session.store.run(tenant.id, id).await?;
    run.with_context(|| format!("there is no run {id} in tenant `{}`", tenant.slug))
}

/// Shows a run that was ended by hand; `refusal` says what to do about one that cannot be.
fn show_ended(session: &Session, ending: Ending, refusal: impl Fn(RunStatus) -> String) -> anyhow::Result<()> {
    match ending {
        Ending::Ended(run) => follow::show(session.format, *run),
        Ending::NotPossible(status) => bail!(refusal(status)),
        Ending::NoRun => bail!("the run is gone"),
    }
}
