//! `connection …`

mod add;
mod list;
mod show;

use http_api::model::ConnectionView;
use store::Connection;

use crate::session::{Invocation, Session};

/// What to do with connections.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Register a directory
    #[command(subcommand)]
    Add(AddCommand),
    /// Show the tenant's connections
    List,
    /// Show one connection, never its secret
    Show(show::Args),
}

/// The kinds of directories.
#[derive(clap::Subcommand)]
pub(crate) enum AddCommand {
    /// Microsoft Entra ID; the client secret is asked for
    Entra(Box<add::Args>),
}

pub(crate) async fn run(command: Command, invocation: Invocation) -> anyhow::Result<()> {
    match command {
        Command::Add(AddCommand::Entra(args)) => add::run(*args, invocation).await,
        Command::List => list::run(invocation).await,
        Command::Show(args) => show::run(&args, invocation).await,
    }
}

/// Connections with their newest runs.
async fn views(session: &Session, connections: Vec<Connection>) -> anyhow::Result<Vec<ConnectionView>> {
    let Some(first) = connections.first() else { return Ok(Vec::new()) };
    let ids: Vec<_> = connections.iter().map(|connection| connection.id).collect();
    let mut runs: std::collections::HashMap<_, _> =
        session.store.last_runs(first.tenant, &ids).await?.into_iter().map(|run| (run.connection, run)).collect();
    Ok(connections
        .into_iter()
        .map(|connection| {
            let run = runs.remove(&connection.id);
            ConnectionView::new(connection, run)
        })
        .collect())
}
