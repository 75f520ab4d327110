//! A server that is killed at any moment, again and again: its runs end as if it had not been.

use crate::{
    support::{Kind, on_both_stores},
    twins::{Twins, chance},
};

on_both_stores!(a_server_may_be_killed_at_any_moment);

/// How often a server is to die with a run that has not ended.
const KILLS: usize = 20;
/// Of one run. A run that is taken up ten times and gets no further would be given up, and rightly so.
const KILLS_OF_A_RUN: usize = 6;
/// A run may end before its server is killed; so many in a row do not.
const ROUNDS: usize = 40;

async fn a_server_may_be_killed_at_any_moment(kind: Kind) {
    let mut chance = chance();
    let mut twins = Twins::start(kind).await;
    let mut kills = Vec::new();
    for round in 0.. {
        assert!(round < ROUNDS, "the servers die too late: {kills:?}");
        if round > 0 {
            twins.change_the_directory(&mut chance);
        }
        let calm = twins.sync_calmly().await;
        let run = twins.start_sync().await;
        for _ in 0..KILLS_OF_A_RUN {
            twins.wait_for_some_moment(&mut chance).await;
            twins.system.take_server().kill();
            let phase = twins.phase_of(&run).await;
            twins.let_leases_pass().await;
            twins.system.start_server();
            match phase {
                Some(phase) => kills.push(phase),
                None => break,
            }
        }
        let run = twins.system.end_of(&run).await;
        twins.assert_alike(&run, &calm).await;
        if kills.len() >= KILLS {
            break;
        }
    }
    // Told when the test fails, and when somebody wants to see it.
    eprintln!("killed in {kills:?}");
}
