//! A held plan: approved, as a whole or in part, or left; and runs that are cancelled.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use directory_core::{
    Check, DirectoryProvider, Listing, ListingEnd, ListingPage, ProviderError, RunId, UserStatus, fake::FakeDirectory,
};
use store::{Actor, Approval, Choice, Connection, Ending, Outcome, Run, RunStatus};
use sync_engine::Worker;
use tokio_util::sync::CancellationToken;

use crate::support::{Bench, person};

/// Four people of whom all but Ann have left by the second listing, so that the second run is held.
async fn held() -> (Bench, Connection, Run) {
    let bench = Bench::new(|n| {
        let names: &[&str] = if n == 1 { &["ann", "bob", "cid", "dan"] } else { &[] };
        Box::new(FakeDirectory::complete(vec![names.iter().map(|name| person(name)).collect()]))
    })
    .await;
    let connection = bench.connection().await;
    assert_eq!(bench.sync(&connection, false).await.counts.created, 4);
    let run = bench.sync(&connection, false).await;
    assert_eq!((run.status, run.counts.deactivated), (RunStatus::Held, 4));
    (bench, connection, run)
}

async fn approve(bench: &Bench, run: &Run, choice: &Choice) -> Approval {
    bench
        .engine
        .approve(Actor::SYSTEM, bench.tenant, run.id, run.plan_digest.as_deref().unwrap(), choice)
        .await
        .unwrap()
}

async fn active(bench: &Bench) -> usize {
    let page = store::IdPage { after: None, limit: 100 };
    let filter = store::UserFilter { status: Some(UserStatus::Active), ..store::UserFilter::default() };
    bench.store.users(bench.tenant, &filter, page).await.unwrap().len()
}

#[tokio::test]
async fn an_approved_plan_is_applied_without_asking_the_directory_again() {
    let (bench, _, run) = held().await;
    assert!(matches!(approve(&bench, &run, &Choice::All).await, Approval::Approved(_)));
    bench.engine.execute(bench.claim(&run).await, &CancellationToken::new()).await;
    let run = bench.run(&run).await;
    assert_eq!((run.status, run.counts.deactivated, run.applied_changes), (RunStatus::Succeeded, 4, 4));
    assert_eq!(active(&bench).await, 0);
    assert_eq!(bench.listings.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_worker_takes_an_approved_run_up_by_itself() {
    let (bench, _, run) = held().await;
    let stop = CancellationToken::new();
    let worker = tokio::spawn(Worker::new(bench.engine.clone(), 1).run(stop.clone()));
    let first = bench.changes(&run).await[0].seq;
    assert!(matches!(approve(&bench, &run, &Choice::Only(vec![first])).await, Approval::Approved(_)));
    let run = bench.ended(&run).await;
    assert_eq!((run.status, run.counts.deactivated, run.planned_changes), (RunStatus::Succeeded, 1, Some(1)));
    assert_eq!(active(&bench).await, 3);
    let outcomes: Vec<_> = bench.changes(&run).await.into_iter().map(|change| change.outcome).collect();
    assert_eq!(outcomes, [Outcome::Applied, Outcome::Rejected, Outcome::Rejected, Outcome::Rejected]);
    stop.cancel();
    worker.await.unwrap();
}

#[tokio::test]
async fn another_plan_is_not_approved_and_a_superseded_one_neither() {
    let (bench, connection, run) = held().await;
    let other = "0".repeat(64);
    let answer = bench.engine.approve(Actor::SYSTEM, bench.tenant, run.id, &other, &Choice::All).await.unwrap();
    assert_eq!(answer, Approval::OtherPlan);
    let newer = bench.sync(&connection, false).await;
    assert_eq!(newer.status, RunStatus::Held);
    assert_eq!(approve(&bench, &run, &Choice::All).await, Approval::NotHeld(RunStatus::Superseded));
    let missing = RunId(uuid::Uuid::now_v7());
    let answer = bench.engine.approve(Actor::SYSTEM, bench.tenant, missing, &other, &Choice::All).await.unwrap();
    assert_eq!(answer, Approval::NoRun);
    assert_eq!(active(&bench).await, 4);
}

/// A directory that goes on listing until it is told to stop.
#[derive(Clone, Default)]
struct Endless {
    page: Arc<AtomicBool>,
    left: Arc<AtomicBool>,
}

#[async_trait]
impl DirectoryProvider for Endless {
    async fn list(&self) -> Result<Box<dyn Listing>, ProviderError> {
        Ok(Box::new(Reading { n: 0, of: self.clone() }))
    }

    async fn verify(&self) -> Vec<Check> {
        Vec::new()
    }
}

struct Reading {
    n: u32,
    of: Endless,
}

#[async_trait]
impl Listing for Reading {
    async fn next_page(&mut self) -> Result<ListingPage, ProviderError> {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        self.n += 1;
        self.of.page.store(self.n > 3, Ordering::SeqCst);
        let end = (self.n == 2_000).then_some(ListingEnd::Complete);
        Ok(ListingPage { entries: vec![person(&format!("p{}", self.n))], end })
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.of.left.store(true, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_run_stops_reading_and_makes_room_for_the_next() {
    let endless = Endless::default();
    let bench = Bench::new({
        let endless = endless.clone();
        move |n| match n {
            1 => Box::new(endless.clone()) as Box<dyn DirectoryProvider>,
            _ => Box::new(FakeDirectory::complete(vec![vec![person("ann")]])),
        }
    })
    .await;
    let connection = bench.connection().await;
    let stop = CancellationToken::new();
    let worker = tokio::spawn(Worker::new(bench.engine.clone(), 1).run(stop.clone()));
    let run = bench.request(&connection, false).await;
    while !endless.page.load(Ordering::SeqCst) {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let ended = bench.store.cancel_run(Actor::SYSTEM, bench.tenant, run.id).await.unwrap();
    assert!(matches!(&ended, Ending::Ended(run) if run.status == RunStatus::Cancelled), "{ended:?}");
    // The one worker has a place again only once it has left the cancelled run.
    let next = bench.request(&connection, false).await;
    assert_eq!(bench.ended(&next).await.counts.created, 1);
    assert!(endless.left.load(Ordering::SeqCst));
    assert_eq!(bench.run(&run).await.status, RunStatus::Cancelled);
    assert!(bench.changes(&run).await.is_empty());
    assert_eq!(bench.addresses().await, ["ann@example.org"]);
    stop.cancel();
    worker.await.unwrap();
}
