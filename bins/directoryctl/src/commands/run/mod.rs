//! `run …`

mod changes;
mod list;
mod show;

use anyhow::Context;
use directory_core::RunId;
use store::{Run, Tenant};

use crate::session::{Invocation, Session};

/// What to do with runs.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Show a connection's runs, newest first
    List(list::Args),
    /// Show one run
    Show(show::Args),
    /// Show what a run changed, or would change
    Changes(changes::Args),
}

pub(crate) async fn run(command: Command, invocation: Invocation) -> anyhow::Result<()> {
    match command {
        Command::List(args) => list::run(&args, invocation).await,
        Command::Show(args) => show::run(&args, invocation).await,
        Command::Changes(args) => changes::run(&args, invocation).await,
    }
}

/// The tenant's run of this id.
async fn named(session: &Session, tenant: &Tenant, id: RunId) -> anyhow::Result<Run> {
    let run = session.store.run(tenant.id, id).await?;
    run.with_context(|| format!("there is no run {id} in tenant `{}`", tenant.slug))
}
