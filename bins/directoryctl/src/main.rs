#![doc = include_str!("../README.md")]

mod cli;
mod commands;
mod duration;
mod exit;
mod expiry;
mod follow;
mod output;
mod paging;
mod secret;
mod session;
mod show;
mod table;
mod usage;
mod words;

use std::process::ExitCode;

use clap::Parser;

use crate::{cli::Cli, exit::Exit};

fn main() -> ExitCode {
    directory_wiring::install_tls_provider();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage::report(&error).into(),
    };
    let done = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(anyhow::Error::from).and_then(
        |runtime| {
            let done = runtime.block_on(commands::run(cli));
            // Does not wait for what cannot be cancelled, like the lookup of a name.
            runtime.shutdown_background();
            done
        },
    );
    done.unwrap_or_else(|error| {
        output::note(&format!("error: {}", directory_wiring::error_line(&error)));
        Exit::of_error(&error)
    })
    .into()
}
