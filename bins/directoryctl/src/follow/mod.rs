//! A run that a command started: carried out here and reported, or left to a server.

mod carry_out;
mod progress;
mod queue;
mod report;
mod stop;

use anyhow::Context;
use directory_core::{RunId, TenantId};
use http_api::model::RunView;
use sync_engine::SyncEngine;

use crate::{exit::Exit, output::note, session::Session, show::run as show_run};

pub(crate) use queue::{queued, unfinished};
pub(crate) use report::show;

/// Carries a queued run out and says what came of it.
pub(crate) async fn to_the_end(
    session: &Session,
    engine: &SyncEngine,
    tenant: TenantId,
    id: RunId,
) -> anyhow::Result<Exit> {
    let run = carry_out::to_the_end(engine, tenant, id, &stop::on_signal()?).await?;
    let exit = Exit::of_run(run.status);
    show(session.format, run)?;
    Ok(exit)
}

/// Shows a run that waits for a server.
pub(crate) async fn detached(session: &Session, tenant: TenantId, id: RunId) -> anyhow::Result<Exit> {
    let run = session.store.run(tenant, id).await?.context("the run is gone")?;
    session.format.show(&RunView::from(run), show_run::one)?;
    note(&format!("queued; `directoryctl run show {id}` shows where it stands"));
    Ok(Exit::Done)
}
