//! What a server needs goes away for a while, again and again: its runs end as if it had not.

use std::time::Duration;

use entra_simulator::{Fault, FaultKind, Route};
use fastrand::Rng;

use crate::{
    support::{Kind, on_both_stores},
    twins::{Twins, chance},
};

on_both_stores!(the_database_may_go_away_at_any_moment, the_directory_may_fail_at_any_request);

/// How often the database is to go away from a run that has not ended, and how often from one run.
const LOSSES: usize = 8;
const LOSSES_OF_A_RUN: usize = 3;
/// A run may end before the database goes away; so many in a row do not.
const ROUNDS: usize = 30;

async fn the_database_may_go_away_at_any_moment(kind: Kind) {
    let mut chance = chance();
    let mut twins = Twins::start(kind).await;
    let mut losses = 0;
    for round in 0.. {
        assert!(round < ROUNDS, "the runs end too soon: {losses}");
        if round > 0 {
            twins.change_the_directory(&mut chance);
        }
        let calm = twins.sync_calmly().await;
        let run = twins.start_sync().await;
        for _ in 0..LOSSES_OF_A_RUN {
            // For the first time when it is sure to be missed and, with SQLite, for longer than anybody waits for the lock.
            let time = if losses == 0 {
                twins.wait_for_a_moment_of_the_listing(&mut chance).await;
                Duration::from_millis(if kind == Kind::Sqlite { 11_000 } else { 1_000 })
            } else {
                twins.wait_for_some_moment(&mut chance).await;
                Duration::from_millis(chance.u64(200..1_500))
            };
            if twins.phase_of(&run).await.is_none() {
                break;
            }
            twins.system.database.away_for(time).await;
            losses += 1;
            twins.let_leases_pass().await;
            twins.taken_up().await;
        }
        let run = twins.system.end_of(&run).await;
        twins.assert_alike(&run, &calm).await;
        if losses >= LOSSES {
            break;
        }
    }
    // Which of a run's writers waits longest, and gives up, is chance: with SQLite they queue for one connection.
    let log = twins.system.server().log();
    assert!(log.contains("the database failed") || log.contains("the lease could not be renewed yet"), "runs met it");
}

async fn the_directory_may_fail_at_any_request(kind: Kind) {
    let mut chance = chance();
    let mut twins = Twins::start(kind).await;
    for round in 0..2 {
        if round > 0 {
            twins.change_the_directory(&mut chance);
        }
        let calm = twins.sync_calmly().await;
        let faults = faults(&mut chance);
        for fault in &faults {
            twins.system.simulator.add_fault(fault.clone());
        }
        let run = twins.start_sync().await;
        let run = twins.system.end_of(&run).await;
        assert!(twins.system.simulator.faults().pending().is_empty(), "each of them struck: {faults:?}");
        twins.assert_alike(&run, &calm).await;
    }
}

/// One for the token, and one of each kind for some page of the listing. An answer that makes no sense is asked for
/// again twice only, so there are two of those at most.
fn faults(chance: &mut Rng) -> Vec<Fault> {
    let mut kinds = vec![
        FaultKind::CutConnection,
        FaultKind::TruncatedBody,
        FaultKind::NotJson,
        FaultKind::status(503, "serviceUnavailable"),
        FaultKind::status(500, "internalServerError"),
        FaultKind::throttled("0"),
        FaultKind::RevokeToken,
        FaultKind::DuplicateItems,
        FaultKind::EmptyPage,
    ];
    chance.shuffle(&mut kinds);
    let mut faults: Vec<Fault> =
        kinds.into_iter().map(|kind| Fault::new(Route::Users, kind).after(chance.u32(0..18))).collect();
    faults.push(Fault::new(Route::Token, FaultKind::CutConnection));
    faults
}
