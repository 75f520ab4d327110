//! `cargo demo`: directory sync at work in one command, with nothing to install and nothing left behind.

mod stage;
mod story;

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use stage::Stage;

/// Shows directory sync at work: an embedded store, a simulated Entra directory, two syncs, and a server to go on with.
#[derive(Parser)]
#[command(name = "directory-demo", version)]
struct Arguments {
    /// Users in the simulated directory
    #[arg(long, default_value_t = 250, value_parser = clap::value_parser!(u32).range(10..=1_000_000))]
    users: u32,
    /// Where the REST API listens; port 0 picks a free one
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: std::net::SocketAddr,
    /// End after the story instead of serving until Ctrl-C
    #[arg(long)]
    once: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<()> {
    directory_wiring::install_tls_provider();
    // Before there is anything to leave behind: without it a signal would end the process where it stands.
    let stop = stop_on_signal()?;
    let stage = unless_stopped(&stop, Stage::set(arguments.users)).await?;
    let server = stage.serve(arguments.listen)?;
    let address = server.local_addr();
    let serving = tokio::spawn(server.run(stop.clone()));
    let working = tokio::spawn(stage.worker().run(stop.clone()));

    let told = unless_stopped(&stop, story::tell(&stage, address)).await;
    if told.is_ok() && !arguments.once {
        println!("\nServing until Ctrl-C; everything is in memory or in a temporary folder and goes with it.");
        stop.cancelled().await;
    }
    stop.cancel();
    working.await?;
    serving.await??;
    told
}

/// Does the work, or drops it with what it holds once the demo is to stop.
async fn unless_stopped<T>(stop: &CancellationToken, work: impl Future<Output = Result<T>>) -> Result<T> {
    stop.run_until_cancelled(work).await.unwrap_or_else(|| bail!("interrupted"))
}

/// Cancelled by Ctrl-C or SIGTERM.
fn stop_on_signal() -> Result<CancellationToken> {
    let listen = |kind| signal(kind).context("cannot listen for signals");
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    let stop = CancellationToken::new();
    let told = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        told.cancel();
    });
    Ok(stop)
}
