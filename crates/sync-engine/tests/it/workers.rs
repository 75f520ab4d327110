//! The worker: several runs at a time, and no more than it may.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use directory_core::{Check, DirectoryProvider, Listing, ListingEnd, ListingPage, ProviderError};
use store::{ClaimLimits, RunStatus};
use sync_engine::{EngineOptions, Worker};
use tokio_util::sync::CancellationToken;

use crate::support::{Bench, quick};

/// Counts how many listings are under way at once.
#[derive(Clone, Default)]
struct Crowd {
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

#[async_trait]
impl DirectoryProvider for Crowd {
    async fn list(&self) -> Result<Box<dyn Listing>, ProviderError> {
        Ok(Box::new(self.clone()))
    }

    async fn verify(&self) -> Vec<Check> {
        Vec::new()
    }
}

#[async_trait]
impl Listing for Crowd {
    async fn next_page(&mut self) -> Result<ListingPage, ProviderError> {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(60)).await;
        self.now.fetch_sub(1, Ordering::SeqCst);
        Ok(ListingPage { entries: Vec::new(), end: Some(ListingEnd::Complete) })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_executed_side_by_side_up_to_the_limit() {
    let crowd = Crowd::default();
    let bench = Bench::new({
        let crowd = crowd.clone();
        move |_| Box::new(crowd.clone())
    })
    .await;
    let mut runs = Vec::new();
    for _ in 0..12 {
        runs.push(bench.request(&bench.connection().await, false).await);
    }
    let stop = CancellationToken::new();
    let worker = tokio::spawn(Worker::new(bench.engine.clone(), 3).run(stop.clone()));
    for run in &runs {
        assert_eq!(bench.ended(run).await.status, RunStatus::Succeeded);
    }
    assert_eq!(crowd.most.load(Ordering::SeqCst), 3);
    stop.cancel();
    worker.await.unwrap();
}

/// One place for four runs, and nobody looks by himself: each run that ends is what the next one waits for.
#[tokio::test]
async fn an_ended_run_makes_room_at_once() {
    let bench = Bench::listing(&["ann"]).await;
    let mut runs = Vec::new();
    for _ in 0..4 {
        runs.push(bench.request(&bench.connection().await, true).await);
    }
    let claims = ClaimLimits { per_tenant: NonZeroU32::new(1), ..ClaimLimits::NONE };
    let engine = bench.engine.clone().with_options(EngineOptions { claims, poll: Duration::from_hours(1), ..quick() });
    let stop = CancellationToken::new();
    let worker = tokio::spawn(Worker::new(engine, 3).run(stop.clone()));
    for run in &runs {
        assert_eq!(bench.ended(run).await.status, RunStatus::Planned);
    }
    stop.cancel();
    worker.await.unwrap();
}

#[tokio::test]
async fn a_worker_without_places_does_nothing_and_stops_when_told() {
    let bench = Bench::listing(&["ann"]).await;
    let connection = bench.connection().await;
    let old = bench.sync(&connection, false).await;
    let run = bench.request(&connection, false).await;
    // Whoever keeps house deletes everything at once.
    let engine = bench.engine.clone().with_options(EngineOptions { keep_changes: Some(Duration::ZERO), ..quick() });
    let stop = CancellationToken::new();
    let worker = tokio::spawn(Worker::new(engine, 0).run(stop.clone()));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(bench.run(&run).await.status, RunStatus::Queued);
    assert_eq!(bench.changes(&old).await.len(), 1);
    stop.cancel();
    worker.await.unwrap();
}
