//! When a connection is tried again: after a quarantine, and after failures that pass by themselves.

use super::{
    Harness,
    timed::{Timed, on_first_of_march, quarantine},
    world::{new_run, sealed, second},
};
use crate::{Actor, Connection, ConnectionEffect, ConnectionState, CreatedRun, NewRun, UpdatedConnection};

/// The schedule of a quarantined connection tries it after 6, 12 and 24 hours, then daily, and says so.
pub async fn a_quarantine_is_tried_again(harness: &dyn Harness) {
    let timed = Timed::new(harness).await;
    let connection = timed.scheduled("every 15m").await;
    timed.at("2026-03-01T08:15:00Z");
    let run = timed.start_only().await;
    let mut after = timed.ends(&connection, run.id, quarantine()).await;
    assert_eq!((after.state, after.quarantined_at), (ConnectionState::Quarantined, on_first_of_march("08:15:00")));
    for retry in ["2026-03-01T14:15:00Z", "2026-03-01T20:15:00Z", "2026-03-02T08:15:00Z", "2026-03-03T08:15:00Z"] {
        assert_eq!(after.next_sync_at, Some(second(retry)));
        timed.at(retry);
        let run = timed.start_only().await;
        // Another reason is no other quarantine.
        after = timed.ends(&connection, run.id, ConnectionEffect::Quarantine(format!("Mend it by {retry}."))).await;
        assert_eq!(after.quarantined_at, on_first_of_march("08:15:00"));
    }
    let failed_by_hand = timed.manual(&connection, quarantine()).await;
    assert_eq!(failed_by_hand.next_sync_at, Some(second("2026-03-04T08:15:00Z")));
}

/// A run that works, a credential that works, and a pause end a quarantine, and the schedule is as before.
pub async fn a_lifted_quarantine_puts_the_schedule_back(harness: &dyn Harness) {
    let timed = Timed::new(harness).await;
    let connection = timed.scheduled("every 15m").await;
    let manual = timed.world.store.connection(timed.world.tenant, timed.world.connection).await.unwrap().unwrap();
    assert_eq!(timed.manual(&manual, quarantine()).await.next_sync_at, None, "without a schedule nothing tries it");
    let quarantined = async || {
        let after = timed.manual(&connection, quarantine()).await;
        assert_eq!(after.next_sync_at, on_first_of_march("14:00:00"));
    };
    let is_back = |after: Connection| {
        assert_eq!((after.state, after.quarantined_at), (ConnectionState::Active, None));
        assert_eq!(after.next_sync_at, on_first_of_march("08:15:00"));
    };
    quarantined().await;
    is_back(timed.manual(&connection, ConnectionEffect::Lift).await);

    quarantined().await;
    for works in [false, true] {
        let current = timed.read(&connection).await;
        assert_eq!(current.state, ConnectionState::Quarantined);
        let (tenant, id, seen) = (current.tenant, current.id, current.updated_at);
        let set = timed.world.store.set_credential(Actor::SYSTEM, tenant, id, seen, &sealed(vec![1]), works).await;
        assert!(matches!(set, Ok(UpdatedConnection::Done(_))), "{set:?}");
    }
    is_back(timed.read(&connection).await);

    quarantined().await;
    let paused = timed.update(&connection, |update| update.paused = true).await;
    assert_eq!((paused.next_sync_at, paused.quarantined_at), (None, None));
    is_back(timed.update(&connection, |update| update.paused = false).await);
}

/// After a failure that passes by itself the schedule tries again soon, and later each time, until a run works.
pub async fn a_setback_is_tried_again_soon(harness: &dyn Harness) {
    let timed = Timed::new(harness).await;
    let connection = timed.scheduled("0 9 * * *").await;
    timed.at("2026-03-01T09:00:00Z");
    let back_off = ConnectionEffect::BackOff { retry_after: None };
    for retry in ["09:01:00", "09:03:00", "09:07:00", "09:15:00", "09:31:00", "10:03:00", "11:03:00", "12:03:00"] {
        let run = timed.start_only().await;
        let after = timed.ends(&connection, run.id, back_off.clone()).await;
        assert_eq!((after.state, after.next_sync_at), (ConnectionState::Active, on_first_of_march(retry)));
        assert_eq!(after.updated_at, connection.updated_at);
        timed.at(&format!("2026-03-01T{retry}Z"));
    }
    let run = timed.start_only().await;
    let after = timed.ends(&connection, run.id, ConnectionEffect::Lift).await;
    assert_eq!((after.setbacks, after.next_sync_at), (0, Some(second("2026-03-02T09:00:00Z"))));
    let again = timed.manual(&connection, back_off.clone()).await;
    assert_eq!((again.setbacks, again.next_sync_at), (1, on_first_of_march("12:04:00")));
    timed.update(&connection, |update| update.paused = true).await;
    assert_eq!(timed.manual(&connection, back_off).await.next_sync_at, None);
}

/// A dry run that fails moves no schedule.
pub async fn a_dry_run_is_no_setback(harness: &dyn Harness) {
    let timed = Timed::new(harness).await;
    let connection = timed.scheduled("0 9 * * *").await;
    let new = NewRun { dry_run: true, ..new_run(connection.tenant, connection.id) };
    assert!(matches!(timed.world.store.create_run(Actor::SYSTEM, &new).await.unwrap(), CreatedRun::Queued(_)));
    let after = timed.ends(&connection, new.id, ConnectionEffect::BackOff { retry_after: None }).await;
    assert_eq!(after, connection);
}
