//! Leases: who has lost one stops, and who has one is left alone.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use directory_core::{
    Check, DirectoryProvider, Listing, ListingEnd, ListingPage, ProviderError, RunErrorCode, fake::FakeDirectory,
};
use store::{RunPhase, RunStatus};
use tokio_util::sync::CancellationToken;

use crate::support::{Bench, person};

/// A directory that stands still after its first page until it is let go.
#[derive(Clone, Default)]
struct Stuck {
    reached: Arc<AtomicBool>,
    released: Arc<AtomicBool>,
    pages: u32,
}

#[async_trait]
impl DirectoryProvider for Stuck {
    async fn list(&self) -> Result<Box<dyn Listing>, ProviderError> {
        Ok(Box::new(Self { pages: 0, ..self.clone() }))
    }

    async fn verify(&self) -> Vec<Check> {
        Vec::new()
    }
}

#[async_trait]
impl Listing for Stuck {
    async fn next_page(&mut self) -> Result<ListingPage, ProviderError> {
        self.pages += 1;
        if self.pages == 1 {
            return Ok(ListingPage { entries: vec![person("ann"), person("bob")], end: None });
        }
        self.reached.store(true, Ordering::SeqCst);
        until(&self.released).await;
        Ok(ListingPage { entries: vec![person("cid")], end: Some(ListingEnd::Complete) })
    }
}

async fn until(flag: &AtomicBool) {
    while !flag.load(Ordering::SeqCst) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_run_keeps_its_lease_and_shows_its_progress() {
    let stuck = Stuck::default();
    let bench = Bench::new({
        let stuck = stuck.clone();
        move |_| Box::new(stuck.clone())
    })
    .await;
    let connection = bench.connection().await;
    let run = bench.request(&connection, false).await;
    let claim = bench.claim(&run).await;
    let engine = bench.engine.clone();
    let work = tokio::spawn(async move { engine.execute(claim, &CancellationToken::new()).await });
    until(&stuck.reached).await;
    // Longer than a lease lasts.
    for _ in 0..20 {
        assert!(bench.engine.claim(bench.tenant, run.id).await.unwrap().is_none(), "it is taken");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let now = bench.run(&run).await;
    assert_eq!((now.status, now.phase, now.counts.seen), (RunStatus::Running, Some(RunPhase::Pulling), 2));
    stuck.released.store(true, Ordering::SeqCst);
    work.await.unwrap();
    assert_eq!(bench.run(&run).await.counts.created, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_lost_the_lease_writes_nothing_more() {
    let stuck = Stuck::default();
    let bench = Bench::new({
        let stuck = stuck.clone();
        move |n| match n {
            1 => Box::new(stuck.clone()) as Box<dyn DirectoryProvider>,
            _ => Box::new(FakeDirectory::complete(vec![vec![person("zoe")]])),
        }
    })
    .await;
    let connection = bench.connection().await;
    let run = bench.request(&connection, false).await;
    let claim = bench.claim(&run).await;
    let lease = claim.lease;
    let engine = bench.engine.clone();
    let work = tokio::spawn(async move { engine.execute(claim, &CancellationToken::new()).await });
    until(&stuck.reached).await;

    // Somebody else gets the run in spite of the heartbeat, as after a long pause of the first worker.
    bench.store.release(&lease).await.unwrap();
    let second = bench.claim(&run).await;
    bench.engine.execute(second, &CancellationToken::new()).await;
    assert_eq!(bench.run(&run).await.status, RunStatus::Succeeded);
    stuck.released.store(true, Ordering::SeqCst);
    work.await.unwrap();
    assert_eq!(bench.addresses().await, ["zoe@example.org"], "only the second worker's plan was applied");
    assert_eq!(bench.run(&run).await.counts.created, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_given_back_goes_on_elsewhere() {
    let stuck = Stuck::default();
    let bench = Bench::new({
        let stuck = stuck.clone();
        move |_| Box::new(stuck.clone())
    })
    .await;
    let connection = bench.connection().await;
    let run = bench.request(&connection, false).await;
    let claim = bench.claim(&run).await;
    let stop = CancellationToken::new();
    let work = tokio::spawn({
        let (engine, stop) = (bench.engine.clone(), stop.clone());
        async move { engine.execute(claim, &stop).await }
    });
    until(&stuck.reached).await;
    stop.cancel();
    work.await.unwrap();
    assert_eq!(bench.run(&run).await.status, RunStatus::Queued);
    stuck.released.store(true, Ordering::SeqCst);
    let claim = bench.claim(&run).await;
    bench.engine.execute(claim, &CancellationToken::new()).await;
    let run = bench.run(&run).await;
    assert_eq!((run.status, run.counts.seen, run.counts.created), (RunStatus::Succeeded, 3, 3));
}

#[tokio::test]
async fn a_run_that_gets_no_further_is_given_up() {
    let bench = Bench::listing(&["ann"]).await;
    let run = bench.request(&bench.connection().await, false).await;
    // Ten workers take it up and die: their leases are over at once.
    for _ in 0..10 {
        let token = uuid::Uuid::now_v7();
        let claim = bench.store.claim_run(bench.tenant, run.id, token, Duration::ZERO).await.unwrap();
        assert!(claim.is_some());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    bench.engine.execute(bench.claim(&run).await, &CancellationToken::new()).await;
    let run = bench.run(&run).await;
    let error = run.error.unwrap();
    assert_eq!((run.status, error.code), (RunStatus::Failed, RunErrorCode::Internal));
    assert!(error.message.contains("10 times"), "{error:?}");
    assert_eq!(bench.listings.load(Ordering::SeqCst), 0, "the directory is not asked again");
}
