//! `connection …`

mod add;
mod credential;
mod delete;
mod draft;
mod heed;
mod ignore;
mod ignored;
mod list;
mod policy;
mod preview;
mod problem;
mod set_secret;
mod show;
mod test;
mod update;

use directory_core::ExternalId;
use http_api::model::ConnectionView;
use store::Connection;

use crate::{
    exit::Exit,
    session::{Invocation, Session},
    words,
};

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
    /// Change name, scope, policy or schedule, or stop the schedule
    Update(Box<update::Args>),
    /// Try the credential, the permissions and the group on the directory; changes nothing
    Test(test::Args),
    /// Replace the credential; the new one is tried first, and the old one stays if it does not work
    SetSecret(set_secret::Args),
    /// Show what a change of scope or policy would do to users, without making it
    Preview(Box<preview::Args>),
    /// Delete a connection and its credential; its users stay
    Delete(delete::Args),
    /// Leave a directory user alone from now on, and whoever is linked to it
    Ignore(DirectoryUser),
    /// Take an ignored directory user into account again
    Heed(DirectoryUser),
    /// Show whom the connection leaves alone
    Ignored(ignored::Args),
}

/// A directory user of a connection.
#[derive(clap::Args)]
pub(crate) struct DirectoryUser {
    /// The connection's id or display name
    connection: String,
    /// The directory's own id of the user, as `run changes` gives it
    #[arg(value_parser = words::external_id)]
    external_id: ExternalId,
}

/// The kinds of directories.
#[derive(clap::Subcommand)]
pub(crate) enum AddCommand {
    /// Microsoft Entra ID; the client secret is asked for, unless another way to get a credential is chosen
    Entra(Box<add::Args>),
}

pub(crate) async fn run(command: Command, invocation: Invocation) -> anyhow::Result<Exit> {
    match command {
        Command::Preview(args) => return preview::run(*args, invocation).await,
        Command::Test(args) => return test::run(&args, invocation).await,
        Command::SetSecret(args) => set_secret::run(args, invocation).await,
        Command::Add(AddCommand::Entra(args)) => add::run(*args, invocation).await,
        Command::List => list::run(invocation).await,
        Command::Show(args) => show::run(&args, invocation).await,
        Command::Update(args) => update::run(*args, invocation).await,
        Command::Delete(args) => delete::run(&args, invocation).await,
        Command::Ignore(args) => ignore::run(&args, invocation).await,
        Command::Heed(args) => heed::run(&args, invocation).await,
        Command::Ignored(args) => ignored::run(&args, invocation).await,
    }?;
    Ok(Exit::Done)
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
