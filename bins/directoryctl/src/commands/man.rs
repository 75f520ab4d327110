//! `man`

use std::path::PathBuf;

use anyhow::Context;
use clap::CommandFactory;
use clap_mangen::Man;

use crate::{cli::Cli, output::print};

/// Where to put the pages.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write a page for each command into this folder instead
    #[arg(long, value_name = "FOLDER")]
    directory: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    if let Some(folder) = &args.directory {
        std::fs::create_dir_all(folder)
            .and_then(|()| clap_mangen::generate_to(Cli::command(), folder))
            .with_context(|| format!("cannot write the manual pages to {}", folder.display()))?;
        return Ok(());
    }
    let mut page = Vec::new();
    Man::new(Cli::command()).render(&mut page)?;
    Ok(print(&String::from_utf8(page)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of the pages that there should be: the program's, and one for each command and each group of them.
    fn pages(command: &clap::Command, name: &str, into: &mut Vec<String>) {
        into.push(format!("{name}.1"));
        for sub in command.get_subcommands() {
            pages(sub, &format!("{name}-{}", sub.get_name()), into);
        }
    }

    #[test]
    fn every_command_has_a_page() {
        let folder = tempfile::tempdir().unwrap();
        run(&Args { directory: Some(folder.path().to_owned()) }).unwrap();
        let mut expected = Vec::new();
        pages(&Cli::command(), "directoryctl", &mut expected);
        assert!(expected.contains(&"directoryctl-connection-add-entra.1".to_owned()), "{expected:?}");
        for page in expected {
            let text =
                std::fs::read_to_string(folder.path().join(&page)).unwrap_or_else(|error| panic!("{page}: {error}"));
            assert!(text.contains(".SH SYNOPSIS"), "{page}");
        }
    }
}
