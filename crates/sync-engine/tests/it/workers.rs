//! The worker: several runs at a time, and no more than it may.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use directory_core::{Check, DirectoryProvider, Listing, ListingEnd, ListingPage, ProviderError};
use store::RunStatus;
use sync_engine::Worker;
use tokio_util::sync::CancellationToken;

use crate::support::Bench;

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

#[tokio::test]
async fn a_worker_without_places_takes_nothing_and_stops_when_told() {
    let bench = Bench::listing(&["ann"]).await;
    let run = bench.request(&bench.connection().await, false).await;
    let stop = CancellationToken::new();
    let worker = tokio::spawn(Worker::new(bench.engine.clone(), 0).run(stop.clone()));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(bench.run(&run).await.status, RunStatus::Queued);
    stop.cancel();
    worker.await.unwrap();
}
