//! `entra-simulator`: serves a fake directory until it is told to stop.

use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use entra_simulator::{CLIENT_ID, CLIENT_SECRET, Config, DIRECTORY_ID, Simulator};
use tokio::signal::unix::{SignalKind, signal};

/// A fake identity platform and Microsoft Graph on loopback, for trying a directory sync without a tenant.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Where to listen; port 0 picks a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    /// How many users to generate; a million costs no memory.
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    users: u32,
    /// Everything generated follows from it.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// How long Graph waits before each answer.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
    latency_ms: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for Ctrl-C")?;
    let simulator = start(&arguments)?;
    std::io::stdout().write_all(describe(&simulator).as_bytes()).context("cannot write to stdout")?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    simulator.stop();
    Ok(())
}

fn start(arguments: &Arguments) -> anyhow::Result<Simulator> {
    let mut config = Config::with_users(arguments.users);
    config.listen = arguments.listen;
    config.latency = Duration::from_millis(arguments.latency_ms);
    for tenant in &mut config.tenants {
        tenant.seed = arguments.seed;
    }
    Simulator::start(config).with_context(|| format!("cannot serve on {}", arguments.listen))
}

fn describe(simulator: &Simulator) -> String {
    let base = simulator.graph_url();
    let directory = simulator.directory();
    let (users, research, engineering) = (directory.user_count(), directory.research(), directory.engineering());
    let someone = directory.generated_user(0);
    format!(
        "\
listening on {base}

login URL      {login}
Graph URL      {base}
directory id   {DIRECTORY_ID}
client id      {CLIENT_ID}
client secret  {CLIENT_SECRET}
users          {users}
group id       {engineering}  Engineering: the first 25 users
group id       {research}  Everyone in R&D: that group, and the next 5 users

Change it:
  curl {base}/control/users
  curl -X POST {base}/control/users -H 'content-type: application/json' -d '{{\"displayName\":\"New Person\",\"mail\":\"new@example.com\"}}'
  curl -X PATCH {base}/control/users/{someone} -H 'content-type: application/json' -d '{{\"accountEnabled\":false}}'
  curl -X DELETE {base}/control/users/{someone}
  curl -X POST {base}/control/users/{someone}/restore
  curl -X POST {base}/control/faults -H 'content-type: application/json' \\
    -d '{{\"on\":\"users\",\"kind\":{{\"type\":\"status\",\"status\":429,\"code\":\"TooManyRequests\",\"retryAfter\":\"2\"}}}}'
  curl {base}/control/requests
",
        login = simulator.login_url(),
    )
}
