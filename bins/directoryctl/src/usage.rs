//! What the argument parser says, on one line.

use std::io::Write;

use clap::error::ErrorKind;
use directory_wiring::usage_line;

use crate::{
    exit::Exit,
    output::{self, print},
};

/// Prints help or the version where they were asked for; otherwise says in one line what is wrong.
pub(crate) fn report(error: &clap::Error) -> Exit {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => match print(&error.render().to_string()) {
            Ok(()) => Exit::Done,
            Err(_) => Exit::Failed,
        },
        // A command group without a command: its help says what there is.
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            // Where standard error is closed there is nobody to tell.
            let _ = std::io::stderr().write_all(error.render().to_string().as_bytes());
            Exit::BadUsage
        }
        _ => {
            output::note(&usage_line(error));
            Exit::BadUsage
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    fn line_of(args: &[&str]) -> String {
        let error = Cli::command().try_get_matches_from(args).unwrap_err();
        usage_line(&error)
    }

    #[test]
    fn every_complaint_is_one_line_that_names_the_argument() {
        for (args, expected) in [
            (&["directoryctl", "token", "create"][..], "--role"),
            (&["directoryctl", "tenant", "list", "--nonsense"], "--nonsense"),
            (&["directoryctl", "token", "create", "--role", "god"], "admin"),
            (&["directoryctl", "run", "show", "x"], "'x'"),
            (&["directoryctl", "frobnicate"], "frobnicate"),
        ] {
            let line = line_of(args);
            assert!(line.starts_with("error: ") && line.contains(expected), "{line}");
            assert!(!line.contains('\n') && !line.contains("Usage:"), "{line}");
        }
    }
}
