//! Connections that are due, and directories that asked to be left alone. The time is the behaviour's own.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use directory_core::{ConnectionId, RunId, TenantId};
use futures_util::future::join_all;
use uuid::Uuid;

use super::{
    Harness,
    world::{LEASE, World, add_tenant, id, new_connection, new_run, sealed, second},
};
use crate::{
    Actor, ClaimLimits, Clock, Connection, ConnectionEffect, ConnectionState, ConnectionUpdate, CreatedRun, Due,
    DueStart, Lease, NewConnection, NewRun, Run, RunEnd, RunMode, RunStatus, ScheduleError, StoreError, Trigger,
    UpdatedConnection,
};

const BEGIN: &str = "2026-03-01T08:00:00Z";
const MINUTE: Duration = Duration::from_mins(1);

/// A world whose time stands still until it is told to go on, and whose first connection has no schedule.
struct Timed {
    world: World,
    seconds: Arc<AtomicI64>,
}

impl Timed {
    async fn new(harness: &dyn Harness) -> Self {
        let seconds = Arc::new(AtomicI64::new(0));
        let mut world = World::new(harness).await;
        world.store = world.database.open_with(clock(&seconds)).await;
        Self { world, seconds }
    }

    fn now(&self) -> DateTime<Utc> {
        clock(&self.seconds).now()
    }

    /// Time goes on to this; it is in the ISO form of the day the world begins.
    fn at(&self, time: &str) {
        self.seconds.store((second(time) - second(BEGIN)).num_seconds(), Ordering::SeqCst);
    }

    async fn scheduled(&self, schedule: &str) -> Connection {
        self.add(NewConnection { schedule: Some(schedule.to_owned()), ..punctual(self.world.tenant) }).await
    }

    async fn add(&self, connection: NewConnection) -> Connection {
        self.world.store.create_connection(Actor::SYSTEM, &connection).await.unwrap()
    }

    async fn read(&self, connection: &Connection) -> Connection {
        self.world.store.connection(connection.tenant, connection.id).await.unwrap().unwrap()
    }

    async fn next(&self, connection: &Connection) -> Option<DateTime<Utc>> {
        self.read(connection).await.next_sync_at
    }

    async fn due(&self) -> Vec<Due> {
        self.world.store.due_connections(self.now(), None, 100).await.unwrap()
    }

    async fn start(&self, due: &Due) -> DueStart {
        self.world.store.start_due(due, RunId(id()), self.now()).await.unwrap()
    }

    /// Starts the only connection that is due.
    async fn start_only(&self) -> Run {
        let due = self.due().await;
        assert_eq!(due.len(), 1, "{due:?}");
        match self.start(&due[0]).await {
            DueStart::Queued(run) => *run,
            other => panic!("not queued: {other:?}"),
        }
    }

    async fn claim_next(&self) -> Option<RunId> {
        self.world.store.claim_next(id(), LEASE, ClaimLimits::NONE).await.unwrap().map(|claim| claim.run.id)
    }

    /// Ends the run, or another one of the connection, so.
    async fn ends(&self, connection: &Connection, run: RunId, effect: ConnectionEffect) -> Connection {
        let claim = self.world.claim(run).await.expect("a free run");
        self.finish(&claim.lease, effect).await;
        self.read(connection).await
    }

    async fn finish(&self, lease: &Lease, effect: ConnectionEffect) {
        let end = RunEnd { status: RunStatus::Failed, error: None, connection: effect };
        self.world.store.finish_run(lease, &end).await.unwrap();
    }

    /// A run that a person asks for ends so.
    async fn manual(&self, connection: &Connection, effect: ConnectionEffect) -> Connection {
        let run = super::world::queue(&*self.world.store, connection.tenant, connection.id).await;
        self.ends(connection, run, effect).await
    }

    async fn update(&self, connection: &Connection, change: impl FnOnce(&mut ConnectionUpdate)) -> Connection {
        let current = self.read(connection).await;
        let mut update = ConnectionUpdate {
            display_name: current.display_name.clone(),
            group_id: current.group_id.clone(),
            default_role: current.default_role.clone(),
            policy: current.policy.clone(),
            schedule: current.schedule.clone(),
            paused: current.state == ConnectionState::Paused,
        };
        change(&mut update);
        let (tenant, id, seen) = (current.tenant, current.id, current.updated_at);
        match self.world.store.update_connection(Actor::SYSTEM, tenant, id, seen, &update).await.unwrap() {
            UpdatedConnection::Done(connection) => *connection,
            other => panic!("not updated: {other:?}"),
        }
    }
}

fn clock(seconds: &Arc<AtomicI64>) -> Clock {
    let seconds = seconds.clone();
    Clock::new(move || second(BEGIN) + TimeDelta::seconds(seconds.load(Ordering::SeqCst)))
}

/// A connection whose starts and pauses are not spread: its id has nothing random.
fn punctual(tenant: TenantId) -> NewConnection {
    let (ordered, _) = id().as_u64_pair();
    NewConnection { id: ConnectionId(Uuid::from_u64_pair(ordered, 0)), ..new_connection(tenant) }
}

#[expect(clippy::unnecessary_wraps, reason = "as the connection has it")]
fn on_first_of_march(time: &str) -> Option<DateTime<Utc>> {
    Some(second(&format!("2026-03-01T{time}Z")))
}

fn quarantine() -> ConnectionEffect {
    ConnectionEffect::Quarantine("Mend it.".to_owned())
}

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
        timed
            .world
            .store
            .runs(connection.tenant, connection.id, crate::IdPage { after: None, limit: 9 })
            .await
            .unwrap(),
        [run]
    );
}

/// While a run of the connection is active, its times pass.
pub async fn an_active_run_comes_before_the_schedule(harness: &dyn Harness) {
    let timed = Timed::new(harness).await;
    let connection = timed.scheduled("every 15m").await;
    let active = super::world::queue(&*timed.world.store, connection.tenant, connection.id).await;
    timed.at("2026-03-01T08:15:00Z");
    assert_eq!(timed.start(&timed.due().await[0]).await, DueStart::AlreadyActive(active));
    assert_eq!(timed.next(&connection).await, on_first_of_march("08:30:00"));
    assert_eq!(timed.world.number("SELECT count(*) FROM sync_runs").await, 1);
    timed.ends(&connection, active, ConnectionEffect::Keep).await;
    timed.at("2026-03-01T08:30:00Z");
    timed.start_only().await;
}

/// A scheduled run takes a held plan's place, as any newer run does.
pub async fn a_scheduled_run_supersedes_a_held_one(harness: &dyn Harness) {
    let timed = Timed::new(harness).await;
    let world = &timed.world;
    let held = world.held(vec![]).await;
    let connection = world.store.connection(world.tenant, world.connection).await.unwrap().unwrap();
    timed.update(&connection, |update| update.schedule = Some("0 * * * *".to_owned())).await;
    assert_eq!(world.run(held).await.status, RunStatus::Held);
    timed.at("2026-03-01T10:00:00Z");
    timed.start_only().await;
    assert_eq!(world.run(held).await.status, RunStatus::Superseded);
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

/// No run of a directory that asked to be left alone is handed out before its time, whoever asked for it and whichever way
/// it is claimed; it says until when it waits. Other directories, other tenants and finished plans go on.
pub async fn a_directory_is_left_alone(harness: &dyn Harness) {
    let timed = Timed::new(harness).await;
    let world = &timed.world;
    let connection = timed.scheduled("every 15m").await;
    let sibling = timed.add(NewConnection { group_id: Some("g".to_owned()), ..punctual(world.tenant) }).await;
    let elsewhere = timed.add(NewConnection { directory_id: "elsewhere".to_owned(), ..punctual(world.tenant) }).await;
    let other = add_tenant(&*world.store, "other").await;
    let theirs = timed.add(punctual(other)).await;
    // A person approves what was read before.
    let approved = world.planned(vec![]).await;

    let waits = ConnectionEffect::BackOff { retry_after: Some(20 * MINUTE) };
    let after = timed.manual(&connection, waits).await;
    let until = on_first_of_march("08:20:00");
    assert_eq!(after.next_sync_at, until, "later than its own next time");
    // Less than that does not shorten it; what another run of the directory hears later may make it longer.
    let short = super::world::queue(&*world.store, world.tenant, elsewhere.id).await;
    timed.ends(&elsewhere, short, ConnectionEffect::BackOff { retry_after: Some(MINUTE) }).await;

    let queue = async |one: &Connection| super::world::queue(&*world.store, one.tenant, one.id).await;
    let (waiting, waiting_too) = (queue(&connection).await, queue(&sibling).await);
    assert_eq!(world.run(waiting).await.not_before, until);
    assert_eq!(world.run(waiting_too).await.status, RunStatus::Queued);
    let free = queue(&theirs).await;
    assert_eq!(timed.claim_next().await, Some(free), "another tenant's is not held up");
    assert_eq!(timed.claim_next().await, None);
    assert!(world.claim(waiting).await.is_none());
    world.store.release(&approved).await.unwrap();
    assert_eq!(world.run(approved.run).await.not_before, None);
    assert_eq!(timed.claim_next().await, Some(approved.run), "its directory has been read");

    let there = queue(&elsewhere).await;
    timed.at("2026-03-01T08:01:00Z");
    assert_eq!(timed.claim_next().await, Some(there), "this long was asked for there");
    timed.at("2026-03-01T08:19:59Z");
    assert_eq!(timed.claim_next().await, None);
    timed.at("2026-03-01T08:20:00Z");
    assert_eq!(timed.claim_next().await, Some(waiting));
    assert_eq!(timed.claim_next().await, Some(waiting_too));
    assert_eq!(world.run(waiting).await.not_before, None);
}

/// The longest wait that was asked for counts, and what is over is forgotten.
pub async fn the_longest_wait_counts(harness: &dyn Harness) {
    let timed = Timed::new(harness).await;
    let world = &timed.world;
    let one = timed.add(punctual(world.tenant)).await;
    let two = timed.add(punctual(world.tenant)).await;
    let three = timed.add(punctual(world.tenant)).await;
    let mut leases = Vec::new();
    for connection in [&one, &two] {
        let run = super::world::queue(&*world.store, world.tenant, connection.id).await;
        leases.push(world.claim(run).await.unwrap().lease);
    }
    for (lease, wait) in leases.iter().zip([30, 10]) {
        timed.finish(lease, ConnectionEffect::BackOff { retry_after: Some(wait * MINUTE) }).await;
    }
    let waiting = super::world::queue(&*world.store, world.tenant, three.id).await;
    assert_eq!(world.run(waiting).await.not_before, on_first_of_march("08:30:00"));
    timed.at("2026-03-01T08:30:00Z");
    let elsewhere = timed.add(NewConnection { directory_id: "elsewhere".to_owned(), ..punctual(world.tenant) }).await;
    timed.manual(&elsewhere, ConnectionEffect::BackOff { retry_after: Some(MINUTE) }).await;
    assert_eq!(world.number("SELECT count(*) FROM directory_pauses").await, 1);
    assert_eq!(timed.claim_next().await, Some(waiting));
}
