//! What a schedule gives way to: other runs of the connection, and plans that wait for a person.

use super::{
    Harness,
    timed::{Timed, on_first_of_march},
    world::{new_run, queue, second},
};
use crate::{Actor, ConnectionEffect, CreatedRun, DueStart, Ending, NewRun, RunStatus};

/// While a run of the connection is active, its times pass.
pub async fn an_active_run_comes_before_the_schedule(harness: &dyn Harness) {
    let timed = Timed::new(harness).await;
    let connection = timed.scheduled("every 15m").await;
    let active = queue(&*timed.world.store, connection.tenant, connection.id).await;
    timed.at("2026-03-01T08:15:00Z");
    assert_eq!(timed.start(&timed.due().await[0]).await, DueStart::AlreadyActive(active));
    assert_eq!(timed.next(&connection).await, on_first_of_march("08:30:00"));
    assert_eq!(timed.world.number("SELECT count(*) FROM sync_runs").await, 1);
    timed.ends(&connection, active, ConnectionEffect::Keep).await;
    timed.at("2026-03-01T08:30:00Z");
    timed.start_only().await;
}

/// A dry run changes nobody, so the start that it is in the way of is not over: it comes as soon as the dry run has ended,
/// and once, however many times were missed by then.
pub async fn a_dry_run_only_delays_a_start(harness: &dyn Harness) {
    let timed = Timed::new(harness).await;
    let connection = timed.scheduled("every 15m").await;
    let dry = NewRun { dry_run: true, ..new_run(connection.tenant, connection.id) };
    assert!(matches!(timed.world.store.create_run(Actor::SYSTEM, &dry).await.unwrap(), CreatedRun::Queued(_)));
    for time in ["08:15:00", "08:40:00"] {
        timed.at(&format!("2026-03-01T{time}Z"));
        assert_eq!(timed.start(&timed.due().await[0]).await, DueStart::Waits(dry.id));
        assert_eq!(timed.next(&connection).await, on_first_of_march("08:15:00"), "it is due still");
        assert_eq!(timed.world.number("SELECT count(*) FROM sync_runs").await, 1);
    }
    timed.ends(&connection, dry.id, ConnectionEffect::Keep).await;
    timed.start_only().await;
    assert_eq!(timed.next(&connection).await, on_first_of_march("08:45:00"));
    assert_eq!(timed.due().await, []);
}

/// A plan that was approved is of an earlier reading: the schedule's own comes once it is applied.
pub async fn an_approved_plan_only_delays_a_start(harness: &dyn Harness) {
    let timed = Timed::new(harness).await;
    let connection = timed.scheduled("every 15m").await;
    let held = timed.holds(&connection).await;
    timed.approves(held).await;
    timed.at("2026-03-01T08:15:00Z");
    assert_eq!(timed.start(&timed.due().await[0]).await, DueStart::Waits(held));
    assert_eq!(timed.next(&connection).await, on_first_of_march("08:15:00"), "it is due still");
    timed.ends(&connection, held, ConnectionEffect::Keep).await;
    timed.start_only().await;
}

/// A held plan is left to a person for a day: as long no run of the schedule takes its place, and its next time says so.
pub async fn a_scheduled_run_supersedes_a_held_one(harness: &dyn Harness) {
    let timed = Timed::new(harness).await;
    let connection = timed.scheduled("every 5m").await;
    let held = timed.holds(&connection).await;
    let waiting = timed.read(&connection).await;
    assert_eq!(waiting.next_sync_at, Some(second("2026-03-02T08:00:00Z")));
    assert_eq!(waiting.updated_at, connection.updated_at, "nobody who edits it has to read it again");
    timed.at("2026-03-02T07:59:59Z");
    assert_eq!((timed.due().await, timed.world.run(held).await.status), (vec![], RunStatus::Held));
    timed.at("2026-03-02T08:00:00Z");
    timed.start_only().await;
    assert_eq!(timed.world.run(held).await.status, RunStatus::Superseded);
    assert_eq!(timed.next(&connection).await, Some(second("2026-03-02T08:05:00Z")));
}

/// Whatever becomes of a held plan, its connection goes by its schedule from then on.
pub async fn a_decision_puts_the_schedule_back(harness: &dyn Harness) {
    let timed = Timed::new(harness).await;
    for decision in ["approve", "reject", "newer run", "other rules"] {
        let connection = timed.scheduled("every 15m").await;
        let held = timed.holds(&connection).await;
        assert_eq!(timed.next(&connection).await, Some(second("2026-03-02T08:00:00Z")));
        let status = match decision {
            "approve" => {
                timed.approves(held).await;
                RunStatus::Queued
            }
            "reject" => {
                let rejected = timed.world.store.reject_run(Actor::SYSTEM, connection.tenant, held).await.unwrap();
                assert!(matches!(rejected, Ending::Ended(_)), "{rejected:?}");
                RunStatus::Rejected
            }
            "newer run" => {
                queue(&*timed.world.store, connection.tenant, connection.id).await;
                RunStatus::Superseded
            }
            _ => {
                let updated = timed.update(&connection, |update| update.default_role.push('s')).await;
                assert_eq!(updated, timed.read(&connection).await);
                RunStatus::Superseded
            }
        };
        assert_eq!(timed.world.run(held).await.status, status, "{decision}");
        assert_eq!(timed.next(&connection).await, connection.next_sync_at, "{decision}");
    }
}

/// While a plan is held another schedule or a pause does not shorten its time; and it makes no schedule that is rarer come
/// sooner.
pub async fn a_held_plans_time_outlasts_an_update(harness: &dyn Harness) {
    let timed = Timed::new(harness).await;
    let connection = timed.scheduled("every 15m").await;
    let held = timed.holds(&connection).await;
    let until = Some(second("2026-03-02T08:00:00Z"));
    let updated = timed.update(&connection, |update| update.schedule = Some("every 5m".to_owned())).await;
    assert_eq!(updated.next_sync_at, until);
    assert_eq!(timed.update(&connection, |update| update.paused = true).await.next_sync_at, None);
    assert_eq!(timed.update(&connection, |update| update.paused = false).await.next_sync_at, until);
    let monthly = timed.update(&connection, |update| update.schedule = Some("0 9 8 * *".to_owned())).await;
    assert_eq!(monthly.next_sync_at, Some(second("2026-03-08T09:00:00Z")));
    assert_eq!(timed.world.run(held).await.status, RunStatus::Held);
    // A dry run decides nothing.
    let dry = NewRun { dry_run: true, ..new_run(connection.tenant, connection.id) };
    assert!(matches!(timed.world.store.create_run(Actor::SYSTEM, &dry).await.unwrap(), CreatedRun::Queued(_)));
    let updated = timed.update(&connection, |update| update.schedule = Some("every 5m".to_owned())).await;
    assert_eq!(updated.next_sync_at, until);
}
