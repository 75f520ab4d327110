//! Looking at one run again and again, for all who watch it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use directory_core::{RunId, TenantId};
use store::{BoxError, chain};
use tokio::{
    sync::watch::Sender,
    time::{sleep, timeout},
};

use super::{Latest, Sighting};
use crate::app::App;

/// Looks until nobody watches, the run is done or gone, or the store has failed for too long. Those who then still
/// watch find the channel closed.
pub(super) async fn poll(app: Arc<App>, tenant: TenantId, run: RunId, sender: Arc<Sender<Latest>>) {
    let times = &app.config().watching;
    let mut store_answered = Instant::now();
    let mut failing = false;
    loop {
        tokio::select! {
            () = sender.closed() => {
                if app.watches().end_unwatched(run, &sender) {
                    return;
                }
            }
            () = sleep(times.poll) => {}
        }
        let patience = times.patience.saturating_sub(store_answered.elapsed());
        match look(&app, tenant, run, patience).await {
            Ok(Some(sighting)) if sighting.done => return app.watches().end(run, &sender, Some(sighting)),
            Ok(Some(sighting)) => {
                (store_answered, failing) = (Instant::now(), false);
                sender.send_replace(Some(Arc::new(sighting)));
            }
            Ok(None) => return app.watches().end(run, &sender, None),
            Err(error) => {
                if !failing {
                    tracing::warn!(%tenant, run_id = %run, cause = %chain(error.as_ref()), "cannot look at a watched run");
                    failing = true;
                }
                if store_answered.elapsed() >= times.patience {
                    return app.watches().end(run, &sender, None);
                }
            }
        }
    }
}

/// The run as it is now; `None` if it is gone.
async fn look(app: &App, tenant: TenantId, run: RunId, patience: Duration) -> Result<Option<Sighting>, BoxError> {
    let since = Instant::now();
    let run = timeout(patience, app.store().run(tenant, run)).await??;
    Ok(run.map(|run| Sighting::of(run, since)).transpose()?)
}
