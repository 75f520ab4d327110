//! Sending, for as long as a worker works.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chrono::{TimeDelta, Utc};
use store::{WebhookLease, chain};
use tokio::{sync::Semaphore, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::SyncEngine;

/// Webhooks that a process sends to at a time.
const AT_A_TIME: usize = 4;

/// How long messages on their way may take once the worker is stopped. What has not come back by then is sent again.
const GRACE: Duration = Duration::from_secs(8);

/// How long a message that was given up is kept. By then the feed has its event no more.
const DEAD_FOR: TimeDelta = TimeDelta::days(30);

/// Messages deleted in one transaction.
const BATCH: u32 = 1_000;

/// Sends until it is told to stop; a program that has no sender does nothing.
pub(crate) async fn send_webhooks(engine: SyncEngine, stop: CancellationToken) {
    if engine.webhooks.is_none() {
        return;
    }
    let mut turns = JoinSet::new();
    tokio::select! {
        () = stop.cancelled() => {}
        () = delete_what_is_old(&engine) => {}
        () = hand_out_turns(&engine, &mut turns, &stop) => {}
    }
    // Whoever is dropped half-way loses its lease in time.
    let _ = tokio::time::timeout(GRACE, async { while turns.join_next().await.is_some() {} }).await;
}

async fn hand_out_turns(engine: &SyncEngine, turns: &mut JoinSet<()>, stop: &CancellationToken) {
    let places = Arc::new(Semaphore::new(AT_A_TIME));
    let stalled = Arc::new(AtomicBool::new(false));
    loop {
        // The semaphore is never closed.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        while turns.try_join_next().is_some() {}
        let leased = engine.take_webhook(Utc::now()).await;
        match leased {
            Ok(Some(leased)) => {
                let (engine, stop, told) = (engine.clone(), stop.clone(), Arc::clone(&stalled));
                let WebhookLease { tenant, webhook, .. } = leased.lease;
                turns.spawn(async move {
                    match engine.send_to(leased, &Utc::now, &stop).await {
                        Ok(further) => told.store(!further, Ordering::Relaxed),
                        Err(error) => {
                            told.store(true, Ordering::Relaxed);
                            tracing::warn!(
                                %tenant, webhook_id = %webhook, error = %chain(&error),
                                "messages to a webhook could not be sent"
                            );
                        }
                    }
                    drop(place);
                });
                // Where a turn comes to nothing, the next one would as well.
                if !stalled.swap(false, Ordering::Relaxed) {
                    continue;
                }
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(error = %chain(&error), "it could not be found out what is to be sent to webhooks");
            }
        }
        tokio::time::sleep(engine.options.poll).await;
    }
}

async fn delete_what_is_old(engine: &SyncEngine) {
    loop {
        match engine.store().delete_old_deliveries(Utc::now() - DEAD_FOR, BATCH).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(error = %chain(&error), "old messages to webhooks could not be deleted; the next look tries again");
            }
        }
        tokio::time::sleep(engine.options.housekeeping).await;
    }
}
