//! Workers are woken by what others queue. Nobody polls here: what is not heard is waited for in vain.

use std::time::Duration;

use sqlx::ConnectOptions;
use store::{Actor, Approval, Choice, QueueWatch, Runs, Store};

use crate::{
    database::execute,
    fixture::{Fixture, creates, queue},
};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

async fn hears(watch: &mut dyn QueueWatch, of: &str) {
    tokio::time::timeout(PATIENCE, watch.queued()).await.unwrap_or_else(|_| panic!("nothing was heard of {of}"));
}

/// A watch that is listening: its first word is that it has begun.
async fn listening(store: &dyn Store) -> Box<dyn QueueWatch> {
    let mut watch = store.watch_queue();
    hears(&mut *watch, "the beginning").await;
    watch
}

/// Nothing more is said, for as long as twenty questions to the server take: what is told comes sooner than that.
async fn is_silent(fixture: &Fixture, watch: &mut dyn QueueWatch) {
    tokio::select! {
        biased;
        () = watch.queued() => panic!("something was heard"),
        () = async {
            for _ in 0..20 {
                fixture.database.number("SELECT 1").await;
            }
        } => {}
    }
}

#[tokio::test]
async fn whatever_queues_a_run_is_heard() {
    let fixture = Fixture::new().await;
    let other = fixture.database.store();
    let mut watch = listening(&other).await;
    is_silent(&fixture, &mut *watch).await;

    let run = queue(&fixture.store, fixture.tenant, fixture.connection).await;
    hears(&mut *watch, "a new run").await;
    let lease = fixture.claim(run).await.lease;
    is_silent(&fixture, &mut *watch).await;
    fixture.store.release(&lease).await.unwrap();
    hears(&mut *watch, "a run given back").await;
    fixture.store.cancel_run(Actor::SYSTEM, fixture.tenant, run).await.unwrap();

    let held = fixture.held(vec![creates(1, "a@acme.example", "A")]).await;
    hears(&mut *watch, "the run that is held by now").await;
    is_silent(&fixture, &mut *watch).await;
    let digest = "d".repeat(64);
    let approval = fixture.store.approve_run(Actor::SYSTEM, fixture.tenant, held, &digest, &Choice::All).await.unwrap();
    assert!(matches!(approval, Approval::Approved(_)));
    hears(&mut *watch, "an approved run").await;
}

/// Between two questions the watch goes on listening.
#[tokio::test]
async fn what_is_queued_meanwhile_is_not_missed() {
    let fixture = Fixture::new().await;
    let mut watch = listening(&fixture.store).await;
    queue(&fixture.store, fixture.tenant, fixture.connection).await;
    fixture.database.number("SELECT 1").await;
    hears(&mut *watch, "a run of before").await;
}

#[tokio::test]
async fn a_lost_connection_heals() {
    let fixture = Fixture::new().await;
    let mut watch = listening(&fixture.store).await;
    let mut superuser = fixture.database.superuser().connect().await.unwrap();
    let ended = execute(
        &mut superuser,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND query LIKE 'LISTEN%'",
    )
    .await
    .unwrap();
    assert_eq!(ended, 1, "nobody else listens");
    hears(&mut *watch, "the loss: something may have been missed").await;
    is_silent(&fixture, &mut *watch).await;
    queue(&fixture.store, fixture.tenant, fixture.connection).await;
    hears(&mut *watch, "a run after it").await;
}
