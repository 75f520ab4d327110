//! The worker: takes runs from the queue and executes several at a time.

use std::{sync::Arc, time::Duration};

use store::{Claim, chain};
use tokio::{sync::Semaphore, task::JoinSet};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{EngineOptions, SyncEngine, housekeeping::keep_house, scheduler::keep_schedules, webhooks::send_webhooks};

/// How long running work may take to be given back once the worker is stopped.
const GRACE: Duration = Duration::from_secs(8);

/// Executes the queue's runs.
pub struct Worker {
    engine: SyncEngine,
    concurrency: usize,
}

impl Worker {
    /// A worker that executes up to `concurrency` runs at a time; with 0 it executes none.
    #[must_use]
    pub fn new(engine: SyncEngine, concurrency: usize) -> Self {
        Self { engine, concurrency }
    }

    /// Works until `stop` is cancelled; then takes no new runs, gives the running ones back and returns, within 10
    /// seconds. What could not be given back is taken up by another worker once its lease has passed.
    ///
    /// Meanwhile it queues the runs of connections whose schedule is due, sends to webhooks, and deletes changes and events that are
    /// older than [`crate::EngineOptions`] says; one that executes nothing leaves that to others too.
    pub async fn run(self, stop: CancellationToken) {
        if self.concurrency == 0 {
            return stop.cancelled().await;
        }
        tokio::join!(
            self.execute_runs(&stop),
            keep_house(&self.engine, &stop),
            keep_schedules(&self.engine, &stop),
            self.hear_of_runs(&stop),
            send_webhooks(self.engine.clone(), stop.clone())
        );
    }

    /// Rings in this process when a run was queued in another one.
    async fn hear_of_runs(&self, stop: &CancellationToken) {
        let mut watch = self.engine.store().watch_queue();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = watch.queued() => self.engine.shared.queued.notify_one(),
            }
        }
    }

    async fn execute_runs(&self, stop: &CancellationToken) {
        let places = Arc::new(Semaphore::new(self.concurrency));
        let mut tasks = JoinSet::new();
        loop {
            let place = tokio::select! {
                () = stop.cancelled() => break,
                place = places.clone().acquire_owned() => place,
            };
            // The semaphore is never closed.
            let Ok(place) = place else { break };
            while tasks.try_join_next().is_some() {}
            let Some(claim) = self.next(stop).await else { break };
            let (engine, stop) = (self.engine.clone(), stop.clone());
            tasks.spawn(async move {
                supervised(&engine, claim, stop).await;
                drop(place);
                // Of its tenant or its directory there may be another one that had to wait for it.
                engine.shared.queued.notify_one();
            });
        }
        if tokio::time::timeout(GRACE, async { while tasks.join_next().await.is_some() {} }).await.is_err() {
            tracing::warn!(runs = tasks.len(), "runs could not be given back in time; their leases will pass");
        }
    }

    /// Waits for a run to execute; `None` once the worker is to stop.
    async fn next(&self, stop: &CancellationToken) -> Option<Claim> {
        while !stop.is_cancelled() {
            let queued = self.engine.shared.queued.notified();
            // Never dropped half-way, or a run might be claimed and nobody know of it.
            let EngineOptions { lease, claims, .. } = self.engine.options;
            match self.engine.store().claim_next(Uuid::now_v7(), lease, claims).await {
                Ok(Some(claim)) => {
                    // There may be more where this one came from, and other places free.
                    self.engine.shared.queued.notify_one();
                    return Some(claim);
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(error = %chain(&error), "the queue could not be read");
                }
            }
            // The wait is bounded: another process may have queued a run, or let a lease pass.
            tokio::select! {
                () = stop.cancelled() => {}
                () = queued => {}
                () = tokio::time::sleep(self.engine.options.poll) => {}
            }
        }
        None
    }
}

/// Executes a run in a task of its own, so that a panic ends the run and not the worker.
async fn supervised(engine: &SyncEngine, claim: Claim, stop: CancellationToken) {
    let work = tokio::spawn({
        let (engine, claim) = (engine.clone(), claim.clone());
        async move { engine.execute(claim, &stop).await }
    });
    if let Err(error) = work.await {
        tracing::error!(run_id = %claim.run.id, panicked = error.is_panic(), "the run's task ended unexpectedly");
        engine.bury(&claim).await;
    }
}
