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
