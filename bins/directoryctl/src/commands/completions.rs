//! `completions`

use clap::CommandFactory;
use clap_complete::Shell;

use crate::{cli::Cli, output::print};

/// Which shell.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The shell that is to read the script
    shell: Shell,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "directoryctl", &mut script);
    Ok(print(&String::from_utf8(script)?)?)
}
