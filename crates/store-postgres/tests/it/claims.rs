//! Several processes ask for work at once.

use std::{collections::HashSet, num::NonZeroU32, sync::Arc};

use store::{ClaimLimits, ConnectionEffect, RunEnd, RunStatus, Runs};
use uuid::Uuid;

use crate::fixture::{Fixture, LEASE, add_connection, add_tenant, queue};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_stores_hand_out_each_run_once() {
    const RUNS: usize = 40;
    let fixture = Fixture::new().await;
    let mut queued = HashSet::new();
    for _ in 0..RUNS {
        let connection = add_connection(&fixture.store, fixture.tenant).await;
        queued.insert(queue(&fixture.store, fixture.tenant, connection).await);
    }
    let mut workers = Vec::new();
    for _ in 0..2 {
        let store = fixture.database.store();
        for _ in 0..4 {
            let store = store.clone();
            workers.push(tokio::spawn(async move {
                let mut mine = Vec::new();
                while let Some(claim) = store.claim_next(Uuid::new_v4(), LEASE, ClaimLimits::NONE).await.unwrap() {
                    mine.push(claim.run.id);
                }
                mine
            }));
        }
    }
    let mut claimed = Vec::new();
    for worker in workers {
        claimed.extend(worker.await.unwrap());
    }
    assert_eq!(claimed.len(), RUNS, "each once");
    assert_eq!(claimed.into_iter().collect::<HashSet<_>>(), queued);
}

/// Runs come and go on many sessions; at no moment are there more than there may be.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn limits_hold_while_runs_come_and_go() {
    const RUNS: i64 = 60;
    let fixture = Arc::new(Fixture::new().await);
    let other = add_tenant(&fixture.store, "other").await;
    for _ in 0..RUNS / 2 {
        for tenant in [fixture.tenant, other] {
            let connection = add_connection(&fixture.store, tenant).await;
            queue(&fixture.store, tenant, connection).await;
        }
    }
    // All connections are of one directory.
    let limits = ClaimLimits { per_tenant: NonZeroU32::new(2), per_directory: NonZeroU32::new(3) };
    let work = |fixture: Arc<Fixture>| async move {
        let store = fixture.database.store();
        let end = RunEnd { status: RunStatus::Succeeded, error: None, connection: ConnectionEffect::Keep };
        while fixture.database.number("SELECT count(*) FROM sync_runs WHERE status = 'queued'").await > 0 {
            let Some(claim) = store.claim_next(Uuid::new_v4(), LEASE, limits).await.unwrap() else { continue };
            let of_all = "SELECT count(*) FROM sync_runs WHERE status = 'running'";
            let of_one = format!("{of_all} AND tenant_id = '{}'", claim.run.tenant);
            assert!(fixture.database.number(of_all).await <= 3);
            assert!(fixture.database.number(&of_one).await <= 2);
            store.finish_run(&claim.lease, &end).await.unwrap();
        }
    };
    let workers: Vec<_> = (0..6).map(|_| tokio::spawn(work(Arc::clone(&fixture)))).collect();
    for worker in workers {
        worker.await.unwrap();
    }
    assert_eq!(fixture.database.number("SELECT count(*) FROM sync_runs WHERE claims = 1").await, RUNS, "each once");
}
