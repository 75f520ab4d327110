//! `cargo demo`: directory sync at work in one command, with nothing to install and nothing left behind.

mod stage;
mod story;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
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
    let stage = Stage::set(arguments.users).await?;
    let stop = CancellationToken::new();
    let server = stage.serve(arguments.listen)?;
    let address = server.local_addr();
    let serving = tokio::spawn(server.run(stop.clone()));
    let working = tokio::spawn(stage.worker().run(stop.clone()));

    let told = story::tell(&stage, address).await;
    if told.is_ok() && !arguments.once {
        println!("\nServing until Ctrl-C; everything is in memory or in a temporary folder and goes with it.");
        tokio::signal::ctrl_c().await?;
    }
    stop.cancel();
    working.await?;
    serving.await??;
    told
}
