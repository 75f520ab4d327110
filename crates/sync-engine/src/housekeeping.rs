//! What a worker does beside its runs: deleting events and changes that were kept for long enough, and looking out for
//! credentials that end.

use std::time::Duration;

use chrono::Utc;
use store::chain;
use tokio_util::sync::CancellationToken;

use crate::{SyncEngine, expiry::ExpiryWatch};

/// Rows deleted in one transaction: few enough that nobody has to wait for it.
const BATCH: u32 = 1_000;

/// Between two batches, so that runs get at the database in between.
const PAUSE: Duration = Duration::from_millis(20);

/// Looks now and then for what is to be done, until it is told to stop.
pub(crate) async fn keep_house(engine: &SyncEngine, stop: &CancellationToken) {
    let for_ever = async { tokio::join!(delete_what_is_old(engine), watch_credentials(engine)) };
    // Stopping in the middle of a batch undoes that batch.
    tokio::select! {
        _ = for_ever => {}
        () = stop.cancelled() => {}
    }
}

/// What is deleted once it is old. Events first: changes that they are told from stay for as long as they do.
#[derive(Clone, Copy, Debug)]
enum Old {
    Events,
    Changes,
}

async fn delete_what_is_old(engine: &SyncEngine) {
    let kept = [(Old::Events, engine.options.keep_events), (Old::Changes, engine.options.keep_changes)];
    loop {
        for (what, age) in kept {
            if let Some(age) = age {
                delete(engine, what, age).await;
            }
        }
        tokio::time::sleep(engine.options.housekeeping).await;
    }
}

async fn watch_credentials(engine: &SyncEngine) {
    let mut watch = ExpiryWatch::default();
    loop {
        if let Err(error) = watch.look(&**engine.store(), Utc::now()).await {
            tracing::warn!(
                error = %chain(&error),
                "cannot find out which credentials end; the next look tries again"
            );
        }
        tokio::time::sleep(engine.options.expiry_look).await;
    }
}

/// Batch after batch, for as long as there may be more.
async fn delete(engine: &SyncEngine, what: Old, age: Duration) {
    loop {
        let deleted = match what {
            Old::Events => engine.store().delete_old_events(age, BATCH).await,
            Old::Changes => engine.store().delete_old_changes(age, BATCH).await,
        };
        match deleted {
            Ok(true) => tokio::time::sleep(PAUSE).await,
            Ok(false) => return,
            Err(error) => {
                tracing::warn!(error = %chain(&error), ?what, "what is old could not be deleted; the next look tries again");
                return;
            }
        }
    }
}
