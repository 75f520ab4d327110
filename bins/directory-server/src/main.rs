#![doc = include_str!("../README.md")]

mod sign_in;

use std::{
    io::{self, Write},
    net::SocketAddr,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use clap::Parser;
use directory_wiring::{
    Metrics, ServerArgs, ServerSettings, error_line, exit_code_of, init_logging_and_traces, install_metrics,
    install_tls_provider, open_keyring, open_store, providers, reserve_database, usage_line, webhook_sender,
};
use http_api::{ApiConfig, Limits, RateLimit, Server, Telemetry};
use sync_engine::{EngineOptions, KeyUse, SyncEngine, Worker};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::Span;

use crate::sign_in::PlatformSignIn;

const BAD_USAGE: u8 = 2;

/// Files for the database, for the directories, for logging: none of them for the API's connections.
const OTHER_FILES: usize = 512;
/// How often credentials are looked through for keys that are missing.
const KEY_CHECKS: Duration = Duration::from_mins(5);
/// The limit that Linux gives a process, unless told otherwise.
const USUAL_FILES: usize = 1_024;

/// Serves the directory sync API and executes its runs.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    settings: ServerArgs,
}

fn main() -> ExitCode {
    install_tls_provider();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // Help and version are no errors, and are printed as they are.
        Err(error) if !error.use_stderr() => error.exit(),
        Err(error) => {
            eprintln!("{}", usage_line(&error));
            return ExitCode::from(BAD_USAGE);
        }
    };
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", error_line(&error));
            ExitCode::from(exit_code_of(&error))
        }
    }
}

fn run(cli: &Cli) -> anyhow::Result<()> {
    let settings = cli.settings.resolve()?;
    let traces = init_logging_and_traces(&settings.common.log, "info", settings.otlp_endpoint.as_ref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")?;
    let ended = runtime.block_on(serve(settings, traces.parents()));
    // Does not wait for what cannot be cancelled, like the lookup of a name.
    runtime.shutdown_background();
    traces.finish();
    ended
}

async fn serve(settings: ServerSettings, parents: Option<fn(&Span, &str)>) -> anyhow::Result<()> {
    let metrics = install_metrics()?;
    http_api::metrics::describe();
    let keyring = Arc::new(open_keyring(&settings.common)?);
    // To the end of the process.
    let _served = reserve_database(&settings.common)?;
    let store = open_store(&settings.common).await.context("cannot open the database")?;
    store.migrate().await.context("cannot bring the database up to date")?;
    let options = EngineOptions {
        keep_changes: settings.keep_changes,
        keep_events: settings.keep_events,
        claims: settings.claims,
        ..settings.common.engine_options()
    };
    let engine = SyncEngine::new(store, keyring, providers(&settings.common)?)
        .with_options(options)
        .with_webhooks(webhook_sender(&settings.common)?);

    let config = api_config(&settings, raise_file_limit());
    let server = Server::bind(settings.listen, engine.clone(), config)
        .with_context(|| format!("cannot listen on {}", settings.listen))?
        .with_telemetry(telemetry(&metrics, parents));
    let server = match settings.jwt {
        Some(jwt) => server.with_sign_in(PlatformSignIn::start(jwt)?),
        None => server,
    };
    // Before the address is known to anybody, so that no signal meets the default action.
    let stop = stop_on_signal()?;
    announce(server.local_addr()).context("cannot write to standard output")?;

    tokio::spawn(metrics.keep());
    // Beside serving: with many connections it takes its time.
    tokio::spawn(watch_keys(engine.clone()));
    let worker = Worker::new(engine, settings.workers).run(stop.clone());
    let api = async {
        let ended = server.run(stop.clone()).await;
        // The worker is not to go on behind an API that has failed.
        stop.cancel();
        ended
    };
    let (ended, ()) = tokio::join!(api, worker);
    tracing::info!("stopped");
    ended.context("cannot serve")
}

/// How this process shows what it measures and traces.
fn telemetry(metrics: &Metrics, parents: Option<fn(&Span, &str)>) -> Telemetry {
    let metrics = metrics.clone();
    let telemetry = Telemetry::default().with_metrics(move || metrics.render());
    match parents {
        Some(adopt) => telemetry.with_parents(adopt),
        None => telemetry,
    }
}

/// Looks now and then for credentials that this process has no key for, since another process may have begun to seal with a
/// newer key; tells the operator what is new.
async fn watch_keys(engine: SyncEngine) {
    let mut told = Vec::new();
    loop {
        match engine.missing_keys().await {
            Ok(missing) => {
                if missing != told {
                    tell_missing_keys(&missing);
                }
                told = missing;
            }
            Err(error) => {
                let error = error_line(&error.into());
                tracing::warn!(error, "cannot find out whether an encryption key is missing");
            }
        }
        tokio::time::sleep(KEY_CHECKS).await;
    }
}

/// The process serves all the same: to everybody else.
fn tell_missing_keys(missing: &[KeyUse]) {
    for KeyUse { kid, credentials, example: (_, holder) } in missing {
        if let Some(kid) = kid {
            tracing::error!(
                kid,
                credentials,
                example = %holder,
                "an encryption key is missing, or another one goes by its id: connections whose credential it sealed cannot synchronise; `directoryctl key \
                 status` names them all; add the key back to DIRECTORY_ENCRYPTION_KEYS or the key file, or set those \
                 connections' credentials again"
            );
        } else {
            tracing::error!(
                credentials,
                example = %holder,
                "stored credentials are damaged and no key opens them: `directoryctl key status` names \
                 them all; set those connections' credentials again"
            );
        }
    }
}

/// Connections leave enough files for everything else: a process that can open none cannot even accept and refuse.
fn api_config(settings: &ServerSettings, files: usize) -> ApiConfig {
    let usual = Limits::default();
    let connections = usual.connections.min(files.saturating_sub(OTHER_FILES)).max(1);
    let token_rate = settings.rate_limit.map(RateLimit::per_second);
    let limits = Limits { token_rate, connections, ..usual };
    ApiConfig { base_domain: settings.base_domain.clone(), limits, ..ApiConfig::default() }
}

/// Raises this process's limit of open files as far as it may, and gives what it is then.
fn raise_file_limit() -> usize {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(files) => usize::try_from(files).unwrap_or(usize::MAX),
        Err(error) => {
            tracing::warn!(%error, "cannot find out how many files may be open");
            USUAL_FILES
        }
    }
}

/// The line that tells whoever started the process where it serves.
fn announce(address: SocketAddr) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "listening on http://{address}")?;
    out.flush()
}

/// Cancelled by SIGTERM or SIGINT.
fn stop_on_signal() -> anyhow::Result<CancellationToken> {
    let listen = |kind| signal(kind).context("cannot listen for signals");
    let (mut terminate, mut interrupt): (Signal, Signal) =
        (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    let stop = CancellationToken::new();
    let told = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: running work is finished or given back");
        told.cancel();
    });
    Ok(stop)
}
