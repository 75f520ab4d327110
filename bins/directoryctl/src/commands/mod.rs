//! One module a command. Each turns its arguments into what is to be done, and does it.

pub(crate) mod audit;
pub(crate) mod completions;
pub(crate) mod connection;
mod doctor;
pub(crate) mod events;
pub(crate) mod key;
pub(crate) mod man;
mod migrate;
pub(crate) mod run;
pub(crate) mod sync;
pub(crate) mod tenant;
pub(crate) mod token;
pub(crate) mod user;
pub(crate) mod webhook;

use crate::{
    cli::{Cli, Command},
    exit::Exit,
    session::Invocation,
};

/// Does what the command line asks.
pub(crate) async fn run(cli: Cli) -> anyhow::Result<Exit> {
    let invocation = Invocation::resolve(cli.settings, cli.output, cli.tenant);
    match cli.command {
        Command::Sync(args) => return sync::run(args, invocation).await,
        Command::Connection(command) => return connection::run(command, invocation).await,
        Command::Webhook(command) => return webhook::run(command, invocation).await,
        Command::Run(command) => return run::run(command, invocation).await,
        Command::Key(command) => return key::run(command, invocation).await,
        Command::Doctor => return doctor::run(invocation).await,
        Command::Migrate => migrate::run(invocation).await,
        Command::Tenant(command) => tenant::run(command, invocation).await,
        Command::Token(command) => token::run(command, invocation).await,
        Command::User(command) => user::run(command, invocation).await,
        Command::Events(args) => events::run(args, invocation).await,
        Command::Audit(command) => audit::run(command, invocation).await,
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
    }?;
    Ok(Exit::Done)
}
