//! Being asked to stop.

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{exit::Exit, output::note};

/// Cancelled by the first SIGINT (Ctrl-C) or SIGTERM; the second ends the process on the spot.
pub(super) fn on_signal() -> anyhow::Result<CancellationToken> {
    let listen = |kind| signal(kind).context("cannot listen for signals");
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    let stop = CancellationToken::new();
    let told = stop.clone();
    tokio::spawn(async move {
        let mut next = async || {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        };
        next().await;
        note("stopping: a run under way here is given back; once more quits at once");
        told.cancel();
        next().await;
        std::process::exit(Exit::Failed as i32);
    });
    Ok(stop)
}
