//! The command line, as it is parsed.

#![expect(clippy::doc_markdown, reason = "the comments on flags are their help text, which is no Markdown")]

use clap::{Parser, Subcommand};
use directory_wiring::SettingsArgs;

use crate::{
    commands::{audit, completions, connection, events, key, man, run, sync, tenant, token, user, webhook},
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
    /// Where events are sent, and the messages that did not arrive
    #[command(subcommand)]
    Webhook(webhook::Command),
    /// Look at settings, database, keys, clocks and the directory's hosts, and say what to do; changes nothing
    Doctor,
    /// What changed, in order, for other services
    Events(events::Args),
    /// Who administrated what, and when
    #[command(subcommand)]
    Audit(audit::Command),
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

    /// The lines that INTERFACE.md promises, flag by flag.
    #[test]
    fn every_command_of_the_interface_is_there() {
        const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
        let entra = "connection add entra --tenant acme --display-name N --directory-id G --client-id G \
                     --client-secret-stdin --group-id G --default-role R --cloud C --schedule S --verify";
        for line in [
            "migrate",
            "tenant create acme --name Acme",
            "tenant list",
            "token create --tenant acme --role admin --name N --expires-in 90d",
            "token create --role viewer",
            "token list --tenant acme",
            &format!("token revoke {ID}"),
            "key generate",
            "key status",
            "key rotate",
            entra,
            "connection list --output table",
            "connection show Acme --output json",
            "connection update Acme --display-name N",
            "connection test Acme",
            "connection set-secret Acme",
            "connection delete Acme",
            "sync Acme --dry-run --full --detach",
            "run list Acme",
            &format!("run show {ID}"),
            &format!("run changes {ID}"),
            &format!("run approve {ID} --digest D"),
            &format!("run reject {ID}"),
            &format!("run cancel {ID}"),
            "user list",
            &format!("user show {ID}"),
            "events --after latest --types user.created,run.held --follow",
            "webhook add https://hooks.example.org --event user.created --event run.held --description Payroll",
            "webhook list",
            &format!("webhook show {ID}"),
            &format!("webhook update {ID} --enable"),
            &format!("webhook test {ID}"),
            &format!("webhook rotate-secret {ID}"),
            &format!("webhook deliveries {ID} --state dead"),
            &format!("webhook replay {ID} --after evt_01906b3f5e2a7c109d4e8f3a2b1c0d5e_7"),
            &format!("webhook delete {ID}"),
            "doctor",
            "completions bash",
            "man",
        ] {
            let arguments = std::iter::once("directoryctl").chain(line.split_whitespace());
            if let Err(error) = Cli::command().try_get_matches_from(arguments) {
                panic!("{line}: {error}");
            }
        }
    }

    #[test]
    fn every_command_and_flag_has_help() {
        fn check(command: &clap::Command) {
            let name = command.get_name();
            assert!(command.get_about().is_some(), "{name} has no help");
            for argument in command.get_arguments().filter(|argument| argument.get_id() != "help") {
                assert!(argument.get_help().is_some(), "{name}: {} has no help", argument.get_id());
            }
            command.get_subcommands().for_each(check);
        }
        check(&Cli::command());
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
