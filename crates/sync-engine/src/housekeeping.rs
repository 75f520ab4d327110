//! What a worker does beside its runs: deleting changes that were kept for long enough.

use std::time::Duration;

use store::chain;
use tokio_util::sync::CancellationToken;

use crate::SyncEngine;

/// Changes deleted in one transaction: few enough that nobody has to wait for it.
const BATCH: u32 = 1_000;

/// Between two batches, so that runs get at the database in between.
const PAUSE: Duration = Duration::from_millis(20);

/// Looks now and then for what is to be deleted, until it is told to stop.
pub(crate) async fn keep_house(engine: &SyncEngine, stop: &CancellationToken) {
    let Some(age) = engine.options.keep_changes else { return };
    let for_ever = async {
        loop {
            delete_old_changes(engine, age).await;
            tokio::time::sleep(engine.options.housekeeping).await;
        }
    };
    // Stopping in the middle of a batch undoes that batch.
    tokio::select! {
        () = for_ever => {}
        () = stop.cancelled() => {}
    }
}

async fn delete_old_changes(engine: &SyncEngine, age: Duration) {
    loop {
        match engine.store().delete_old_changes(age, BATCH).await {
            Ok(true) => tokio::time::sleep(PAUSE).await,
            Ok(false) => return,
            Err(error) => {
                tracing::warn!(error = %chain(&error), "old changes could not be deleted; the next look tries again");
                return;
            }
        }
    }
}
