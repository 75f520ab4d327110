#![doc = include_str!("../README.md")]

mod api;
mod bench;
mod checks;
mod fuzz;
mod postgres;
mod tools;

use std::{ffi::OsString, path::Path, process::ExitCode};

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};

use crate::{api::Python, bench::Bench, checks::Step, postgres::Server};

/// The repository's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run every check and every test, as CI does; with arguments, only the tests they select
    Test {
        /// Arguments of `cargo nextest run --workspace`: a filter, `--no-capture`, …
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        nextest: Vec<OsString>,
    },
    /// Run the checks that are not tests: format, dependencies, lints, documentation
    Check,
    /// Test a running server from outside, by its OpenAPI document
    Api,
    /// Renew `docs/openapi.json` from the code
    Openapi,
    /// Run the fuzz targets, or one of them
    Fuzz {
        /// How long, each
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// Make `fuzz/Cargo.lock` anew instead, after a change of a crate's dependencies
        #[arg(long, conflicts_with_all = ["seconds", "target"])]
        renew_lock: bool,
        /// One of `fuzz/fuzz_targets`
        target: Option<String>,
    },
    /// Measure time and memory against what the same work cannot do without; takes half an hour
    Bench(Bench),
    /// Run a command with a throwaway database server in `DIRECTORY_TEST_POSTGRES_URL`
    Postgres {
        /// The command and its arguments
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        command: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Task::Test { nextest } => test(&nextest),
        Task::Check => check(),
        Task::Api => api(),
        Task::Openapi => openapi(),
        Task::Fuzz { renew_lock: true, .. } => renew_lock(),
        Task::Fuzz { seconds, target, .. } => fuzz(seconds, target.as_deref()),
        Task::Bench(bench) => run_bench(&bench),
        Task::Postgres { command } => with_postgres(&command),
    };
    result.unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        ExitCode::FAILURE
    })
}

fn test(nextest: &[OsString]) -> Result<ExitCode> {
    // Everything that may be missing is asked for before the first long step, not after it.
    tools::ensure(&[tools::NEXTEST])?;
    if !nextest.is_empty() {
        let server = Server::start()?;
        checks::run(&root()?, &[checks::binaries(), checks::tests(nextest)], Some(server.url()))?;
        eprintln!("\nOnly the tests that were asked for; `cargo xtask test` runs every check and test.");
        return Ok(ExitCode::SUCCESS);
    }
    tools::ensure(&[tools::RUSTFMT, tools::CLIPPY, tools::DENY])?;
    tools::cxx_compiler()?;
    let python = Python::ensure()?;
    fuzz::check_lock(&root()?)?;
    let (root, server) = (root()?, Server::start()?);
    checks::run(&root, &checks::everything(), Some(server.url()))?;
    test_api(&root, &python)?;
    Ok(ExitCode::SUCCESS)
}

fn api() -> Result<ExitCode> {
    let (python, root) = (Python::ensure()?, root()?);
    checks::run(&root, &[checks::binaries()], None)?;
    test_api(&root, &python)?;
    Ok(ExitCode::SUCCESS)
}

fn test_api(root: &Path, python: &Python) -> Result<()> {
    eprintln!("\nThe API as its document says, tried from outside");
    api::test(root, python, &api::programs(root))
}

fn openapi() -> Result<ExitCode> {
    checks::run(&root()?, &[checks::renewed_openapi()], None)?;
    Ok(ExitCode::SUCCESS)
}

fn check() -> Result<ExitCode> {
    tools::ensure(&[tools::RUSTFMT, tools::CLIPPY, tools::DENY])?;
    let (root, steps): (_, Vec<Step>) = (root()?, checks::without_tests());
    fuzz::check_lock(&root)?;
    checks::run(&root, &steps, None)?;
    Ok(ExitCode::SUCCESS)
}

fn renew_lock() -> Result<ExitCode> {
    fuzz::renew_lock(&root()?)?;
    Ok(ExitCode::SUCCESS)
}

fn fuzz(seconds: u64, target: Option<&str>) -> Result<ExitCode> {
    fuzz::run(&root()?, seconds, target)?;
    Ok(ExitCode::SUCCESS)
}

fn run_bench(bench: &Bench) -> Result<ExitCode> {
    bench.run(&root()?)?;
    Ok(ExitCode::SUCCESS)
}

fn with_postgres(command: &[OsString]) -> Result<ExitCode> {
    let [program, arguments @ ..] = command else {
        anyhow::bail!("no command given");
    };
    let server = Server::start()?;
    let status = tools::command(program)
        .args(arguments)
        .env(postgres::URL_VARIABLE, server.url())
        .status()
        .with_context(|| format!("cannot run {}", program.display()))?;
    // A command that a signal ended has no code of its own.
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// The workspace's folder: xtask lies directly in it.
fn root() -> Result<std::path::PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(here.parent().context("xtask lies in no workspace")?.to_owned())
}
