//! The command line, as it is parsed.

#![expect(clippy::doc_markdown, reason = "the comments on flags are their help text, which is no Markdown")]

use clap::{Parser, Subcommand};
use directory_wiring::SettingsArgs;

use crate::{
    commands::{completions, connection, key, man, run, sync, tenant, token, user},
    output::Format,
};

/// Administers directory sync: tenants, tokens, connections, runs and users
#[derive(Parser)]
#[command(
    name = "directoryctl",
    version,
    after_help = "Exit codes: 0 done, 1 failed, 2 bad usage or settings, 3 held for review, 4 completed with conflicts or errors"
)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Tenant to work in; may be left out with a single tenant [env: DIRECTORY_TENANT]
    #[arg(long, value_name = "SLUG", global = true)]
    pub(crate) tenant: Option<String>,

    /// Form of the data on standard output [default: table on a terminal, else json]
    #[arg(long, value_enum, value_name = "FORM", global = true)]
    pub(crate) output: Option<Format>,

    /// Where the database and the keys are, among others.
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
}

/// The commands, each in its own module.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Bring the database's schema up to date, making the database if need be
    Migrate,
    /// Tenants: whose users and connections are kept apart
    #[command(subcommand)]
    Tenant(tenant::Command),
    /// API tokens
    #[command(subcommand)]
    Token(token::Command),
    /// Encryption keys
    #[command(subcommand)]
    Key(key::Command),
    /// Connections to directories
    #[command(subcommand)]
    Connection(connection::Command),
    /// Synchronise a connection now
    Sync(sync::Args),
    /// Sync runs and what they changed
    #[command(subcommand)]
    Run(run::Command),
    /// The tenant's users
    #[command(subcommand)]
    User(user::Command),
    /// Print a shell's completion script
    Completions(completions::Args),
    /// Print the manual page
    Man(man::Args),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_flag_takes_a_secret() {
        fn check(command: &clap::Command) {
            for argument in command.get_arguments().filter(|argument| argument.get_action().takes_values()) {
                let name = argument.get_id().as_str();
                assert!(!name.ends_with("secret") && !name.ends_with("keys") && !name.contains("password"), "{name}");
            }
            command.get_subcommands().for_each(check);
        }
        check(&Cli::command());
    }
}
