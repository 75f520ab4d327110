//! `user …`

mod link;
mod list;
mod named;
mod show;
mod unlink;

use crate::session::Invocation;

/// What to do with users.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Show the tenant's users
    List(list::Args),
    /// Show one user
    Show(OneUser),
    /// Settle a conflict by hand: tie a local user to a directory user, whom the next sync then brings up to date
    Link(link::Args),
    /// Make a user a local one, which no sync changes while it stays so
    Unlink(OneUser),
}

/// Which user.
#[derive(clap::Args)]
pub(crate) struct OneUser {
    /// The user's id or e-mail address
    user: String,
}

pub(crate) async fn run(command: Command, invocation: Invocation) -> anyhow::Result<()> {
    match command {
        Command::List(args) => list::run(args, invocation).await,
        Command::Show(args) => show::run(&args, invocation).await,
        Command::Link(args) => link::run(&args, invocation).await,
        Command::Unlink(args) => unlink::run(&args, invocation).await,
    }
}
