//! `benchmarks`: measures, and is the other processes that measuring takes.

use std::{io::Write, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use benchmarks::{Machine, Scale, URL_VARIABLE, Work, cases::Case, directory, report, serve_bare};
use clap::{Parser, Subcommand};

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure, and write the table and its JSON
    Measure {
        /// Only these cases
        #[arg(long = "case", value_enum)]
        cases: Vec<Case>,
        /// So many users instead of 100,000, and ten times as many instead of a million
        #[arg(long)]
        users: Option<u32>,
        /// How often each case is measured
        #[arg(long)]
        rounds: Option<u32>,
        /// The folder to write `benchmarks.md` and `benchmarks.json` to
        #[arg(long)]
        to: PathBuf,
    },
    /// Serve simulated directories until killed
    Directory {
        #[command(flatten)]
        directories: directory::Directories,
    },
    /// Serve the page of runs with nothing but one query, until killed
    Bare,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("benchmarks: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    match Cli::parse().command {
        Command::Directory { directories } => directory::serve(&directories),
        Command::Bare => serve_bare(&url()?),
        Command::Measure { cases, users, rounds, to } => {
            let scale = Scale::of(users);
            tokio::runtime::Runtime::new()?.block_on(measure(cases, scale, rounds, to))
        }
    }
}

fn url() -> Result<String> {
    std::env::var(URL_VARIABLE).with_context(|| format!("{URL_VARIABLE} is not set; run `cargo xtask bench`"))
}

async fn measure(cases: Vec<Case>, scale: Scale, rounds: Option<u32>, to: PathBuf) -> Result<()> {
    let work = Work::new(&url()?, scale, rounds).await?;
    let machine = Machine::look(&work.cluster).await?;
    let cases = if cases.is_empty() { Case::all() } else { cases };
    let mut rows = Vec::new();
    for case in cases {
        let measured =
            case.measure(&work, &rows).await.with_context(|| format!("{} could not be measured", case.name()))?;
        rows.extend(measured);
        // After each case, so that one that fails takes nothing with it.
        report::write(&to, &machine, &scale, &rows)?;
    }
    std::io::stdout().write_all(report::table(&rows).as_bytes())?;
    Ok(())
}
