//! Two processes ask for work at once.

use std::collections::HashSet;

use store::{ClaimLimits, Runs};
use uuid::Uuid;

use crate::fixture::{Fixture, LEASE, add_connection, queue};

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
