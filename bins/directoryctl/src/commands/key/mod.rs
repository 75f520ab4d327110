//! `key …`

mod generate;
mod rotate;
mod status;

use crate::{exit::Exit, session::Invocation};

/// What to do with encryption keys.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Print a new key as one line, KID:BASE64, the form that the settings and key files take
    Generate(generate::Args),
    /// Show how many credentials of all tenants each key has sealed, and whether a key is missing
    Status,
    /// Put every credential of all tenants under the first key; may be interrupted, and is then simply begun again
    Rotate,
}

pub(crate) async fn run(command: Command, invocation: Invocation) -> anyhow::Result<Exit> {
    match command {
        Command::Generate(args) => generate::run(&args).map(|()| Exit::Done),
        Command::Status => status::run(invocation).await,
        Command::Rotate => rotate::run(invocation).await,
    }
}
