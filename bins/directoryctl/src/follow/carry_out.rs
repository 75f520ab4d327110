//! A queued run to its end: carried out here, or watched where a server was faster.

use std::{convert::Infallible, time::Duration};

use anyhow::Context;
use directory_core::{RunId, TenantId};
use store::Run;
use sync_engine::SyncEngine;
use tokio_util::sync::CancellationToken;

use super::progress::Progress;
use crate::{output::note, table::time};

/// How often the run is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// The run as it stands when it has ended or waits for a person, or when `stop` was cancelled.
pub(super) async fn to_the_end(
    engine: &SyncEngine,
    tenant: TenantId,
    id: RunId,
    stop: &CancellationToken,
) -> anyhow::Result<Run> {
    let progress = Progress::on_terminal();
    let run = tokio::select! {
        run = carry_out(engine, tenant, id, stop) => run?,
        never = watch(engine, tenant, id, &progress) => match never {},
    };
    progress.clear();
    Ok(run)
}

async fn carry_out(engine: &SyncEngine, tenant: TenantId, id: RunId, stop: &CancellationToken) -> anyhow::Result<Run> {
    let mut told = None;
    loop {
        if let Some(claim) = engine.claim(tenant, id).await.context("the run could not be taken up")? {
            engine.execute(claim, stop).await;
        } else {
            // Somebody else has it. Should they lose it, the next claim takes it up.
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = stop.cancelled() => {}
            }
        }
        let run = engine.store().run(tenant, id).await?.context("the run is gone")?;
        if stop.is_cancelled() || !run.status.is_active() {
            return Ok(run);
        }
        if let Some(until) = run.not_before.filter(|until| told != Some(*until)) {
            note(&format!("the directory asked to be left alone: the run waits until {}", time(until)));
            told = Some(until);
        }
    }
}

/// A look that fails is no matter: whoever carries the run out sees to what goes wrong.
async fn watch(engine: &SyncEngine, tenant: TenantId, id: RunId, progress: &Progress) -> Infallible {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        if let Ok(Some(run)) = engine.store().run(tenant, id).await {
            progress.show(&run);
        }
    }
}
