//! What becomes of runs whose directory fails.

use std::sync::atomic::Ordering;

use async_trait::async_trait;
use directory_core::{
    Check, DirectoryProvider, FailureKind, Listing, ListingPage, ProviderError, RunErrorCode, fake::FakeDirectory,
};
use store::{Actor, ConnectionState, RunStatus};
use sync_engine::{EngineError, Providers, SyncEngine, Worker};
use tokio_util::sync::CancellationToken;

use crate::support::{Bench, failure, keyring_with, person};

#[tokio::test]
async fn half_a_listing_changes_nothing_and_leaves_no_plan() {
    let pages = vec![vec![person("ann")], vec![person("bob")]];
    let bench = Bench::new(move |n| match n {
        1 => Box::new(FakeDirectory::complete(vec![vec![person("ann"), person("bob"), person("cid")]])),
        _ => Box::new(FakeDirectory::failing(pages.clone(), failure(FailureKind::Protocol))),
    })
    .await;
    let connection = bench.connection().await;
    assert_eq!(bench.sync(&connection, false).await.counts.created, 3);
    let run = bench.sync(&connection, false).await;
    assert_eq!(run.status, RunStatus::Failed);
    let error = run.error.clone().unwrap();
    assert_eq!((error.code, error.request_id.as_deref()), (RunErrorCode::ProviderProtocol, Some("request-7")));
    assert_eq!((error.message.as_str(), error.hint.as_str()), ("It broke.", "Mend it."));
    assert!(bench.changes(&run).await.is_empty());
    assert_eq!(bench.addresses().await.len(), 3);
    let connection = bench.store.connection(bench.tenant, connection.id).await.unwrap().unwrap();
    assert_eq!(connection.state, ConnectionState::Active, "only configuration failures quarantine");
}

#[tokio::test]
async fn a_failed_first_import_leaves_no_plan_behind() {
    let bench = Bench::new(|_| {
        Box::new(FakeDirectory::failing(
            vec![vec![person("ann")]],
            failure(FailureKind::Transient { retry_after: None }),
        ))
    })
    .await;
    let run = bench.sync(&bench.connection().await, false).await;
    assert_eq!(run.status, RunStatus::Failed);
    assert!(bench.changes(&run).await.is_empty() && bench.addresses().await.is_empty());
}

#[tokio::test]
async fn configuration_failures_quarantine_and_a_working_sync_lifts() {
    let bench = Bench::new(|n| match n {
        1 => Box::new(FakeDirectory::failing(vec![], failure(FailureKind::Configuration))),
        _ => Box::new(FakeDirectory::complete(vec![vec![person("ann")]])),
    })
    .await;
    let connection = bench.connection().await;
    bench.sync(&connection, false).await;
    let stored = bench.store.connection(bench.tenant, connection.id).await.unwrap().unwrap();
    assert_eq!(
        (stored.state, stored.state_reason.as_deref()),
        (ConnectionState::Quarantined, Some("It broke. Mend it."))
    );
    assert_eq!(bench.sync(&connection, false).await.status, RunStatus::Succeeded);
    let stored = bench.store.connection(bench.tenant, connection.id).await.unwrap().unwrap();
    assert_eq!((stored.state, stored.state_reason), (ConnectionState::Active, None));
}

#[tokio::test]
async fn an_expired_listing_starts_over_and_drops_what_it_had() {
    let bench = Bench::new(|n| match n {
        1 | 2 => Box::new(FakeDirectory::failing(vec![vec![person("gone")]], failure(FailureKind::ListingExpired))),
        _ => Box::new(FakeDirectory::complete(vec![vec![person("ann")]])),
    })
    .await;
    let run = bench.sync(&bench.connection().await, false).await;
    assert_eq!((run.status, run.counts.seen, run.counts.created), (RunStatus::Succeeded, 1, 1));
    assert_eq!(bench.addresses().await, ["ann@example.org"]);
    assert_eq!(bench.listings.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_listing_that_always_expires_is_given_up() {
    let bench = Bench::new(|_| {
        Box::new(FakeDirectory::failing(vec![vec![person("ann")]], failure(FailureKind::ListingExpired)))
    })
    .await;
    let run = bench.sync(&bench.connection().await, false).await;
    assert_eq!(run.error.unwrap().code, RunErrorCode::ProviderUnavailable);
    assert_eq!(bench.listings.load(Ordering::SeqCst), 6, "the first and five more");
    assert!(bench.addresses().await.is_empty());
}

#[tokio::test]
async fn a_listing_that_goes_in_circles_is_given_up() {
    // As many pages as a broken directory would send for ever; the last one never comes into it.
    let bench = Bench::new(|_| Box::new(FakeDirectory::complete(vec![vec![person("ann")]; 150]))).await;
    let run = bench.sync(&bench.connection().await, false).await;
    assert_eq!((run.status, run.error.unwrap().code), (RunStatus::Failed, RunErrorCode::ProviderProtocol));
    assert!(bench.addresses().await.is_empty());
    // Repeats among news are nothing to complain of.
    let pages: Vec<_> = (0..150).map(|n| vec![person("ann"), person(&format!("p{}", n / 2))]).collect();
    let bench = Bench::new(move |_| Box::new(FakeDirectory::complete(pages.clone()))).await;
    assert_eq!(bench.sync(&bench.connection().await, false).await.counts.created, 76);
}

/// A directory whose code is broken.
struct Broken;

#[async_trait]
impl DirectoryProvider for Broken {
    async fn list(&self) -> Result<Box<dyn Listing>, ProviderError> {
        Ok(Box::new(Self))
    }

    async fn verify(&self) -> Vec<Check> {
        Vec::new()
    }
}

#[async_trait]
impl Listing for Broken {
    async fn next_page(&mut self) -> Result<ListingPage, ProviderError> {
        panic!("a defect")
    }
}

#[tokio::test]
async fn a_panic_ends_the_run_and_not_the_worker() {
    let bench = Bench::new(|n| match n {
        1 => Box::new(Broken),
        _ => Box::new(FakeDirectory::complete(vec![vec![person("ann")]])),
    })
    .await;
    let connection = bench.connection().await;
    let stop = CancellationToken::new();
    let worker = tokio::spawn(Worker::new(bench.engine.clone(), 1).run(stop.clone()));
    let run = bench.request(&connection, false).await;
    let run = bench.ended(&run).await;
    assert_eq!((run.status, run.error.unwrap().code), (RunStatus::Failed, RunErrorCode::Internal));
    let run = bench.request(&connection, false).await;
    assert_eq!(bench.ended(&run).await.status, RunStatus::Succeeded);
    stop.cancel();
    worker.await.unwrap();
}

#[tokio::test]
async fn a_credential_under_a_missing_key_fails_the_run_and_names_the_key() {
    let bench = Bench::listing(&["ann"]).await;
    let connection = bench.connection().await;
    let other = Bench::listing(&["ann"]).await;
    let keyless = SyncEngine::new(bench.store.clone(), keyring_with("other"), other.providers.clone());
    let run = bench.request(&connection, false).await;
    keyless.execute(bench.claim(&run).await, &CancellationToken::new()).await;
    let error = bench.run(&run).await.error.unwrap();
    assert_eq!(error.code, RunErrorCode::Internal);
    assert!(error.hint.contains("`test`"), "{error:?}");
    assert_eq!(bench.listings.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_kind_that_this_program_does_not_have_fails_the_run() {
    let bench = Bench::listing(&["ann"]).await;
    let connection = bench.connection().await;
    let other = SyncEngine::new(bench.store.clone(), keyring_with("test"), Providers::default());
    let run = bench.request(&connection, false).await;
    other.execute(bench.claim(&run).await, &CancellationToken::new()).await;
    let error = bench.run(&run).await.error.unwrap();
    assert_eq!(error.code, RunErrorCode::Internal);
    assert!(error.message.contains("scripted"), "{error:?}");
}

#[tokio::test]
async fn an_unknown_kind_cannot_be_registered() {
    let bench = Bench::listing(&[]).await;
    let refused = bench.engine.register(Actor::SYSTEM, bench.registration("okta")).await;
    assert!(matches!(refused, Err(EngineError::UnknownProvider(kind)) if kind == "okta"));
}
