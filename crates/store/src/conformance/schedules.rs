//! Connections that are due. The time is the behaviour's own.

use directory_core::RunId;
use futures_util::future::join_all;

use super::{
    Harness,
    timed::{Timed, clock, on_first_of_march, punctual},
    world::{add_tenant, id, second},
};
use crate::{
    Connection, ConnectionState, Due, DueStart, IdPage, NewConnection, RunMode, RunStatus, ScheduleError, StoreError,
    Trigger,
};

/// A connection has its next time from the start; one without a schedule, or with one that cannot be read, has none.
pub async fn a_schedule_has_a_next_time(harness: &dyn Harness) {
    let timed = Timed::new(harness).await;
    let connection = timed.scheduled("0 9 * * *").await;
    assert_eq!(
        (connection.next_sync_at, timed.next(&connection).await),
        (on_first_of_march("09:00:00"), connection.next_sync_at)
    );
    assert_eq!(timed.scheduled("often").await.next_sync_at, None);
    assert_eq!(timed.add(punctual(timed.world.tenant)).await.next_sync_at, None);
}

/// Who is due is told over all tenants, the longest due first, in pages, and each once.
pub async fn who_is_due_is_told_once(harness: &dyn Harness) {
    let timed = Timed::new(harness).await;
    let other = add_tenant(&*timed.world.store, "other").await;
    let mut expected = Vec::new();
    for (tenant, schedule) in [
        (timed.world.tenant, "30 8 * * *"),
        (other, "10 8 * * *"),
        (timed.world.tenant, "10 8 * * *"),
        (other, "31 8 * * *"),
        (timed.world.tenant, "20 8 * * *"),
    ] {
        let made = timed.add(NewConnection { schedule: Some(schedule.to_owned()), ..punctual(tenant) }).await;
        let due = Due { tenant, connection: made.id, at: made.next_sync_at.unwrap() };
        if schedule != "31 8 * * *" {
            expected.push(due);
        }
    }
    expected.sort_by_key(|due| (due.at, due.tenant, due.connection));
    assert_eq!(timed.due().await, []);
    timed.at("2026-03-01T08:30:00Z");
    let mut told: Vec<Due> = Vec::new();
    loop {
        let page = timed.world.store.due_connections(timed.now(), told.last(), 2).await.unwrap();
        assert!(page.len() <= 2);
        if page.is_empty() {
            break;
        }
        told.extend(page);
    }
    assert_eq!(told, expected);
}

/// The run of a connection that is due is an ordinary one that says what started it.
pub async fn a_due_connection_gets_its_run(harness: &dyn Harness) {
    let timed = Timed::new(harness).await;
    let connection = timed.scheduled("every 15m").await;
    timed.at("2026-03-01T08:15:00Z");
    let run = timed.start_only().await;
    assert_eq!((run.trigger, run.mode, run.dry_run), (Trigger::Schedule, RunMode::Auto, false));
    assert_eq!((run.status, run.connection), (RunStatus::Queued, connection.id));
    assert_eq!(timed.world.run(run.id).await, run);
    let after = timed.read(&connection).await;
    assert_eq!(after.next_sync_at, on_first_of_march("08:30:00"));
    assert_eq!(after.updated_at, connection.updated_at, "nobody who edits it has to read it again");
    assert_eq!(timed.due().await, []);
    assert_eq!(timed.claim_next().await, Some(run.id));
}

/// However many servers find a connection due, it gets one run.
pub async fn many_look_and_one_starts(harness: &dyn Harness) {
    let timed = Timed::new(harness).await;
    let connections = [timed.scheduled("every 15m").await, timed.scheduled("every 15m").await];
    timed.at("2026-03-01T08:15:00Z");
    let due = timed.due().await;
    assert_eq!(due.len(), 2);
    let servers = join_all((0..4).map(|_| timed.world.database.open_with(clock(&timed.seconds)))).await;
    let now = timed.now();
    let starts = servers.iter().flat_map(|server| {
        due.iter().map(move |due| async move { server.start_due(due, RunId(id()), now).await.unwrap() })
    });
    let starts = join_all(starts).await;
    assert_eq!(starts.iter().filter(|start| matches!(start, DueStart::Queued(_))).count(), 2, "{starts:?}");
    // Each later one learns of it, by the time or by the run.
    assert!(starts.iter().all(|start| !matches!(start, DueStart::Unreadable(_))));
    assert_eq!(timed.world.number("SELECT count(*) FROM sync_runs").await, 2);
    for connection in connections {
        assert_eq!(timed.next(&connection).await, on_first_of_march("08:30:00"));
    }
    assert_eq!(timed.start(&due[0]).await, DueStart::Taken);
}

/// Times that nobody was there for count once.
pub async fn missed_times_run_once(harness: &dyn Harness) {
    let timed = Timed::new(harness).await;
    let connection = timed.scheduled("every 15m").await;
    timed.at("2026-03-04T17:20:00Z");
    let run = timed.start_only().await;
    assert_eq!(timed.due().await, []);
    assert_eq!(timed.next(&connection).await, Some(second("2026-03-04T17:30:00Z")));
    assert_eq!(
        timed.world.store.runs(connection.tenant, connection.id, IdPage { after: None, limit: 9 }).await.unwrap(),
        [run]
    );
}

/// A paused connection has no next time; one that goes on is planned anew, and gets no run for what it missed.
pub async fn a_paused_connection_is_not_due(harness: &dyn Harness) {
    let timed = Timed::new(harness).await;
    let connection = timed.scheduled("every 15m").await;
    timed.at("2026-03-01T08:15:00Z");
    let due = timed.due().await;
    let paused = timed.update(&connection, |update| update.paused = true).await;
    assert_eq!((paused.state, paused.next_sync_at), (ConnectionState::Paused, None));
    assert_eq!(timed.start(&due[0]).await, DueStart::Taken, "found before, paused since");
    assert_eq!(timed.due().await, []);
    timed.at("2026-03-02T10:01:00Z");
    assert_eq!(timed.due().await, []);
    let resumed = timed.update(&connection, |update| update.paused = false).await;
    assert_eq!((resumed.state, resumed.next_sync_at), (ConnectionState::Active, Some(second("2026-03-02T10:15:00Z"))));
    assert_eq!(timed.world.number("SELECT count(*) FROM sync_runs").await, 0);
}

/// Another schedule is planned anew; an update of something else leaves the time alone.
pub async fn another_schedule_is_planned_anew(harness: &dyn Harness) {
    let timed = Timed::new(harness).await;
    let connection = timed.scheduled("every 15m").await;
    timed.at("2026-03-01T08:20:00Z");
    let renamed = timed.update(&connection, |update| update.display_name.push('!')).await;
    assert_eq!(renamed.next_sync_at, on_first_of_march("08:15:00"), "due, and still due");
    let hourly = timed.update(&connection, |update| update.schedule = Some("0 * * * *".to_owned())).await;
    assert_eq!(hourly.next_sync_at, on_first_of_march("09:00:00"));
    let manual = timed.update(&connection, |update| update.schedule = None).await;
    assert_eq!((manual.next_sync_at, timed.due().await), (None, vec![]));
}

/// A schedule that cannot be read any more starts nothing and is left as it is, without holding up the others.
pub async fn an_unreadable_schedule_is_left_alone(harness: &dyn Harness) {
    let timed = Timed::new(harness).await;
    let [broken, never, corrupt, good] = [
        timed.scheduled("every 15m").await,
        timed.scheduled("every 15m").await,
        timed.scheduled("every 15m").await,
        timed.scheduled("every 15m").await,
    ];
    for (connection, set) in
        [(&broken, "schedule = 'often'"), (&never, "schedule = '0 3 31 2 *'"), (&corrupt, "policy = '7'")]
    {
        timed.world.sql(&format!("UPDATE connections SET {set} WHERE id = '{}'", connection.id)).await;
    }
    timed.at("2026-03-01T08:15:00Z");
    for due in timed.due().await {
        let start = timed.world.store.start_due(&due, RunId(id()), timed.now()).await;
        match due.connection {
            id if id == broken.id => assert_eq!(start.unwrap(), DueStart::Unreadable(ScheduleError::Form)),
            id if id == never.id => assert_eq!(start.unwrap(), DueStart::Unreadable(ScheduleError::Never)),
            id if id == corrupt.id => assert!(matches!(start, Err(StoreError::Corrupt { .. })), "{start:?}"),
            id => assert!(id == good.id && matches!(start, Ok(DueStart::Queued(_))), "{start:?}"),
        }
    }
    assert_eq!(timed.due().await, [], "asked about once");
    assert_eq!(timed.world.number("SELECT count(*) FROM sync_runs").await, 1);
    assert_eq!(timed.read(&broken).await.schedule.as_deref(), Some("often"));
}

/// What a program of before this was known left without a time gets one; what cannot be read gets none, each time.
pub async fn what_is_unplanned_is_planned(harness: &dyn Harness) {
    let timed = Timed::new(harness).await;
    let unplanned = [timed.scheduled("every 15m").await, timed.scheduled("0 9 * * *").await];
    let unreadable = timed.scheduled("often").await;
    let paused = timed.scheduled("every 15m").await;
    timed.update(&paused, |update| update.paused = true).await;
    timed.world.sql("UPDATE connections SET next_sync_at = NULL").await;
    let planned = timed.scheduled("every 15m").await;
    timed.at("2026-03-01T08:20:00Z");

    let mut walked = Vec::new();
    loop {
        let page = timed.world.store.unplanned_connections(walked.last().copied(), 2).await.unwrap();
        assert!(page.len() <= 2);
        if page.is_empty() {
            break;
        }
        walked.extend(page);
    }
    let mut expected: Vec<_> = unplanned.iter().chain([&unreadable]).map(|one| (one.tenant, one.id)).collect();
    expected.sort_unstable();
    assert_eq!(walked, expected);
    let plan =
        async |one: &Connection| timed.world.store.plan_connection(one.tenant, one.id, timed.now()).await.unwrap();
    for one in unplanned.iter().chain([&planned, &paused]) {
        assert_eq!(plan(one).await, Ok(()));
    }
    assert_eq!(plan(&unreadable).await, Err(ScheduleError::Form));
    let next = async |one| timed.next(one).await;
    assert_eq!(
        (next(&unplanned[0]).await, next(&unplanned[1]).await),
        (on_first_of_march("08:30:00"), on_first_of_march("09:00:00"))
    );
    assert_eq!(next(&planned).await, on_first_of_march("08:15:00"), "what has its time keeps it");
    assert_eq!((next(&paused).await, next(&unreadable).await), (None, None));
}
